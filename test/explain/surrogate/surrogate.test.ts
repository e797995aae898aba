/** The surrogate's algebra: normal equations, R^2 and the lasso's optimality conditions. */
import { describe, expect, it } from 'vitest';
import { larsPath } from '../../../src/explain/least_squares.ts';
import { momentsOf, ridge } from '../../../src/explain/surrogate/ridge.ts';
import { selections } from '../../../src/explain/surrogate/select.ts';
import { Random } from '../../../src/random.ts';

const random = new Random(3);
const [n, d] = [80, 7];
const bits = Uint8Array.from({ length: n * d }, (_, i) => (i < d || random.uniform() < 0.5 ? 1 : 0));
const weights = Float64Array.from({ length: n }, () => random.uniform(0.1, 1));
const slopes = [2, 0, -1.5, 0.3, 0, 0.9, -0.1];
const row = (k: number) => bits.subarray(k * d, (k + 1) * d);
const y = Float64Array.from(weights, (_, k) => 0.4 + slopes.reduce((s, b, i) => s + b * row(k)[i]!, 0) + 0.3 * random.normal()); // prettier-ignore
const [m] = momentsOf({ bits, weights, features: d }, [y]);
const all = slopes.map((_, i) => i);

/** sum over k of w_k g(k) (y_k - a - x_k b) */
const moment = (fit: { intercept: number; coefficients: Float64Array }, chosen: number[], g: (k: number) => number) =>
  weights.reduce((s, w, k) => s + w * g(k) * (y[k]! - fit.intercept - chosen.reduce((t, i, j) => t + fit.coefficients[j]! * row(k)[i]!, 0)), 0); // prettier-ignore

describe('ridge', () => {
  it.each([
    [all, 1],
    [all, 0],
    [[5, 0, 2], 0.5],
  ])('features %j, alpha %f: the gradient is 0', (chosen, alpha) => {
    const fit = ridge(m!, chosen, alpha);
    expect(moment(fit, chosen, () => 1)).toBeCloseTo(0, 10);
    chosen.forEach((i, j) =>
      expect(moment(fit, chosen, (k) => row(k)[i]!)).toBeCloseTo(alpha * fit.coefficients[j]!, 10),
    );
    const error = (k: number) => y[k]! - fit.intercept - chosen.reduce((t, i, j) => t + fit.coefficients[j]! * row(k)[i]!, 0); // prettier-ignore
    const residual = weights.reduce((s, w, k) => s + w * error(k) ** 2, 0);
    expect(fit.r2).toBeCloseTo(1 - residual / m!.power, 10);
  });

  it('a constant target has no weights', () => {
    const [flat] = momentsOf({ bits, weights, features: d }, [new Float64Array(n).fill(0.7)]);
    const { coefficients, intercept, r2 } = ridge(flat!, all, 1);
    expect(coefficients.every((b) => Math.abs(b) < 1e-12)).toBe(true);
    expect([intercept, r2]).toEqual([expect.closeTo(0.7, 10), 1]);
  });

  it('says when features follow from each other', () => {
    const twice = Uint8Array.from(bits, (bit, i) => (i % d === 1 ? bits[i - 1]! : bit));
    const [same] = momentsOf({ bits: twice, weights, features: d }, [y]);
    expect(() => ridge(same!, all, 0)).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
    expect(selections.forward(same!, d)).toHaveLength(d);
  });
});

describe('selection', () => {
  it('forward: each step is the best single addition', () => {
    const chosen = selections.forward(m!, 4);
    for (let step = 0; step < 4; step++) {
      const before = chosen.slice(0, step);
      const r2 = all.map((i) => (before.includes(i) ? -1 : ridge(m!, [...before, i], 0).r2));
      expect(r2.indexOf(Math.max(...r2))).toBe(chosen[step]);
    }
  });

  it('lasso: the features of the last corner of the path that has no more', () => {
    const path = larsPath({ gram: m!.gram, moment: m!.cross }, 100, true);
    for (const count of [1, 3, d]) {
      const chosen = selections.lasso(m!, count);
      expect(chosen).toHaveLength(count);
      expect(path.some(({ active }) => active.toSorted((a, b) => a - b).join() === chosen.join())).toBe(true);
    }
    expect(selections.lasso({ ...m!, cross: new Float64Array(d), power: 0 }, 3)).toEqual([]);
  });
});
