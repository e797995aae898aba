/** The picture being drawn, in the network's input space: x = (p - mean) / std for pixel values p in [0, 1]. */
import { constant } from '../graph/leaves.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Model } from '../model/model.ts';
import { add, maximum, minimum, mul } from '../ops/binary.ts';
import type { Random } from '../random.ts';

export interface PixelSpace {
  shape: [number, number, number];
  mean: readonly number[];
  std: readonly number[];
  /** Whether the model says how pixels become input; if not, mean 0.5 and std 0.25 (input about -2..2) are assumed. */
  known: boolean;
  /** Extent of the pixel range [0, 1] in input units, averaged over the channels: 4.4 or 255 in common models. */
  span: number;
}

export function pixelSpace(model: Pick<Model, 'pictureShape' | 'preprocess'>): PixelSpace {
  const shape = model.pictureShape;
  const known = model.preprocess !== undefined;
  const perChannel = (list: readonly number[] | undefined, fallback: number) =>
    Array.from({ length: shape[0] }, (_, c) => list?.[c % list.length] ?? fallback);
  const mean = perChannel(model.preprocess?.mean, 0.5);
  const std = perChannel(model.preprocess?.std, 0.25);
  const span = std.reduce((n, s) => n + 1 / s, 0) / shape[0];
  return { shape, mean, std, known, span };
}

/** Mid grey with Gaussian noise of standard deviation `deviation` (in pixel values), in input space [C,H,W]. */
export function noisyGrey({ shape, mean, std }: PixelSpace, random: Random, deviation: number): Float32Array {
  const [channels, height, width] = shape;
  const area = height * width;
  return Float32Array.from({ length: channels * area }, (_, i) => {
    const c = Math.floor(i / area);
    const pixel = Math.min(1, Math.max(0, 0.5 + deviation * random.normal()));
    return (pixel - mean[c]!) / std[c]!;
  });
}

/** Input space [N,C,H,W] to pixel values. */
export const toPixels = (x: Tensor, { mean, std }: PixelSpace): Tensor =>
  add(mul(x, perChannel(std)), perChannel(mean));

/** x limited to what pixels in [0, 1] can give. */
export function clampToPixels(x: Tensor, { mean, std }: PixelSpace): Tensor {
  const low = mean.map((m, c) => -m / std[c]!);
  const high = mean.map((m, c) => (1 - m) / std[c]!);
  return minimum(maximum(x, perChannel(low)), perChannel(high));
}

const perChannel = (values: readonly number[]): Tensor => constant(Float32Array.from(values), [values.length, 1, 1]);
