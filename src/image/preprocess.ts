/** From a picture to a network's input, and back: resize, centre crop, x = (rgb / 255 - mean) / std. */
import { WgradError } from '../errors.ts';
import type { Preprocess } from './preprocess_spec.ts';
import { checkImage, type Box, type Image } from './image.ts';
import { resize } from './resize.ts';

/** Height and width in pixels. */
export interface Size {
  height: number;
  width: number;
}

/** What torchvision's and the ONNX Model Zoo's ImageNet networks expect. */
export const imagenetPreprocess: Preprocess = {
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
  resize: 256,
  crop: 224,
};

/** The middle part; left = floor((w - width) / 2), top likewise. @throws WgradError 'invalid-argument' where too small. */
export function centerCrop(image: Image, width: number, height: number): Image {
  return resize(image, image.width, image.height, middle(image, { width, height }));
}

const middle = (whole: Size, { width, height }: Size): Box => ({
  left: Math.floor((whole.width - width) / 2),
  top: Math.floor((whole.height - height) / 2),
  width,
  height,
});

/**
 * Brings the shorter side to `spec.resize` pixels (by default to what just covers the crop; more if the crop would not
 * fit; the longer side is truncated, as torchvision does) and takes the middle `size` (default: `spec.crop` squared).
 * Small pictures are enlarged.
 */
export function resizeAndCrop(image: Image, spec: Partial<Preprocess>, size?: Size): Image {
  checkImage(image);
  const target = size ?? { width: spec.crop ?? image.width, height: spec.crop ?? image.height };
  const cover = Math.max(target.width / image.width, target.height / image.height);
  const wanted = spec.resize === undefined ? 0 : spec.resize / Math.min(image.width, image.height);
  // Rounding errors of a ratio such as 256 / 333 * 333 must not lose a pixel.
  const scaled = (side: number, least: number) => Math.max(least, Math.trunc(side * Math.max(cover, wanted) + 1e-6));
  const whole = { width: scaled(image.width, target.width), height: scaled(image.height, target.height) };
  return resize(image, whole.width, whole.height, middle(whole, target));
}

/**
 * @param size the network's input; default: the spec's crop, else the picture as it is.
 * @returns float32 [3, height, width] in the network's input space.
 */
export function preprocess(image: Image, spec: Preprocess, size?: Size): Float32Array {
  return normalize(resizeAndCrop(image, spec, size), spec);
}

/** The same for several pictures: [N, 3, height, width]. */
export function preprocessBatch(images: readonly Image[], spec: Preprocess, size?: Size): Float32Array {
  const parts = images.map((image) => preprocess(image, spec, size));
  const batch = new Float32Array(parts.reduce((n, p) => n + p.length, 0));
  if (parts.some((p) => p.length !== parts[0]!.length)) {
    throw new WgradError('invalid-argument', 'the pictures of a batch differ in size', { remedy: 'Pass a size' });
  }
  parts.forEach((part, i) => batch.set(part, i * part.length));
  return batch;
}

/** 8-bit RGB [H,W,3] to (rgb / 255 - mean) / std, [3,H,W]. */
export function normalize(image: Image, { mean, std }: Pick<Preprocess, 'mean' | 'std'>): Float32Array {
  checkChannels(mean, std);
  const area = image.width * image.height;
  const out = new Float32Array(3 * area);
  for (let c = 0; c < 3; c++) {
    // 256 values a channel: a table is exact and quicker than the division.
    const table = Float32Array.from({ length: 256 }, (_, v) => (v / 255 - mean[c]!) / std[c]!);
    for (let i = 0; i < area; i++) out[c * area + i] = table[image.data[3 * i + c]!]!;
  }
  return out;
}

/** The inverse of {@link normalize}: [3,H,W] (or the `index`-th of a batch) to RGB, rounded and clamped. */
export function toImage(
  pixels: Float32Array,
  { width, height }: Size,
  { mean, std }: Pick<Preprocess, 'mean' | 'std'>,
  index = 0,
): Image {
  checkChannels(mean, std);
  const area = width * height;
  if (pixels.length < 3 * area * (index + 1)) {
    const need = `[3,${height},${width}] at index ${index}`;
    throw new WgradError('invalid-argument', `${pixels.length} values do not hold a picture ${need}`);
  }
  const data = new Uint8ClampedArray(3 * area);
  for (let c = 0; c < 3; c++) {
    const from = (3 * index + c) * area;
    // Uint8ClampedArray rounds to nearest, clamps, and turns NaN into 0.
    for (let i = 0; i < area; i++) data[3 * i + c] = 255 * (pixels[from + i]! * std[c]! + mean[c]!);
  }
  return { width, height, data };
}

function checkChannels(mean: readonly number[], std: readonly number[]): void {
  if (mean.length !== 3 || std.length !== 3) {
    throw new WgradError('invalid-argument', `mean of ${mean.length} and std of ${std.length} values for 3 channels`, {
      remedy: 'wgrad reads pictures as RGB: give three of each',
    });
  }
}
