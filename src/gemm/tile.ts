/**
 * Register tiles (kernels/gemm_tile*.wgsl): one invocation a tile, no barrier, nothing asked of the device. They fit
 * everywhere and are what other families are checked against.
 */
import { gemmTile, gemmTileOuter } from '../gpu/kernels.gen.ts';
import { outerPass, rowsPass } from './launch.ts';
import type { Choice, GemmFamily } from './family.ts';

const shape = { rows: 8, groups: 2, perWorkgroup: 32 };

/** What every other choice is compared with. */
export const reference: Choice = { family: 'tile', tile: '8x2', parts: 1 };

export const tileFamily: GemmFamily = {
  name: 'tile',
  candidates: () => [reference],
  launch(problem, { parts }, y, steps) {
    if (problem.form === 'tn') return [outerPass(gemmTileOuter['2'], problem, shape, { parts, y })];
    const constants = { B_TRANSPOSED: problem.form === 'nt' };
    return [rowsPass(gemmTile['8'], constants, problem, shape, { parts, y, steps })];
  },
};
