/**
 * Insertion and deletion: pixels go, or come, in the order of the map, and the probability of the class is watched.
 * (Petsiuk, Das, Saenko 2018, arXiv:1806.07421.) A map that knows what matters has a small area under the deletion
 * curve and a large one under insertion. Masks are made on the device from the pixels' ranks.
 */
import { WgradError } from '../../errors.ts';
import { input } from '../../graph/leaves.ts';
import { sizeOf } from '../../graph/shape.ts';
import { checkPicture } from '../../model/gate.ts';
import type { Model } from '../../model/model.ts';
import { greater } from '../../ops/binary.ts';
import { abortSignal, callback, choice, count, floats, readOptions, type OptionsOf } from '../../options.ts';
import { compileMasked } from '../engines/masks.ts';
import { classScore } from '../score.ts';
import type { Progress } from '../types.ts';

const options = {
  step: count(
    undefined,
    'pixels that change from one point of the curve to the next (default: one row of the picture)',
  ),
  substrate: floats('what stands where the picture does not, [C,H,W] (default: zeros to delete to, the blurred picture to insert into)'), // prettier-ignore
  output: choice(['probability', 'logit'], 'probability', 'what is watched'),
  batch: count(8, 'pictures in one run'),
  signal: abortSignal(),
  onProgress: callback<(progress: Progress) => void>('progress'),
};
/** Options of {@link deletion} and {@link insertion}. */
export type RemovalOptions = OptionsOf<typeof options>;

/** The class's value as pixels go or come. */
export interface RemovalCurve {
  /** Shares of the pixels that have changed, from 0 to 1. */
  shares: Float64Array;
  /** The class's value at each of them. */
  values: Float64Array;
  /** Area under the curve by the trapezoid rule; 0 to 1 for probabilities. */
  auc: number;
}

/**
 * The class's value as the most relevant pixels are taken away (Petsiuk et al. 2018, arXiv:1806.07421): low is good.
 * @param map one value a pixel, [H,W]; its highest pixels go first.
 */
export const deletion = (
  model: Model,
  pixels: Float32Array,
  map: ArrayLike<number>,
  target: number,
  given: RemovalOptions = {},
): Promise<RemovalCurve> => curve('deletion', model, pixels, map, target, given);

/**
 * The class's value as the most relevant pixels come into a blurred picture (Petsiuk et al. 2018): high is good.
 * @param map one value a pixel, [H,W]; its highest pixels come first.
 */
export const insertion = (
  model: Model,
  pixels: Float32Array,
  map: ArrayLike<number>,
  target: number,
  given: RemovalOptions = {},
): Promise<RemovalCurve> => curve('insertion', model, pixels, map, target, given);

async function curve(
  what: 'deletion' | 'insertion',
  model: Model,
  pixels: Float32Array,
  map: ArrayLike<number>,
  target: number,
  given: RemovalOptions,
): Promise<RemovalCurve> {
  const removal = await compileRemoval(what, model, given);
  try {
    return await removal.run(pixels, map, target);
  } finally {
    removal.dispose();
  }
}

/** One program for many pictures and maps. */
export interface Removal {
  run(pixels: Float32Array, map: ArrayLike<number>, target: number): Promise<RemovalCurve>;
  dispose(): void;
}

/** {@link deletion} or {@link insertion}, compiled once. */
export async function compileRemoval(
  what: 'deletion' | 'insertion',
  model: Model,
  given: RemovalOptions = {},
): Promise<Removal> {
  const shape = model.pictureShape;
  const [, h, w] = shape;
  const { step = w, substrate, output, batch, signal, onProgress } = readOptions(what, options, given);
  if (substrate && substrate.length !== sizeOf(shape)) {
    throw new WgradError('shape', `${what}: the substrate has ${substrate.length} values`);
  }
  const points = Math.ceil((h * w) / step) + 1;
  const changed = (k: number) => Math.min(k * step, h * w);
  const masked = await compileMasked(model, classScore(model, output), {
    signal,
    limit: Math.min(batch, points),
    mask(n) {
      const [ranks, threshold] = [input('rank', [1, 1, h, w]), input('threshold', [n, 1, 1, 1])];
      return what === 'deletion' ? greater(ranks, threshold) : greater(threshold, ranks);
    },
  });
  return {
    async run(pixels, map, target) {
      checkPicture(pixels, shape, `${what}: the picture`);
      if (map.length !== h * w) {
        throw new WgradError('shape', `${what}: a map of ${map.length} values for ${h} x ${w} pixels`);
      }
      const fill = substrate ?? (what === 'deletion' ? new Float32Array(sizeOf(shape)) : blurred(pixels, shape));
      // Position of each pixel in the order of the map; of equals the first in the picture goes first.
      const order = Array.from({ length: h * w }, (_, i) => i).sort((a, b) => map[b]! - map[a]! || a - b);
      const rank = new Float32Array(h * w);
      order.forEach((pixel, i) => (rank[pixel] = i));
      // Ranks are whole: half a rank below the count tells just so many pixels from the others.
      const feeds = (first: number) => ({
        rank,
        threshold: Float32Array.from({ length: masked.batch }, (_, k) => changed(first + k) - 0.5),
      });
      const weights = new Float32Array(masked.outputs);
      const run = { pixels, weights, feeds: {}, signal, onProgress };
      const outputs = await masked.run({ count: points, feeds, fill, run });
      const values = Float64Array.from({ length: points }, (_, k) => outputs[k * masked.outputs + target]!);
      const shares = Float64Array.from({ length: points }, (_, k) => changed(k) / (h * w));
      let auc = 0;
      for (let k = 1; k < points; k++) auc += ((shares[k]! - shares[k - 1]!) * (values[k]! + values[k - 1]!)) / 2;
      return { shares, values, auc };
    },
    dispose: () => masked.dispose(),
  };
}

const KERNEL = 11;
const SIGMA = 5;

/**
 * The substrate that RISE inserts into: a kernel of 11 x 11, sigma 5 (a Gaussian reflected at the kernel's own border, as
 * scipy's gaussian_filter makes it of a single pixel), zeros outside the picture.
 */
export function blurred(pixels: Float32Array, [c, h, w]: readonly [number, number, number]): Float32Array {
  const weights = reflectedGaussian(KERNEL, SIGMA);
  const half = (KERNEL - 1) / 2;
  const pass = (source: Float64Array, along: 'rows' | 'columns') => {
    const result = new Float64Array(source.length);
    const [extent, stride] = along === 'columns' ? [w, 1] : [h, w];
    for (let i = 0; i < source.length; i++) {
      const at = along === 'columns' ? i % w : Math.floor(i / w) % h;
      let sum = 0;
      for (let k = -half; k <= half; k++) {
        if (at + k >= 0 && at + k < extent) sum += weights[k + half]! * source[i + k * stride]!;
      }
      result[i] = sum;
    }
    return result;
  };
  return Float32Array.from(pass(pass(Float64Array.from(pixels.subarray(0, c * h * w)), 'columns'), 'rows'));
}

/** One dimension of it: each tap of a Gaussian truncated at 4 sigma, folded back into `size` places by reflection. */
function reflectedGaussian(size: number, sigma: number): Float64Array {
  const radius = Math.trunc(4 * sigma + 0.5);
  const taps = Float64Array.from({ length: 2 * radius + 1 }, (_, i) => Math.exp(-0.5 * ((i - radius) / sigma) ** 2));
  const total = taps.reduce((a, b) => a + b, 0);
  const centre = (size - 1) / 2;
  const folded = new Float64Array(size);
  for (let at = 0; at < size; at++) {
    for (let k = -radius; k <= radius; k++) {
      // scipy's 'reflect': d c b a | a b c d | d c b a
      const period = 2 * size;
      const place = (((at + k) % period) + period) % period;
      const source = place < size ? place : period - 1 - place;
      if (source === centre) folded[at]! += taps[k + radius]! / total;
    }
  }
  return folded;
}
