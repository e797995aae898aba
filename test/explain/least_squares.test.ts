import { describe, expect, it } from 'vitest';
import { larsPath, normalEquations, solvePositive } from '../../src/explain/least_squares.ts';
import { spread } from '../support/gradcheck.ts';

const [samples, n] = [40, 7];
const rows = Float64Array.from(spread(samples * n, 3));
const values = Float64Array.from(spread(samples, 4));
const weights = Float64Array.from({ length: samples }, (_, k) => 1 + (k % 3));
const equations = normalEquations(rows, values, weights);

/** X^T W (y - X b) */
function correlations(coefficients: Float64Array): number[] {
  const sums = new Array<number>(n).fill(0);
  for (let s = 0; s < samples; s++) {
    const fit = coefficients.reduce((f, b, i) => f + b * rows[s * n + i]!, 0);
    for (let i = 0; i < n; i++) sums[i]! += weights[s]! * rows[s * n + i]! * (values[s]! - fit);
  }
  return sums;
}

describe('solvePositive', () => {
  it('several right-hand sides at once', () => {
    const a = Float64Array.of(4, 2, 0.6, 2, 2, 0.5, 0.6, 0.5, 3);
    const x = Float64Array.of(1, -2, 3, 0.5, -1, 4);
    const b = new Float64Array(6);
    for (let i = 0; i < 3; i++)
      for (let c = 0; c < 2; c++) for (let j = 0; j < 3; j++) b[i * 2 + c]! += a[i * 3 + j]! * x[j * 2 + c]!;
    solvePositive(a, b)!.forEach((v, i) => expect(v).toBeCloseTo(x[i]!, 12));
  });

  it('dependent columns have no answer', () => {
    expect(solvePositive(Float64Array.of(1, 2, 2, 4), Float64Array.of(1, 1))).toBeUndefined();
  });
});

describe('larsPath', () => {
  it.each([false, true])('at every step the active columns correlate alike, the others less (lasso: %s)', (lasso) => {
    const steps = larsPath(equations, 50, lasso);
    expect(steps.length).toBeGreaterThanOrEqual(n);
    let before = Infinity;
    for (const { active, coefficients } of steps.slice(0, -1)) {
      const c = correlations(coefficients);
      const level = Math.abs(c[active[0]!]!);
      expect(level).toBeLessThan(before);
      before = level;
      for (let i = 0; i < n; i++) {
        if (active.includes(i)) expect(Math.abs(c[i]!)).toBeCloseTo(level, 9);
        else expect(Math.abs(c[i]!)).toBeLessThan(level + 1e-9);
        // The optimality conditions of the lasso.
        if (lasso && active.includes(i)) expect(Math.sign(coefficients[i]!)).toBe(Math.sign(c[i]!));
        if (!active.includes(i)) expect(coefficients[i]).toBe(0);
      }
    }
  });

  it('ends at the least-squares fit', () => {
    const { coefficients } = larsPath(equations, 50).at(-1)!;
    const full = solvePositive(equations.gram, equations.moment)!;
    coefficients.forEach((b, i) => expect(b).toBeCloseTo(full[i]!, 10));
  });

  it('equal columns: one of them enters', () => {
    const twice = Float64Array.from({ length: samples * 2 }, (_, k) => rows[Math.floor(k / 2) * n]!);
    const { active } = larsPath(normalEquations(twice, values, weights), 10).at(-1)!;
    expect(active).toHaveLength(1);
  });
});
