/**
 * From decorrelated numbers to pixel values, as Lucid has it: rgb = range(M raw), M a square root of the covariance of
 * the colours of photographs, so that the three numbers of a pixel vary as independently as those of a photograph.
 */
import { WgradError } from '../../errors.ts';
import { constant } from '../../graph/leaves.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { add } from '../../ops/binary.ts';
import { matmul } from '../../ops/matmul.ts';
import { reshape } from '../../ops/reshape.ts';
import { clamp, sigmoid } from '../../ops/unary.ts';
import { choice, custom } from '../../options.ts';

/** 3 x 3, row-major: rgb[d] = sum over c of M[d,c] raw[c]. */
export type ColourMatrix = readonly number[];

const IMAGENET_SVD_SQRT = [0.26, 0.09, 0.02, 0.27, 0.0, -0.05, 0.27, -0.09, 0.03];

/** M / (the largest length of its columns), so that a unit of raw is about a unit of rgb. */
function normalised(m: readonly number[]): number[] {
  const longest = Math.max(...[0, 1, 2].map((c) => Math.hypot(m[c]!, m[3 + c]!, m[6 + c]!)));
  return m.map((v) => v / longest);
}

/** ImageNet's, from Lucid (olah2017). */
export const imagenetColours: ColourMatrix = normalised(IMAGENET_SVD_SQRT);

/** Mean colour of ImageNet, where clipped pixels begin. */
const IMAGENET_MEAN = [0.48, 0.46, 0.41];

/** How parameters become colours: decorrelated channels, and the range of pixel values. */
export interface ColourOptions {
  /** 'imagenet' (default), 'none', or a matrix such as that of {@link colourMatrix}. Other than three channels: none. */
  colours?: 'imagenet' | 'none' | ColourMatrix;
  /** 'sigmoid' (default), or 'clip': the mean colour is added and what is outside [0, 1] cut off. */
  range?: 'sigmoid' | 'clip';
}

const isMatrix = (v: unknown) => Array.isArray(v) && v.every(Number.isFinite);

export const colourOptions = {
  colours: custom<ColourOptions['colours']>('how colours are decorrelated', "'imagenet', 'none' or nine numbers", (v) =>
    v === 'imagenet' || v === 'none' || isMatrix(v),
  ),
  range: choice(['sigmoid', 'clip'], 'sigmoid', 'how numbers become pixel values'),
}; // prettier-ignore

/** The matrix that the options mean for so many channels; undefined: none. */
export function matrixOf({ colours = 'imagenet' }: ColourOptions, channels: number): ColourMatrix | undefined {
  if (colours === 'none' || (channels !== 3 && colours === 'imagenet')) return undefined;
  const matrix = colours === 'imagenet' ? imagenetColours : colours;
  if (channels !== 3 || matrix.length !== 9 || !matrix.every(Number.isFinite)) {
    throw new WgradError('shape', `colours: ${matrix.length} numbers for ${channels} channels`, {
      remedy: 'Give the nine numbers of a 3 x 3 matrix, to a model with three channels',
    });
  }
  return matrix;
}

/** @param raw [N,C,H,W] @returns pixel values. */
export function toRgb(raw: Tensor, options: ColourOptions): Tensor {
  const [n, c, h, w] = raw.shape as [number, number, number, number];
  const matrix = matrixOf(options, c);
  const mixed = matrix ? reshape(matmul(constant(matrix, [1, 3, 3]), reshape(raw, [n, c, h * w])), raw.shape) : raw;
  if (options.range !== 'clip') return sigmoid(mixed);
  const middle = c === 3 ? IMAGENET_MEAN : new Array<number>(c).fill(0.5);
  return clamp(add(mixed, constant(middle, [c, 1, 1])), 0, 1);
}

/** The raw numbers of given pixel values [N,C,H,W], on the host; pixels are kept a hundredth away from the bounds. */
export function fromRgb(pixels: Float32Array, channels: number, area: number, options: ColourOptions): Float32Array {
  const matrix = matrixOf(options, channels);
  const back = matrix && inverse(matrix);
  const middle = channels === 3 ? IMAGENET_MEAN : new Array<number>(channels).fill(0.5);
  const flat = pixels.map((p, i) => {
    const inside = Math.min(0.99, Math.max(0.01, p));
    return options.range === 'clip'
      ? inside - middle[Math.floor(i / area) % channels]!
      : Math.log(inside / (1 - inside));
  });
  if (!back) return flat;
  return flat.map((_, i) => {
    const [n, c, at] = [Math.floor(i / (3 * area)), Math.floor(i / area) % 3, i % area];
    return [0, 1, 2].reduce((sum, k) => sum + back[3 * c + k]! * flat[(3 * n + k) * area + at]!, 0);
  });
}

function inverse(m: ColourMatrix): number[] {
  const minor = (r: number, c: number) => {
    const [r1, r2, c1, c2] = [(r + 1) % 3, (r + 2) % 3, (c + 1) % 3, (c + 2) % 3];
    return m[3 * r1 + c1]! * m[3 * r2 + c2]! - m[3 * r1 + c2]! * m[3 * r2 + c1]!;
  };
  const det = m[0]! * minor(0, 0) + m[1]! * minor(0, 1) + m[2]! * minor(0, 2);
  return Array.from({ length: 9 }, (_, i) => minor(i % 3, Math.floor(i / 3)) / det);
}

/**
 * The matrix of given pictures: U sqrt(S) of the covariance U S U^T of their colours, as Lucid made ImageNet's.
 * @param pictures pixel values [3,H,W] in [0, 1], of any sizes.
 * @throws WgradError 'invalid-argument' where there is no picture.
 */
export function colourMatrix(pictures: readonly Float32Array[]): ColourMatrix {
  const sums = new Float64Array(3);
  const products = new Float64Array(9);
  let count = 0;
  for (const picture of pictures) {
    const area = picture.length / 3;
    for (let i = 0; i < area; i++) {
      count++;
      for (let a = 0; a < 3; a++) {
        sums[a]! += picture[a * area + i]!;
        for (let b = 0; b < 3; b++) products[3 * a + b]! += picture[a * area + i]! * picture[b * area + i]!;
      }
    }
  }
  if (count === 0) throw new WgradError('invalid-argument', 'colourMatrix: no pictures were given');
  const covariance = Array.from(products, (p, i) => p / count - (sums[Math.floor(i / 3)]! * sums[i % 3]!) / count ** 2);
  const { values, vectors } = symmetricEigen(covariance);
  return normalised(vectors.map((v, i) => v * Math.sqrt(Math.max(values[i % 3]!, 1e-10))));
}

/** Eigenvalues, falling, and eigenvectors as columns, of a symmetric 3 x 3 matrix (Jacobi). */
function symmetricEigen(matrix: readonly number[]): { values: number[]; vectors: number[] } {
  const a = [...matrix];
  const v = [1, 0, 0, 0, 1, 0, 0, 0, 1];
  for (let sweep = 0; sweep < 30; sweep++) {
    for (const [p, q] of [[0, 1], [0, 2], [1, 2]] as const) {
      if (Math.abs(a[3 * p + q]!) < 1e-300) continue;
      const theta = (a[3 * q + q]! - a[3 * p + p]!) / (2 * a[3 * p + q]!);
      const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
      const c = 1 / Math.hypot(t, 1);
      const s = t * c;
      const turn = (m: number[], i: number, j: number) => {
        const [x, y] = [m[i]!, m[j]!];
        m[i] = c * x - s * y;
        m[j] = s * x + c * y;
      };
      for (let k = 0; k < 3; k++) turn(a, 3 * k + p, 3 * k + q);
      for (let k = 0; k < 3; k++) turn(a, 3 * p + k, 3 * q + k);
      for (let k = 0; k < 3; k++) turn(v, 3 * k + p, 3 * k + q);
    }
  } // prettier-ignore
  const order = [0, 1, 2].sort((i, j) => a[4 * j]! - a[4 * i]!);
  return {
    values: order.map((i) => a[4 * i]!),
    vectors: Array.from({ length: 9 }, (_, k) => v[3 * Math.floor(k / 3) + order[k % 3]!]!),
  };
}
