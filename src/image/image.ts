/** Pictures in memory: 8-bit RGB, and float planes for everything that is computed with. */
import { WgradError } from '../errors.ts';

/** 8-bit RGB, rows top to bottom, channels innermost (HWC): `data.length === width * height * 3`. */
export interface Image {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint8ClampedArray;
}

/** The same with opacity, as canvases have it: `data.length === width * height * 4`, not premultiplied. */
export interface RgbaImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray;
}

/** Float planes [channels, height, width]. */
export interface Planes {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: Float32Array;
}

export type Color = readonly [red: number, green: number, blue: number];

export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** A picture of one colour, black by default. */
export function blank(width: number, height: number, color: Color = [0, 0, 0]): Image & { data: Uint8ClampedArray } {
  const data = new Uint8ClampedArray(width * height * 3);
  const image = { width, height, data };
  if (color.some((c) => c !== 0)) fill(image, { left: 0, top: 0, width, height }, color);
  return image;
}

/** @throws WgradError 'invalid-argument' unless extents are positive and fit the data. */
export function checkImage({ width, height, data }: Image | RgbaImage, channels: 3 | 4 = 3): void {
  const positive = (n: number) => Number.isInteger(n) && n > 0;
  if (!positive(width) || !positive(height) || data.length !== width * height * channels) {
    throw new WgradError('invalid-argument', `a picture of ${width} x ${height} RGB pixels with ${data.length} bytes`);
  }
}

/** Fills a rectangle, clipped to the picture. */
export function fill(image: Image, box: Box, color: Color): void {
  const right = Math.min(image.width, box.left + box.width);
  const bottom = Math.min(image.height, box.top + box.height);
  for (let y = Math.max(0, box.top); y < bottom; y++) {
    for (let x = Math.max(0, box.left); x < right; x++) image.data.set(color, (y * image.width + x) * 3);
  }
}

/** Copies `source` onto `target` with its corner at (left, top), clipped. */
export function paste(target: Image, source: Image, left: number, top: number): void {
  const from = Math.max(0, -left);
  const to = Math.min(source.width, target.width - left);
  if (to <= from) return;
  for (let y = Math.max(0, -top); y < Math.min(source.height, target.height - top); y++) {
    const row = source.data.subarray((y * source.width + from) * 3, (y * source.width + to) * 3);
    target.data.set(row, ((y + top) * target.width + left + from) * 3);
  }
}

/** Whole-number magnification without smoothing: for pixel art such as small feature maps. RGB or RGBA. */
export function enlarge<T extends Image | RgbaImage>(image: T, factor: number): T {
  const [width, height] = [image.width * factor, image.height * factor];
  const bytes = image.data.length / (image.width * image.height);
  const data = new Uint8ClampedArray(width * height * bytes);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (Math.floor(y / factor) * image.width + Math.floor(x / factor)) * bytes;
      data.set(image.data.subarray(from, from + bytes), (y * width + x) * bytes);
    }
  }
  return { width, height, data } as Image | RgbaImage as T;
}

/** Rec. 601 luma of each pixel, 0 to 255, as PIL's convert('L'). */
export function luma(image: Image): Float32Array {
  const { data } = image;
  return Float32Array.from(
    { length: image.width * image.height },
    (_, i) => 0.299 * data[3 * i]! + 0.587 * data[3 * i + 1]! + 0.114 * data[3 * i + 2]!,
  );
}
