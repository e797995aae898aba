/** Gaussian blur. */
import { WgradError } from '../errors.ts';
import { alongAxis, sparseMatrix } from '../ops/along_axis.ts';
import type { ValueTransform } from './transform.ts';

/** The rows of a Gaussian along an axis, cut at four deviations; what lies outside the picture is left out. */
function gaussianRows(extent: number, sigma: number): ReadonlyMap<number, number>[] {
  const reach = Math.ceil(4 * sigma);
  return Array.from({ length: extent }, (_, i) => {
    const row = new Map<number, number>();
    let total = 0;
    for (let j = Math.max(0, i - reach); j <= Math.min(extent - 1, i + reach); j++) {
      const weight = Math.exp(-((i - j) ** 2) / (2 * sigma * sigma));
      row.set(j, weight);
      total += weight;
    }
    for (const [j, weight] of row) row.set(j, weight / total);
    return row;
  });
}

/** Gaussian blur of standard deviation `sigma`, in pixels. */
export function blur(sigma: number): ValueTransform {
  if (!(sigma > 0 && Number.isFinite(sigma)))
    throw new WgradError('invalid-argument', `blur(${sigma}): a positive number is needed`);
  return {
    name: `blur(${sigma})`,
    build: (x) => ({
      y: [3, 2].reduce((t, axis) => {
        const extent = t.shape[axis]!;
        return alongAxis(t, axis, sparseMatrix(gaussianRows(extent, sigma), extent));
      }, x),
      draw: () => ({}),
    }),
  };
}
