/** The mean of a few measurements, and how sure it is. */
import { Random } from '../../random.ts';

/** A mean with its confidence interval. */
export interface Interval {
  mean: number;
  /** The ends of the confidence interval of the mean. */
  low: number;
  high: number;
  /** Values that it is of: those that are numbers. */
  count: number;
}

/**
 * Percentile bootstrap: the middle `level` of the means of `resamples` draws with replacement. It asks nothing of the
 * values' distribution, so that it serves shares and hits (0 or 1) alike. (Efron and Tibshirani 1993, chapter 13.)
 * NaN are left out; of none, all is NaN; of one, the interval is all numbers there could be.
 * @param options seed: the same draws for the same seed and count, default 0; level: default 0.95; resamples: default 2000.
 */
export function bootstrapMean(
  values: ArrayLike<number>,
  { level = 0.95, resamples = 2000, seed = 0 }: { level?: number; resamples?: number; seed?: number | string } = {},
): Interval {
  const known = Array.from(values).filter((v) => !Number.isNaN(v));
  const count = known.length;
  const mean = known.reduce((a, b) => a + b, 0) / count;
  if (count < 2) return { mean, low: count ? -Infinity : NaN, high: count ? Infinity : NaN, count };
  const random = new Random(`bootstrap ${seed}`);
  const means = Float64Array.from({ length: resamples }, () => {
    let sum = 0;
    for (let k = 0; k < count; k++) sum += known[random.int(count)]!;
    return sum / count;
  }).sort();
  const at = (share: number) => means[Math.min(resamples - 1, Math.max(0, Math.round(share * (resamples - 1))))]!;
  return { mean, low: at((1 - level) / 2), high: at((1 + level) / 2), count };
}
