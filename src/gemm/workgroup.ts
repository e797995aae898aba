/**
 * Workgroup tiles (kernels/gemm_workgroup*.wgsl): for physical GPUs. Both factors come into workgroup memory in whole
 * 16-byte lanes, neighbouring invocations read neighbouring addresses, and the next slice is under way while one is
 * multiplied.
 */
import { gemmWorkgroup, gemmWorkgroupOuter } from '../gpu/kernels.gen.ts';
import type { GemmFamily } from './family.ts';
import { outerPass, rowsPass } from './launch.ts';

const tiles = { nn: Object.keys(gemmWorkgroup), nt: Object.keys(gemmWorkgroup), tn: Object.keys(gemmWorkgroupOuter) };

/** Invocations along each side of a workgroup. */
const SIDE = 8;

/** What one invocation keeps: rows (of the weight gradient groups of four rows), and groups of four columns. */
const parse = (tile: string) => tile.split('x').map(Number) as [rows: number, groups: number];

export const workgroupFamily: GemmFamily = {
  name: 'workgroup',
  candidates: (problem, { limits }) =>
    limits.maxComputeInvocationsPerWorkgroup < SIDE * SIDE
      ? []
      : tiles[problem.form].map((tile) => ({ family: 'workgroup', tile, parts: 1 })),
  launch(problem, { tile, parts }, y, steps) {
    const [rows, groups] = parse(tile);
    if (problem.form === 'tn') {
      const shape = { rows: SIDE * rows * 4, groups: SIDE * groups, perWorkgroup: 1 };
      return [outerPass(gemmWorkgroupOuter[tile as keyof typeof gemmWorkgroupOuter], problem, shape, { parts, y })];
    }
    const shape = { rows: SIDE * rows, groups: SIDE * groups, perWorkgroup: 1 };
    const constants = { B_TRANSPOSED: problem.form === 'nt' };
    const kernel = gemmWorkgroup[tile as keyof typeof gemmWorkgroup];
    return [rowsPass(kernel, constants, problem, shape, { parts, y, steps })];
  },
};
