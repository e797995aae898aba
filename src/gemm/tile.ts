/**
 * Register tiles (kernels/gemm_tile*.wgsl): one invocation a tile, no barrier, nothing asked of the device. They fit
 * everywhere and are what other families are checked against.
 */
import { gemmTile, gemmTileOuter } from '../gpu/kernels.gen.ts';
import { outerLaunch, rowsLaunch } from './launch.ts';
import type { GemmFamily } from './family.ts';

const shape = { rows: 8, groups: 2, perWorkgroup: 32 };

export const tileFamily: GemmFamily = {
  name: 'tile',
  candidates: () => [{ family: 'tile', tile: '8x2', parts: 1 }],
  launch(problem, { parts }, steps) {
    if (problem.form === 'tn') return outerLaunch(gemmTileOuter['2'], {}, problem, shape, parts);
    return rowsLaunch(gemmTile['8'], { B_TRANSPOSED: problem.form === 'nt' }, problem, shape, parts, steps);
  },
};
