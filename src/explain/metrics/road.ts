/**
 * ROAD, remove and debias: the most (or least) relevant pixels are replaced by what their surroundings suggest, so that
 * no hard edge tells the network where pixels went. Each removed pixel is the weighted mean of its neighbours, 1/6 for
 * those beside it and 1/12 for those at its corners, all solved for at once. (Rong et al. 2022, arXiv:2202.00449.)
 */
import { WgradError } from '../../errors.ts';
import type { Model } from '../../model/model.ts';
import { fraction, nonNegative, readOptions, whole, abortSignal, choice, type OptionsOf } from '../../options.ts';
import { Random } from '../../random.ts';

const options = {
  share: fraction(0.2, 'of the pixels that are removed'),
  order: choice(['most-relevant-first', 'least-relevant-first'], 'most-relevant-first', 'which pixels are removed'),
  noise: nonNegative(0, 'standard deviation of noise added to what is imputed, in input space (the paper: 0.01)'),
  seed: whole(0, 'of the noise'),
  signal: abortSignal(),
};
/** Options of {@link road}. */
export type RoadOptions = OptionsOf<typeof options>;

/** What removing the marked pixels did. */
export interface Road {
  /** Logit after less logit before: low for a good map with the most relevant first, high with the least. */
  change: number;
  /** The imputed picture [C,H,W]. */
  picture: Float32Array;
}

/**
 * Remove and debias (Rong et al. 2022, arXiv:2202.00449): marked pixels are replaced by noisy linear interpolation, which leaves no trace of the mask's shape.
 * @param map one value a pixel, [H,W].
 */
export async function road(
  model: Model,
  pixels: Float32Array,
  map: ArrayLike<number>,
  target: number,
  given: RoadOptions = {},
): Promise<Road> {
  const { share, order, noise, seed, signal } = readOptions('road', options, given);
  const [c, h, w] = model.pictureShape;
  if (map.length !== h * w) throw new WgradError('shape', `road: a map of ${map.length} values for ${h} x ${w} pixels`);
  const sign = order === 'most-relevant-first' ? 1 : -1;
  const ranked = Array.from({ length: h * w }, (_, i) => i).sort((a, b) => sign * (map[b]! - map[a]!) || a - b);
  const removed = new Uint8Array(h * w);
  for (const i of ranked.slice(0, Math.round(share * h * w))) removed[i] = 1;
  const picture = impute(pixels, removed, [c, h, w]);
  if (noise > 0) {
    const random = new Random(`road ${seed}`);
    for (let i = 0; i < picture.length; i++) if (removed[i % (h * w)]) picture[i]! += noise * random.normal();
  }
  const before = (await model.run(pixels, { signal })).logits[target]!;
  const after = (await model.run(picture, { signal })).logits[target]!;
  return { change: after - before, picture };
}

const neighbours: readonly [dy: number, dx: number, weight: number][] = [
  [-1, 0, 1 / 6], [1, 0, 1 / 6], [0, -1, 1 / 6], [0, 1, 1 / 6],
  [-1, -1, 1 / 12], [-1, 1, 1 / 12], [1, -1, 1 / 12], [1, 1, 1 / 12],
]; // prettier-ignore

/** What conjugate gradients leave of the right side, relative. */
const RESIDUAL = 1e-10;

/**
 * Solves x_i sum_j w_j = sum_j w_j x_j over the neighbours j inside the picture for the removed pixels, channel by
 * channel. The matrix is symmetric and positive definite unless nothing is left: conjugate gradients.
 * @param removed 1 where the pixel is to be replaced, [H,W].
 */
export function impute(
  pixels: Float32Array,
  removed: Uint8Array,
  [c, h, w]: readonly [number, number, number],
): Float32Array {
  const places = Array.from(removed.keys()).filter((i) => removed[i]);
  const result = pixels.slice();
  if (places.length === 0) return result;
  if (places.length === h * w) return result.fill(0);
  const unknown = new Int32Array(h * w).fill(-1);
  places.forEach((i, k) => (unknown[i] = k));
  const n = places.length;
  const diagonal = new Float64Array(n);
  const columns = new Int32Array(8 * n).fill(-1);
  const weights = new Float64Array(8 * n);
  const known: { row: number; pixel: number; weight: number }[] = [];
  places.forEach((i, row) => {
    const [y, x] = [Math.floor(i / w), i % w];
    neighbours.forEach(([dy, dx, weight], k) => {
      if (y + dy < 0 || y + dy >= h || x + dx < 0 || x + dx >= w) return;
      const pixel = i + dy * w + dx;
      diagonal[row]! += weight;
      if (unknown[pixel]! >= 0) [columns[8 * row + k], weights[8 * row + k]] = [unknown[pixel]!, weight];
      else known.push({ row, pixel, weight });
    });
  });
  const multiply = (v: Float64Array) => {
    const y = new Float64Array(n);
    for (let row = 0; row < n; row++) {
      let sum = diagonal[row]! * v[row]!;
      for (let k = 8 * row; k < 8 * row + 8; k++) if (columns[k]! >= 0) sum -= weights[k]! * v[columns[k]!]!;
      y[row] = sum;
    }
    return y;
  };
  for (let channel = 0; channel < c; channel++) {
    const right = new Float64Array(n);
    for (const { row, pixel, weight } of known) right[row]! += weight * pixels[channel * h * w + pixel]!;
    const solution = conjugateGradients(multiply, right);
    places.forEach((i, k) => (result[channel * h * w + i] = solution[k]!));
  }
  return result;
}

function conjugateGradients(multiply: (v: Float64Array) => Float64Array, right: Float64Array): Float64Array {
  const dot = (a: Float64Array, b: Float64Array) => a.reduce((n, v, i) => n + v * b[i]!, 0);
  const x = new Float64Array(right.length);
  const residual = right.slice();
  let direction = right.slice();
  let power = dot(residual, residual);
  const enough = power * RESIDUAL ** 2;
  for (let step = 0; step < 4 * right.length && power > enough; step++) {
    const image = multiply(direction);
    const length = power / dot(direction, image);
    for (let i = 0; i < x.length; i++) {
      x[i]! += length * direction[i]!;
      residual[i]! -= length * image[i]!;
    }
    const next = dot(residual, residual);
    direction = direction.map((v, i) => residual[i]! + (next / power) * v);
    power = next;
  }
  return x;
}
