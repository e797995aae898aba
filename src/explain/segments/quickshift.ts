/**
 * Quickshift (Vedaldi and Soatto 2008, "Quick shift and kernel methods for mode seeking"): each pixel's density is the
 * sum of exp(-d^2 / 2 k^2) over its window, d its distance to the others in colour and place together; its parent is the
 * nearest pixel of higher density. Trees, cut where a parent is farther than `maxDistance`, are the segments.
 * As scikit-image: colours in Lab times `ratio`, window of ceil(3 k) to each side, noise of 1e-5 that breaks ties.
 */
import type { Pace } from '../../pace.ts';
import { Random } from '../../random.ts';
import { treeLabels } from './labels.ts';
import { blur, toLab, type Colors } from './picture.ts';

export interface QuickshiftOptions {
  kernelSize: number;
  maxDistance: number;
  ratio: number;
  sigma: number;
  seed: number;
  /** What breaks ties, [H,W]; default: from the seed. */
  noise?: Float32Array | undefined;
}

export async function quickshift(picture: Colors, options: QuickshiftOptions, pace: Pace): Promise<Int32Array> {
  const { kernelSize, maxDistance, ratio, sigma, seed } = options;
  const { width, height, data } = blur(toLab(picture), sigma);
  const random = new Random(`quickshift ${seed}`);
  const noise = options.noise ?? Float64Array.from({ length: width * height }, () => 1e-5 * random.normal());
  const field = { width, height, colors: data.map((v) => v * ratio), reach: Math.ceil(3 * kernelSize) };
  const density = await densities(field, -0.5 / kernelSize ** 2, pace);
  for (let i = 0; i < density.length; i++) density[i]! += noise[i]!;
  const parent = await parents(field, density, maxDistance ** 2, pace);
  return treeLabels(parent);
}

interface Field {
  width: number;
  height: number;
  colors: Float64Array;
  /** Pixels of the window to each side. */
  reach: number;
}

/** d^2 of two pixels, (y, x) apart. */
function distance(colors: Float64Array, p: number, q: number, y: number, x: number): number {
  const r = colors[3 * p]! - colors[3 * q]!;
  const g = colors[3 * p + 1]! - colors[3 * q + 1]!;
  const b = colors[3 * p + 2]! - colors[3 * q + 2]!;
  return r * r + g * g + b * b + y * y + x * x;
}

/** Each pair counts for both of its pixels, and is met once: from the one that comes first. */
async function densities({ width, height, colors, reach }: Field, factor: number, pace: Pace): Promise<Float64Array> {
  const density = new Float64Array(width * height).fill(1);
  // Below e^-40 a term is lost beside the 1 that a pixel gives itself.
  const far = -40 / factor;
  for (let row = 0; row < height; row++) {
    await pace.next();
    for (let column = 0; column < width; column++) {
      const p = row * width + column;
      const right = Math.min(width, column + reach + 1);
      for (let below = row; below < Math.min(height, row + reach + 1); below++) {
        for (let c = below === row ? column + 1 : Math.max(0, column - reach); c < right; c++) {
          const q = below * width + c;
          const d = distance(colors, p, q, row - below, column - c);
          if (d > far) continue;
          const term = Math.exp(d * factor);
          density[p]! += term;
          density[q]! += term;
        }
      }
    }
  }
  return density;
}

/** The nearest pixel of higher density within the window, the first of several; itself where it is too far. */
async function parents(field: Field, density: Float64Array, limit: number, pace: Pace): Promise<Int32Array> {
  const { width, height, colors, reach } = field;
  const parent = Int32Array.from(density, (_, i) => i);
  for (let row = 0; row < height; row++) {
    await pace.next();
    for (let column = 0; column < width; column++) {
      const p = row * width + column;
      const own = density[p]!;
      const right = Math.min(width, column + reach + 1);
      let closest = Infinity;
      for (let r = Math.max(0, row - reach); r < Math.min(height, row + reach + 1); r++) {
        for (let c = Math.max(0, column - reach); c < right; c++) {
          const q = r * width + c;
          if (density[q]! <= own) continue;
          const d = distance(colors, p, q, row - r, column - c);
          if (d >= closest) continue;
          closest = d;
          parent[p] = q;
        }
      }
      if (closest > limit) parent[p] = p;
    }
  }
  return parent;
}
