/** What is said of samples, and of their ratios. */
import { median } from '../../src/median.ts';
import { Random } from '../../src/random.ts';

/** Milliseconds. */
export interface Timing {
  median: number;
  p5: number;
  p95: number;
  samples: readonly number[];
}

/** Linear between the two nearest; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const low = Math.floor(at);
  const [below, above] = [sorted[low]!, sorted[Math.min(low + 1, sorted.length - 1)]!];
  return sorted.length === 0 ? NaN : below + (at - low) * (above - below);
}

export const timing = (samples: readonly number[]): Timing => ({
  median: median(samples),
  p5: quantile(samples, 0.05),
  p95: quantile(samples, 0.95),
  samples: samples.map((v) => Number(v.toPrecision(6))),
});

export const geometricMean = (values: readonly number[]): number =>
  Math.exp(values.reduce((sum, v) => sum + Math.log(v), 0) / values.length);

export interface RatioInterval {
  ratio: number;
  low: number;
  high: number;
}

/**
 * median(above) / median(below) with a percentile bootstrap: both are drawn anew with replacement, by themselves, since
 * they need not be of one run. Of a single sample nothing is known: the interval is all numbers there could be.
 */
export function ratioOfMedians(
  above: readonly number[],
  below: readonly number[],
  { level = 0.95, resamples = 2000, seed = 0 }: { level?: number; resamples?: number; seed?: number | string } = {},
): RatioInterval {
  const ratio = median(above) / median(below);
  if (Math.min(above.length, below.length) < 2) return { ratio, low: 0, high: Infinity };
  const random = new Random(`ratio ${seed}`);
  const drawn = (values: readonly number[]) => median(values.map(() => values[random.int(values.length)]!));
  const ratios = Array.from({ length: resamples }, () => drawn(above) / drawn(below));
  return { ratio, low: quantile(ratios, (1 - level) / 2), high: quantile(ratios, (1 + level) / 2) };
}
