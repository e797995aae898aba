/** The network's input space: x = (p - mean) / std for pixel values p in [0, 1]. */
import { constant } from '../../graph/leaves.ts';
import type { Tensor } from '../../graph/tensor.ts';
import type { Model } from '../../model/model.ts';
import { add, mul, sub } from '../../ops/binary.ts';
import type { Random } from '../../random.ts';

/** How pixel values 0 to 1 become a model's input, channel by channel. */
export interface PixelSpace {
  shape: [number, number, number];
  mean: readonly number[];
  std: readonly number[];
  /** Whether the model says how pixels become input; if not, mean 0.5 and std 0.25 (input about -2..2) are assumed. */
  known: boolean;
  /** Extent of the pixel range [0, 1] in input units, averaged over the channels: 4.4 or 255 in common models. */
  span: number;
}

/** The space of a model's pictures: pixel values 0 to 1 less the mean, over the deviation. */
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
export function noisyGrey(
  { shape: [channels], mean, std }: PixelSpace,
  [height, width]: readonly [number, number],
  random: Random,
  deviation: number,
): Float32Array {
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

/** Pixel values [N,C,H,W] to input space. */
export const toInput = (pixels: Tensor, { mean, std }: PixelSpace): Tensor =>
  mul(sub(pixels, perChannel(mean)), perChannel(std.map((s) => 1 / s)));

/** A picture of input space as pixel values, on the host. @param values [C,H,W] or several of them. */
export function pixelsOf(values: Float32Array, { shape, mean, std }: PixelSpace, area: number): Float32Array {
  return values.map((v, i) => {
    const c = Math.floor(i / area) % shape[0];
    return v * std[c]! + mean[c]!;
  });
}

/** The reverse of {@link pixelsOf}. */
export function inputOf(pixels: Float32Array, { shape, mean, std }: PixelSpace, area: number): Float32Array {
  return pixels.map((v, i) => {
    const c = Math.floor(i / area) % shape[0];
    return (v - mean[c]!) / std[c]!;
  });
}

/** What pixels of 0 and 1 are in input space. */
export const inputRange = ({ mean, std }: PixelSpace): [low: number[], high: number[]] => [
  mean.map((m, c) => -m / std[c]!),
  mean.map((m, c) => (1 - m) / std[c]!),
];

const perChannel = (values: readonly number[]): Tensor => constant(Float32Array.from(values), [values.length, 1, 1]);
