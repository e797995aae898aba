/** What launches of all families have in common: tiles counted, the sum shared out, geometry packed, parts added up. */
import { grid, spreadOut } from '../gpu/grid.ts';
import { packStruct, type Kernel } from '../gpu/kernel.ts';
import { gemmFinish, gemmTile, gemmTileOuter } from '../gpu/kernels.gen.ts';
import type { Pass, Scratch } from './family.ts';
import type { OuterProblem, RowsProblem } from './problem.ts';
import { stepCode, type StepKind } from './steps.ts';

export interface TileShape {
  rows: number;
  /** Groups of four columns. */
  groups: number;
  /** Tiles that one workgroup computes. */
  perWorkgroup: number;
}

export function rowsPass(
  kernel: Kernel,
  constants: Pass['constants'],
  { phases, half }: RowsProblem,
  { rows, groups, perWorkgroup }: TileShape,
  { parts, y, steps }: { parts: number; y: 'y' | Scratch; steps: number },
): Pass {
  const mTiles = phases.map((g) => Math.ceil(g.m / rows));
  const counts = phases.map((g, i) => mTiles[i]! * Math.ceil(g.n4 / groups));
  const packed = phases.map((g, i) =>
    packStruct(gemmTile['8'], 'geometry', {
      ...g,
      run_part: Math.ceil(g.run / parts),
      parts,
      m_tiles: mTiles[i]!,
      tiles: counts[i]!,
    }),
  );
  const geometry = Int32Array.from(packed.flatMap((words) => [...words]));
  // Steps that the kernel does not take read nothing.
  const operands = steps
    ? ({ scale: 'scale', shift: 'shift', residual: 'residual', gate: 'gate' } as const)
    : ({ scale: 'a', shift: 'a', residual: 'a', gate: 'a' } as const);
  return {
    kernel,
    constants: { ...constants, ...(steps && { STEPS: steps }), ...(half && { HALF: true }) },
    bindings: { a: 'a', b: 'b', y, geometry, ...operands },
    workgroups: [...spreadOut(Math.ceil(Math.max(...counts) / perWorkgroup)), phases.length * parts],
  };
}

export function outerPass(
  kernel: Kernel,
  { geometry: g }: OuterProblem,
  { rows, groups, perWorkgroup }: TileShape,
  { parts, y }: { parts: number; y: 'y' | Scratch },
): Pass {
  const [mTiles, nTiles] = [Math.ceil((g.m4 * 4) / rows), Math.ceil(g.n4 / groups)];
  const geometry = packStruct(gemmTileOuter['2'], 'geometry', {
    ...g,
    m_tiles: mTiles,
    n_tiles: nTiles,
    parts,
    rows_a_part: Math.ceil(g.rows / parts),
  });
  const tiles = mTiles * nTiles * g.taps_h * g.taps_w * parts;
  const workgroups = [...spreadOut(Math.ceil(tiles / perWorkgroup)), 1] as const;
  return { kernel, constants: {}, bindings: { a: 'a', b: 'b', y, geometry }, workgroups };
}

/** Extents of a result that is finished elementwise. */
export interface Finished {
  elements: number;
  /** The fastest axis. */
  channels: number;
  parts?: number;
}

/** y = steps(sum over parts of x). */
export function finishPass(
  x: Pass['bindings'][string],
  { elements, channels, parts = 1 }: Finished,
  steps: readonly StepKind[],
): Pass {
  const width = channels % 4 === 0 ? 4 : 1;
  const geometry = packStruct(gemmFinish, 'geometry', {
    count: elements / width,
    channels: channels / width,
    parts,
  });
  return {
    kernel: gemmFinish,
    constants: { WIDTH: width, STEPS: stepCode(steps) },
    bindings: { x, y: 'y', geometry, scale: 'scale', shift: 'shift', residual: 'residual', gate: 'gate' },
    workgroups: [...grid(elements / width, 64), 1],
  };
}
