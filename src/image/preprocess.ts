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

/**
 * 8-bit RGB [H,W,3] to (v / 255 - mean) / std, [C,H,W] for the C entries of mean and std: three take red, green and blue,
 * one takes the brightness (ITU-R BT.601, rounded, as PIL's mode L).
 * @throws WgradError 'invalid-argument' for other numbers of channels: a photograph has no more to give.
 */
export function normalize(image: Image, spec: Pick<Preprocess, 'mean' | 'std'>): Float32Array {
  const channels = channelsOf(spec);
  if (channels !== 1 && channels !== 3) {
    throw new WgradError('invalid-argument', `a picture has 1 or 3 channels to give; ${channels} are needed`, {
      remedy: 'Give such inputs as numbers: a Dataset of your own, model.run(), or wgrad eval --feed',
    });
  }
  const area = image.width * image.height;
  const out = new Float32Array(channels * area);
  for (let c = 0; c < channels; c++) {
    // Quicker than the division.
    const table = channelTable(spec, c);
    for (let i = 0; i < area; i++) out[c * area + i] = table[channels === 1 ? grey(image.data, 3 * i) : image.data[3 * i + c]!]!; // prettier-ignore
  }
  return out;
}

/** What {@link normalize} makes of each byte of a channel. */
export const channelTable = ({ mean, std }: Pick<Preprocess, 'mean' | 'std'>, c: number): Float32Array =>
  Float32Array.from({ length: 256 }, (_, v) => (v / 255 - mean[c]!) / std[c]!);

/** Brightness of the pixel at `at`, with PIL's integer weights. */
const grey = (data: ArrayLike<number>, at: number): number =>
  (19595 * data[at]! + 38470 * data[at + 1]! + 7471 * data[at + 2]! + 0x8000) >> 16;

/**
 * The inverse of `normalize`: [C,H,W] (or the `index`-th of a batch) to RGB, rounded and clamped. One channel is
 * shown as grey; of four and more, the first three are.
 */
export function toImage(
  pixels: Float32Array,
  { width, height }: Size,
  spec: Pick<Preprocess, 'mean' | 'std'>,
  index = 0,
): Image {
  const { mean, std } = spec;
  const channels = channelsOf(spec);
  const area = width * height;
  if (pixels.length < channels * area * (index + 1)) {
    const need = `[${channels},${height},${width}] at index ${index}`;
    throw new WgradError('invalid-argument', `${pixels.length} values do not hold a picture ${need}`);
  }
  const data = new Uint8ClampedArray(3 * area);
  for (let shown = 0; shown < 3; shown++) {
    const c = channels < 3 ? 0 : shown;
    const from = (channels * index + c) * area;
    // Uint8ClampedArray rounds to nearest, clamps, and turns NaN into 0.
    for (let i = 0; i < area; i++) data[3 * i + shown] = 255 * (pixels[from + i]! * std[c]! + mean[c]!);
  }
  return { width, height, data };
}

/** Channels that a preprocessing is for. @throws WgradError 'invalid-argument' where mean and std disagree. */
function channelsOf({ mean, std }: Pick<Preprocess, 'mean' | 'std'>): number {
  if (mean.length === std.length && mean.length > 0) return mean.length;
  throw new WgradError('invalid-argument', `mean has ${mean.length} values and std ${std.length}`, {
    remedy: 'Give one of each for every channel',
  });
}
