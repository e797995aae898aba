/**
 * Non-negative matrix factorisation V ~ W H by multiplicative updates, which never raise |V - W H|^2 (Lee and Seung 2001,
 * Algorithms for non-negative matrix factorization):
 *
 *   H <- H (W^T V) / (W^T W H)        W <- W (V H^T) / (W H H^T)
 *
 * In float64 on the host: a photograph's map is a few hundred rows.
 */
import { Random } from '../random.ts';

/** V ~ W H: rows of V as sums of few parts, none of them negative. */
export interface Factors {
  /** [rows, parts]: how much of each part is in each row. */
  weights: Float64Array;
  /** [parts, columns], each of length 1. */
  parts: Float64Array;
  /** |V - W H| / |V|. */
  error: number;
}

const TINY = 1e-12;

/** @param values [rows, columns], row-major, none negative. @param seed the same one gives the same factors. */
export function factorise(
  values: ArrayLike<number>,
  [rows, columns]: readonly [number, number],
  count: number,
  { iterations = 200, seed = 0 }: { iterations?: number; seed?: number } = {},
): Factors {
  const random = new Random(`${seed} factors`);
  const w = Float64Array.from({ length: rows * count }, () => random.uniform(0.1, 1));
  const h = Float64Array.from({ length: count * columns }, () => random.uniform(0.1, 1));
  for (let k = 0; k < iterations; k++) {
    scale(h, product(transposed(w, rows, count), values, count, rows, columns), product(gramOf(w, rows, count), h, count, count, columns)); // prettier-ignore
    const ht = transposed(h, count, columns);
    scale(w, product(values, ht, rows, columns, count), product(w, gramOf(ht, columns, count), rows, count, count));
  }
  for (let g = 0; g < count; g++) {
    const length = Math.hypot(...h.subarray(g * columns, (g + 1) * columns)) || 1;
    for (let j = 0; j < columns; j++) h[g * columns + j]! /= length;
    for (let i = 0; i < rows; i++) w[i * count + g]! *= length;
  }
  const made = product(w, h, rows, count, columns);
  let [off, all] = [0, 0];
  for (let i = 0; i < made.length; i++) {
    off += (values[i]! - made[i]!) ** 2;
    all += values[i]! ** 2;
  }
  return { weights: w, parts: h, error: all === 0 ? 0 : Math.sqrt(off / all) };
}

function scale(target: Float64Array, up: Float64Array, down: Float64Array): void {
  for (let i = 0; i < target.length; i++) target[i]! *= up[i]! / (down[i]! + TINY);
}

/** [n, k] [k, m] */
function product(a: ArrayLike<number>, b: ArrayLike<number>, n: number, k: number, m: number): Float64Array {
  const c = new Float64Array(n * m);
  for (let i = 0; i < n; i++) {
    for (let p = 0; p < k; p++) {
      const v = a[i * k + p]!;
      if (v === 0) continue;
      for (let j = 0; j < m; j++) c[i * m + j]! += v * b[p * m + j]!;
    }
  }
  return c;
}

function transposed(a: ArrayLike<number>, n: number, m: number): Float64Array {
  const t = new Float64Array(n * m);
  for (let i = 0; i < n; i++) for (let j = 0; j < m; j++) t[j * n + i] = a[i * m + j]!;
  return t;
}

/** a^T a of a [n, m]. */
const gramOf = (a: ArrayLike<number>, n: number, m: number) => product(transposed(a, n, m), a, m, n, m);
