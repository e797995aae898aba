/** Colour maps from a few control points, interpolated linearly. */
import type { Color } from './image.ts';

/** Dark to bright, with lightness that only rises: readable in grey and by colour-blind eyes. */
const heat: readonly Color[] = [
  [0, 0, 20],
  [60, 10, 100],
  [150, 30, 110],
  [225, 75, 60],
  [250, 160, 20],
  [250, 245, 170],
];

/** Blue for what speaks against, white for nothing, red for what speaks for. */
const diverging: readonly Color[] = [
  [20, 60, 150],
  [120, 170, 220],
  [245, 245, 245],
  [235, 140, 110],
  [165, 15, 35],
];

/** The colour maps: colours from low to high, interpolated linearly. */
export const colormaps = { heat, diverging };

/** Name of a colour map. */
export type ColormapName = keyof typeof colormaps;

/** The colour at `t` in [0, 1]. */
export function colorAt(name: ColormapName, t: number): Color {
  const points = colormaps[name];
  const at = Math.max(0, Math.min(1, t)) * (points.length - 1);
  const i = Math.min(points.length - 2, Math.floor(at));
  const mix = (c: 0 | 1 | 2) => points[i]![c] + (points[i + 1]![c] - points[i]![c]) * (at - i);
  return [mix(0), mix(1), mix(2)];
}
