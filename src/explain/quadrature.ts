/**
 * Gauss-Legendre quadrature: n nodes integrate polynomials up to degree 2n - 1 exactly. The nodes are the roots of the
 * Legendre polynomial P_n, found by Newton's method from Tricomi's estimate; weights 2 / ((1 - x^2) P_n'(x)^2) on
 * [-1, 1]. (Abramowitz and Stegun 25.4.29.)
 */
import { WgradError } from '../errors.ts';

export interface Quadrature {
  /** In [0, 1], ascending. */
  nodes: Float64Array;
  /** They sum to 1, but for the rules whose origin has it otherwise. */
  weights: Float64Array;
}

/** n nodes evenly from `first` to `last`, each of weight 1/n. */
function even(n: number, first: number, last: number): Quadrature {
  const nodes = Float64Array.from({ length: n }, (_, i) => (n === 1 ? first : first + ((last - first) * i) / (n - 1)));
  return { nodes, weights: new Float64Array(n).fill(1 / n) };
}

/**
 * Rules for the path integral of n gradients. Riemann sums are those of Captum: its trapezoid, nodes 0 to 1 with half
 * weights 1/2n at both ends, sums to (n - 1) / n. 'endpoints' is that of PAIR saliency: nodes 0 to 1, all of weight 1/n.
 */
export const pathRules = {
  'gauss-legendre': gaussLegendre,
  'riemann-left': (n) => even(n, 0, 1 - 1 / n),
  'riemann-right': (n) => even(n, 1 / n, 1),
  'riemann-middle': (n) => even(n, 1 / (2 * n), 1 - 1 / (2 * n)),
  'riemann-trapezoid'(n) {
    const { nodes, weights } = even(n, 0, 1);
    weights[0]! /= 2;
    weights[n - 1]! /= 2;
    return { nodes, weights };
  },
  endpoints: (n) => even(n, 0, 1),
} satisfies Record<string, (n: number) => Quadrature>;

export type PathRule = keyof typeof pathRules;
export const pathRuleNames = Object.keys(pathRules) as PathRule[];

/** Finding n nodes takes n^2 steps: half a second for these, whose sum is exact long before. */
const MOST_NODES = 4096;

/** @throws WgradError 'limit-exceeded' for more nodes than are of use. */
export function gaussLegendre(n: number): Quadrature {
  if (n > MOST_NODES) {
    throw new WgradError('limit-exceeded', `gauss-legendre: ${n} nodes; ${MOST_NODES} at most`, {
      remedy: "Take fewer steps, or another rule: 'riemann-middle'",
    });
  }
  const nodes = new Float64Array(n);
  const weights = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let x = Math.cos((Math.PI * (i + 0.75)) / (n + 0.5));
    let slope = 1;
    // Quadratic convergence from an estimate good to O(n^-3): five steps reach the last bit for any n in use.
    for (let step = 0; step < 8; step++) {
      const p = legendre(n, x);
      slope = p.slope;
      x -= p.value / p.slope;
    }
    nodes[n - 1 - i] = (1 + x) / 2;
    weights[n - 1 - i] = 1 / ((1 - x * x) * slope * slope);
  }
  return { nodes, weights };
}

/** P_n(x) by the three-term recurrence, and its derivative. */
function legendre(n: number, x: number): { value: number; slope: number } {
  let previous = 1;
  let value = x;
  for (let k = 2; k <= n; k++) [previous, value] = [value, ((2 * k - 1) * x * value - (k - 1) * previous) / k];
  return { value, slope: (n * (x * value - previous)) / (x * x - 1) };
}
