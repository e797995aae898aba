/**
 * Subgroup tiles (kernels/gemm_subgroup*.wgsl): for adapters that compute on the CPU, where loads dominate and barriers
 * are dear. They need subgroups of one known size: a workgroup is one of them.
 */
import { gemmSubgroup, gemmSubgroupOuter } from '../gpu/kernels.gen.ts';
import { outerPass, rowsPass } from './launch.ts';
import type { GemmFamily } from './family.ts';

const tiles = { nn: Object.keys(gemmSubgroup), nt: Object.keys(gemmSubgroup), tn: Object.keys(gemmSubgroupOuter) };

const parse = (tile: string) => tile.split('x').map(Number) as [lanes: number, rows: number];

export const subgroupFamily: GemmFamily = {
  name: 'subgroup',
  candidates: (problem, { subgroup }) =>
    tiles[problem.form]
      .filter((tile) => parse(tile)[0] === subgroup)
      .map((tile) => ({ family: 'subgroup', tile, parts: 1 })),
  launch(problem, { tile, parts }, y, steps) {
    const [lanes, rows] = parse(tile);
    const shape = { rows, groups: lanes, perWorkgroup: 1 };
    if (problem.form === 'tn') {
      return [outerPass(gemmSubgroupOuter[tile as keyof typeof gemmSubgroupOuter], problem, shape, { parts, y })];
    }
    const constants = { B_TRANSPOSED: problem.form === 'nt' };
    const kernel = gemmSubgroup[tile as keyof typeof gemmSubgroup];
    return [rowsPass(kernel, constants, problem, shape, { parts, y, steps })];
  },
};
