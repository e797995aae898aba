/** What launches of all families have in common: tiles counted, the sum shared out, geometry packed. */
import { spreadOut } from '../gpu/grid.ts';
import { packStruct, type Kernel } from '../gpu/kernel.ts';
import { gemmTile, gemmTileOuter } from '../gpu/kernels.gen.ts';
import type { Launch } from './family.ts';
import type { OuterProblem, RowsProblem } from './problem.ts';

export interface TileShape {
  rows: number;
  /** Groups of four columns. */
  groups: number;
  /** Tiles that one workgroup computes. */
  perWorkgroup: number;
}

export function rowsLaunch(
  kernel: Kernel,
  constants: Launch['constants'],
  { phases }: RowsProblem,
  { rows, groups, perWorkgroup }: TileShape,
  parts: number,
  steps: number,
): Launch {
  const mTiles = phases.map((g) => Math.ceil(g.m / rows));
  const counts = phases.map((g, i) => mTiles[i]! * Math.ceil(g.n4 / groups));
  const packed = phases.map((g, i) =>
    packStruct(gemmTile['8'], 'geometry', {
      ...g,
      run_part: Math.ceil(g.run / parts),
      parts,
      m_tiles: mTiles[i]!,
      tiles: counts[i]!,
      steps,
    }),
  );
  return {
    kernel,
    constants,
    geometry: Int32Array.from(packed.flatMap((words) => [...words])),
    workgroups: [...spreadOut(Math.ceil(Math.max(...counts) / perWorkgroup)), phases.length * parts],
  };
}

export function outerLaunch(
  kernel: Kernel,
  constants: Launch['constants'],
  { geometry: g }: OuterProblem,
  { rows, groups, perWorkgroup }: TileShape,
  parts: number,
): Launch {
  const [mTiles, nTiles] = [Math.ceil((g.m4 * 4) / rows), Math.ceil(g.n4 / groups)];
  const geometry = packStruct(gemmTileOuter['2'], 'geometry', {
    ...g,
    m_tiles: mTiles,
    n_tiles: nTiles,
    parts,
    rows_a_part: Math.ceil(g.rows / parts),
  });
  const tiles = mTiles * nTiles * g.taps_h * g.taps_w * parts;
  return { kernel, constants, geometry, workgroups: [...spreadOut(Math.ceil(tiles / perWorkgroup)), 1] };
}
