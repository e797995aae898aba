/** TensorBoard's histograms: counts between edges, in the bins of tf.histogram or in those that the caller names. */
import { WgradError } from '../errors.ts';

/** A histogram as TensorBoard has it: bucket limits and counts, with moments. */
export interface HistogramData {
  min: number;
  max: number;
  num: number;
  sum: number;
  sumSquares: number;
  /** The right edge of each bucket; the first bucket is empty and ends where the values begin. */
  bucketLimit: number[];
  bucket: number[];
}

/** How values are put into buckets. */
export interface HistogramOptions {
  /**
   * The edges of the bins, ascending, or how many of equal width lie between the least and the largest value. Default:
   * those of TensorFlow and PyTorch, 1,549 edges: 0 and both signs of 1e-12 * 1.1^k below 1e20.
   */
  bins?: number | readonly number[];
}

let tensorflowEdges: number[] | undefined;

/** By repeated multiplication, as the peers have them: the last digits count where a value lies on an edge. */
function defaultEdges(): number[] {
  if (!tensorflowEdges) {
    const positive: number[] = [];
    for (let v = 1e-12; v < 1e20; v *= 1.1) positive.push(v);
    tensorflowEdges = [...positive.toReversed().map((v) => -v), 0, ...positive];
  }
  return tensorflowEdges;
}

/** As numpy.linspace, with the bounds that numpy.histogram takes where all values are equal. */
function equalEdges(count: number, min: number, max: number): number[] {
  if (min === max) [min, max] = [min - 0.5, max + 0.5];
  const step = (max - min) / count;
  return Array.from({ length: count + 1 }, (_, i) => (i === count ? max : min + i * step));
}

/** The last edge that is not above `value`, by halving; -1 below all. */
function binOf(edges: readonly number[], value: number): number {
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (edges[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/**
 * Bins hold their left edge, the last one both, as in numpy.histogram; values beyond the edges count in `num`, `sum` and
 * `sumSquares` alone. Empty buckets at both ends are cut but for one at the left.
 * @throws 'invalid-argument' without values or with edges that do not ascend; 'not-finite'
 */
export function histogram(values: ArrayLike<number>, options: HistogramOptions = {}): HistogramData {
  const num = values.length;
  if (num === 0) throw new WgradError('invalid-argument', 'a histogram of no values');
  let [min, max, sum, sumSquares] = [Infinity, -Infinity, 0, 0];
  for (let i = 0; i < num; i++) {
    const v = values[i]!;
    if (!Number.isFinite(v)) throw new WgradError('not-finite', `a histogram: value ${i} of ${num} is ${v}`);
    if (v < min) min = v;
    if (v > max) max = v;
    sum += v;
    sumSquares += v * v;
  }
  const edges = readEdges(options.bins, min, max);
  const counts = new Array<number>(edges.length - 1).fill(0);
  for (let i = 0; i < num; i++) {
    const bin = values[i] === edges.at(-1) ? counts.length - 1 : binOf(edges, values[i]!);
    if (bin >= 0 && bin < counts.length) counts[bin]!++;
  }
  const first = counts.findIndex((count) => count > 0);
  const last = counts.findLastIndex((count) => count > 0);
  // All values lie outside: one empty bucket says so.
  const [from, to] = first < 0 ? [0, -1] : [first, last];
  return { min, max, num, sum, sumSquares, bucketLimit: edges.slice(from, to + 2), bucket: [0, ...counts.slice(from, to + 1)] }; // prettier-ignore
}

function readEdges(bins: HistogramOptions['bins'], min: number, max: number): readonly number[] {
  if (bins === undefined) return defaultEdges();
  if (typeof bins === 'number') {
    if (Number.isInteger(bins) && bins >= 1 && bins <= 1e6) return equalEdges(bins, min, max);
  } else if (bins.length >= 2 && bins.every((edge, i) => i === 0 || edge > bins[i - 1]!)) return bins;
  throw new WgradError('invalid-argument', `a histogram with bins of ${typeof bins === 'number' ? bins : `[${bins.slice(0, 4).join(', ')}, ...]`}`, { remedy: 'Give two or more ascending edges, or a number of bins from 1 to 1,000,000' }); // prettier-ignore
}
