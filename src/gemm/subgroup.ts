/**
 * Subgroup tiles (kernels/gemm_subgroup*.wgsl, gemm_narrow.wgsl): for adapters that compute on the CPU, where loads
 * dominate and barriers are dear. They need subgroups of one known size: a workgroup is one of them.
 */
import { gemmNarrow, gemmSubgroup, gemmSubgroupOuter } from '../gpu/kernels.gen.ts';
import { outerPass, rowsPass } from './launch.ts';
import type { GemmFamily } from './family.ts';

const tiles = { nn: Object.keys(gemmSubgroup), nt: Object.keys(gemmSubgroup), tn: Object.keys(gemmSubgroupOuter) };
const narrow = Object.keys(gemmNarrow);

/** Lanes for each group of columns from which narrow tiles are the faster ones. */
const WORTH_IT = 3;

const parse = (tile: string) => tile.split('x').map(Number) as [lanes: number, rows: number, groups?: number];

const ofLanes = (family: string, names: readonly string[], lanes: number) =>
  names.filter((tile) => parse(tile)[0] === lanes).map((tile) => ({ family, tile, parts: 1 }));

export const subgroupFamily: GemmFamily = {
  name: 'subgroup',
  candidates: ({ form }, { subgroup }) => ofLanes('subgroup', tiles[form], subgroup),
  launch(problem, { tile, parts }, y, steps) {
    const [lanes, rows, groups = 1] = parse(tile);
    const shape = { rows, groups: lanes * groups, perWorkgroup: 1 };
    if (problem.form === 'tn') {
      return [outerPass(gemmSubgroupOuter[tile as keyof typeof gemmSubgroupOuter], problem, shape, { parts, y })];
    }
    const constants = { B_TRANSPOSED: problem.form === 'nt' };
    const kernel = gemmSubgroup[tile as keyof typeof gemmSubgroup];
    return [rowsPass(kernel, constants, problem, shape, { parts, y, steps })];
  },
};

/** Lanes hold rows instead of columns: for results of few columns, such as the gradient of a picture. */
export const narrowFamily: GemmFamily = {
  name: 'narrow',
  candidates: (problem, { subgroup }) =>
    problem.form === 'tn' || problem.phases[0]!.n4 * WORTH_IT > subgroup ? [] : ofLanes('narrow', narrow, subgroup),
  launch(problem, { tile, parts }, y, steps) {
    if (problem.form === 'tn') throw new Error('narrow tiles compute no sums over pixels');
    const [lanes, rows] = parse(tile);
    const constants = { B_TRANSPOSED: problem.form === 'nt' };
    const shape = { rows: rows * lanes, groups: 1, perWorkgroup: 1 };
    return [rowsPass(gemmNarrow[tile as keyof typeof gemmNarrow], constants, problem, shape, { parts, y, steps })];
  },
};
