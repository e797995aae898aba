/** Error figures of maps: what a method can say of how far its own map is from what it promises. */
import type { Completeness, NoError, StandardError } from './types.ts';

/** @param difference f(x) - f(baseline). */
export function completeness(map: ArrayLike<number>, difference: number): Completeness {
  let sum = 0;
  for (let i = 0; i < map.length; i++) sum += map[i]!;
  const gap = sum - difference;
  return { kind: 'completeness', sum, difference, gap, relativeGap: gap === 0 ? 0 : Math.abs(gap / difference) };
}

/**
 * Of a mean over n samples: each value's standard error is sqrt((mean of squares - square of mean) / (n - 1)).
 * @param means of each value over the samples; `squares`, the means of their squares.
 */
export function standardError(means: ArrayLike<number>, squares: ArrayLike<number>, samples: number): StandardError {
  let [variance, power] = [0, 0];
  for (let i = 0; i < means.length; i++) {
    const square = means[i]! ** 2;
    variance += Math.max(0, squares[i]! - square) / (samples - 1);
    power += square;
  }
  const relative = samples < 2 ? Infinity : power > 0 ? Math.sqrt(variance / power) : 0;
  return { kind: 'standard-error', samples, relative };
}

export const noError = (reason: string): NoError => ({ kind: 'none', reason });

/** A few words for a caption: 'completeness gap 0.23 %'. */
export function printError(
  error: Completeness | StandardError | NoError | { kind: 'surrogate-fit'; r2: number },
): string {
  // Without Number, 0.996 would read 1.0e+2; what is less than rounding is no figure.
  const percent = (x: number) => (x > 0 && x < 1e-5 ? 'below 0.001 %' : `${Number((100 * x).toPrecision(2))} %`);
  switch (error.kind) {
    case 'completeness':
      return `completeness gap ${percent(error.relativeGap)}`;
    case 'standard-error':
      return `standard error ${percent(error.relative)} of ${error.samples} samples`;
    case 'surrogate-fit':
      return `surrogate explains ${percent(error.r2)} of the variance`;
    case 'none':
      return error.reason;
  }
}
