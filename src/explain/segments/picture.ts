/**
 * What a segmentation works on: colours in float64, blurred and converted as scikit-image does it (to the last bits
 * where the order of the additions decides), since label maps hang on comparisons.
 */
import { WgradError } from '../../errors.ts';
import { checkImage, type Image } from '../../image/image.ts';
import { checkBlur } from '../box_blur.ts';

/** Colours with channels innermost, [H,W,3]. */
export interface Colors {
  readonly width: number;
  readonly height: number;
  readonly data: Float64Array;
}

/** 8-bit RGB as numbers from 0 to 1. */
export function colorsOf(image: Image): Colors {
  checkImage(image);
  return { ...image, data: Float64Array.from(image.data, (v) => v * (1 / 255)) };
}

/** @throws WgradError 'shape', 'not-finite'. */
export function checkColors({ width, height, data }: Colors): void {
  if (data.length !== 3 * width * height || data.length === 0) {
    throw new WgradError('shape', `${data.length} values are no picture of ${width} x ${height} RGB pixels`);
  }
  const bad = data.findIndex((v) => !Number.isFinite(v));
  if (bad >= 0) {
    throw new WgradError('not-finite', `the picture has ${data[bad]} at pixel ${Math.floor(bad / 3)}`, {
      remedy: 'Segmentation needs finite colours',
    });
  }
}

/** sRGB from 0 to 1 to CIE Lab, D65 at 2 degrees: IEC 61966-2-1 and CIE 15, with scikit-image's rounded constants. */
export function toLab({ width, height, data: rgb }: Colors): Colors {
  const data = new Float64Array(rgb.length);
  const linear = (v: number) => (v > 0.04045 ? ((v + 0.055) / 1.055) ** 2.4 : v / 12.92);
  const f = (t: number) => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);
  for (let i = 0; i < rgb.length; i += 3) {
    const [r, g, b] = [linear(rgb[i]!), linear(rgb[i + 1]!), linear(rgb[i + 2]!)];
    const x = f((0.412453 * r + 0.35758 * g + 0.180423 * b) / 0.95047);
    const y = f(0.212671 * r + 0.71516 * g + 0.072169 * b);
    const z = f((0.019334 * r + 0.119193 * g + 0.950227 * b) / 1.08883);
    data[i] = 116 * y - 16;
    data[i + 1] = 500 * (x - y);
    data[i + 2] = 200 * (y - z);
  }
  return { width, height, data };
}

/** exp(-k^2 / 2 sigma^2) for k from 0 to 4 sigma, of sum 1 over both sides. */
function gaussian(sigma: number): Float64Array {
  checkBlur(sigma);
  const radius = Math.floor(4 * sigma + 0.5);
  const half = Float64Array.from({ length: radius + 1 }, (_, k) => Math.exp((-0.5 / (sigma * sigma)) * k * k));
  let sum = 0;
  for (let k = -radius; k <= radius; k++) sum += half[Math.abs(k)]!;
  return half.map((v) => v / sum);
}

/** Gaussian blur, cut off at 4 standard deviations, the picture mirrored at its edges (d c b a | a b c d). */
export function blur({ width, height, data }: Colors, sigma: number): Colors {
  return { width, height, data: blurAxes(data, [[height, 3 * width], [width, 3]], sigma) }; // prettier-ignore
}

/** The same of any array, along axes of so many places and values from one place to the next. */
export function blurAxes(
  data: Float64Array,
  axes: readonly (readonly [number, number])[],
  sigma: number,
): Float64Array {
  if (sigma === 0) return data;
  const weights = gaussian(sigma);
  return axes.reduce((blurred, [extent, stride]) => filter(blurred, weights, extent, stride), data);
}

/** Along one axis: `extent` places, `stride` values apart. */
function filter(source: Float64Array, weights: Float64Array, extent: number, stride: number): Float64Array {
  const out = new Float64Array(source.length);
  const place = (i: number) => {
    const k = ((i % (2 * extent)) + 2 * extent) % (2 * extent);
    return stride * (k < extent ? k : 2 * extent - 1 - k);
  };
  for (let at = 0; at < extent; at++) {
    const pairs = Array.from(weights, (_, k) => [place(at - k), place(at + k)] as const);
    for (let line = 0; line < source.length / extent; line++) {
      const base = Math.floor(line / stride) * stride * extent + (line % stride);
      let sum = source[base + at * stride]! * weights[0]!;
      for (let k = weights.length - 1; k > 0; k--) {
        sum += (source[base + pairs[k]![0]]! + source[base + pairs[k]![1]]!) * weights[k]!;
      }
      out[base + at * stride] = sum;
    }
  }
  return out;
}
