/** From a map with channels to one number a pixel. */
import type { Attribution } from './types.ts';

type Reduction = (values: Float64Array) => number;

const reductions = {
  /** The largest magnitude: the usual saliency picture. */
  'abs-max': (v) => v.reduce((m, x) => Math.max(m, Math.abs(x)), 0),
  /** What the pixel contributes, signed: keeps the completeness of a map. */
  sum: (v) => v.reduce((n, x) => n + x, 0),
  'abs-sum': (v) => v.reduce((n, x) => n + Math.abs(x), 0),
  mean: (v) => v.reduce((n, x) => n + x, 0) / v.length,
  max: (v) => v.reduce((m, x) => Math.max(m, x), -Infinity),
  l2: (v) => Math.hypot(...v),
} satisfies Record<string, Reduction>;

/** How the channels of a map become one value a pixel. */
export type ChannelReduction = keyof typeof reductions;

/** All names of {@link ChannelReduction}. */
export const channelReductions = Object.keys(reductions) as ChannelReduction[];

/** A map [C,H,W] as [H,W]. */
export function channelReduce(
  attribution: Pick<Attribution, 'map' | 'shape'>,
  reduction: ChannelReduction = 'abs-max',
): Float32Array {
  const { map, shape } = attribution;
  const [channels, height, width] = shape;
  const reduce: Reduction = reductions[reduction];
  const pixels = height * width;
  const values = new Float64Array(channels);
  return Float32Array.from({ length: pixels }, (_, i) => {
    for (let c = 0; c < channels; c++) values[c] = map[c * pixels + i]!;
    return reduce(values);
  });
}
