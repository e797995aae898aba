/** How alike two maps are, and how a map's weight is spread. All on the host, in float64. */
import { WgradError } from '../../errors.ts';

function requireSame(a: ArrayLike<number>, b: ArrayLike<number>): void {
  if (a.length === b.length && a.length > 0) return;
  throw new WgradError('shape', `maps of ${a.length} and ${b.length} values are not comparable`);
}

/** Ranks from 1; equal values share their mean rank. */
export function ranks(values: ArrayLike<number>): Float64Array {
  const order = Array.from({ length: values.length }, (_, i) => i).sort((a, b) => values[a]! - values[b]!);
  const result = new Float64Array(values.length);
  for (let from = 0; from < order.length;) {
    let to = from;
    while (to < order.length && values[order[to]!] === values[order[from]!]) to++;
    for (let i = from; i < to; i++) result[order[i]!] = (from + 1 + to) / 2;
    from = to;
  }
  return result;
}

/** Pearson's correlation; NaN where one of the two does not vary. */
export function correlation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  requireSame(a, b);
  const mean = (v: ArrayLike<number>) => Array.prototype.reduce.call(v, (n: any, x: any) => n + x, 0) as number;
  const [ma, mb] = [mean(a) / a.length, mean(b) / b.length];
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i]! - ma, b[i]! - mb];
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : NaN;
}

/** Spearman's rank correlation: that of the ranks, ties sharing theirs; NaN where one of the two does not vary. */
export const spearman = (a: ArrayLike<number>, b: ArrayLike<number>): number => correlation(ranks(a), ranks(b));

/**
 * Structural similarity of two maps [H,W], the mean over all windows that lie inside: means, variances and covariance
 * (unbiased) of `window` x `window` pixels; K1 = 0.01, K2 = 0.03. (Wang et al. 2004; skimage's structural_similarity.)
 * @param range of the values; default: the larger span of the two maps.
 */
export function ssim(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  [height, width]: readonly [number, number],
  { window = 7, range }: { window?: number; range?: number } = {},
): number {
  requireSame(a, b);
  if (a.length !== height * width || window % 2 === 0 || window > Math.min(height, width)) {
    throw new WgradError('shape', `ssim: a window of ${window} on maps of ${height} x ${width}`, {
      remedy: 'Take an odd window no larger than the map',
    });
  }
  const span = range ?? Math.max(extent(a), extent(b));
  const [c1, c2] = [(0.01 * span) ** 2, (0.03 * span) ** 2];
  const count = window * window;
  let total = 0;
  for (let top = 0; top + window <= height; top++) {
    for (let left = 0; left + window <= width; left++) {
      let [sa, sb, saa, sbb, sab] = [0, 0, 0, 0, 0];
      for (let y = top; y < top + window; y++) {
        for (let x = left; x < left + window; x++) {
          const [p, q] = [a[y * width + x]!, b[y * width + x]!];
          sa += p;
          sb += q;
          saa += p * p;
          sbb += q * q;
          sab += p * q;
        }
      }
      const [ma, mb] = [sa / count, sb / count];
      const unbiased = count / (count - 1);
      const [va, vb, vab] = [saa / count - ma * ma, sbb / count - mb * mb, sab / count - ma * mb].map((v) => v * unbiased) as [number, number, number]; // prettier-ignore
      total += ((2 * ma * mb + c1) * (2 * vab + c2)) / ((ma * ma + mb * mb + c1) * (va + vb + c2));
    }
  }
  return total / ((height - window + 1) * (width - window + 1));
}

function extent(values: ArrayLike<number>): number {
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < values.length; i++) [low, high] = [Math.min(low, values[i]!), Math.max(high, values[i]!)];
  return high - low;
}

/** Gini index of the magnitudes: 0 for an even map, near 1 for a single pixel. (Chalasani et al. 2020, arXiv:1810.06583.) */
export function sparseness(map: ArrayLike<number>): number {
  const sizes = Array.from({ length: map.length }, (_, i) => Math.abs(map[i]!)).sort((x, y) => x - y);
  const total = sizes.reduce((n, v) => n + v, 0);
  if (total === 0) return 0;
  const n = sizes.length;
  return 1 - 2 * sizes.reduce((s, v, i) => s + (v / total) * ((n - i - 0.5) / n), 0);
}
