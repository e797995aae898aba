import { describe, expect, it } from 'vitest';
import { gaussLegendre } from '../../src/explain/quadrature.ts';

describe('Gauss-Legendre on [0, 1]', () => {
  it('three nodes are at 1/2 and 1/2 +- sqrt(3/5)/2, weighted 4/9 and 5/18', () => {
    const { nodes, weights } = gaussLegendre(3);
    const offset = Math.sqrt(3 / 5) / 2;
    [0.5 - offset, 0.5, 0.5 + offset].forEach((x, i) => expect(nodes[i]).toBeCloseTo(x, 15));
    [5 / 18, 4 / 9, 5 / 18].forEach((w, i) => expect(weights[i]).toBeCloseTo(w, 15));
  });

  it.each([1, 2, 7, 50, 64])('%i nodes integrate x^d exactly up to degree 2n - 1, and no further', (n) => {
    const { nodes, weights } = gaussLegendre(n);
    const integral = (degree: number) => weights.reduce((sum, w, i) => sum + w * nodes[i]! ** degree, 0);
    for (const degree of [0, 1, n, 2 * n - 1]) expect(integral(degree)).toBeCloseTo(1 / (degree + 1), 13);
    if (n <= 2) expect(Math.abs(integral(2 * n) - 1 / (2 * n + 1))).toBeGreaterThan(1e-3);
  });
});
