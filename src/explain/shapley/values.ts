/**
 * Shapley values of a game v over players 0..M-1, from its scores at some coalitions:
 * phi_i = sum over S without i of |S|! (M - |S| - 1)! / M! (v(S + i) - v(S)). (Shapley 1953.)
 */
import { normalEquations, larsPath, solvePositive } from '../least_squares.ts';
import { choose, rowOf, type WeightedCoalitions } from './coalitions.ts';

/** @param scores of all coalitions, in the order of `allCoalitions`. */
export function exactValues(scores: Float64Array, players: number): Float64Array {
  const values = new Float64Array(players);
  // |S|! (M - |S| - 1)! / M! = 1 / (M C(M - 1, |S|))
  const weights = Array.from({ length: players }, (_, s) => 1 / (players * choose(players - 1, s)));
  for (let set = 0; set < 2 ** players; set++) {
    const weight = weights[bits(set)]!;
    for (let i = 0; i < players; i++) {
      if ((set >> i) & 1) continue;
      values[i]! += weight * (scores[rowOf(set | (1 << i), players)]! - scores[rowOf(set, players)]!);
    }
  }
  return values;
}

/**
 * What each player does together with one other: SHAP interaction values Phi_ij = 1/2 of the Shapley interaction index,
 * sum over S without i and j of |S|! (M - |S| - 2)! / (2 (M - 1)!) (v(S + i + j) - v(S + i) - v(S + j) + v(S)); on the
 * diagonal what is left of phi_i, so that every row sums to it. (Fujimoto et al. 2006; Lundberg et al. 2018.)
 * @returns [M, M], symmetric.
 */
export function exactInteractions(scores: Float64Array, players: number): Float64Array {
  const matrix = new Float64Array(players * players);
  const weights = Array.from({ length: players - 1 }, (_, s) => 1 / (2 * (players - 1) * choose(players - 2, s)));
  const v = (set: number) => scores[rowOf(set, players)]!;
  for (let set = 0; set < 2 ** players; set++) {
    const weight = weights[bits(set)]!;
    for (let i = 0; i < players; i++) {
      if ((set >> i) & 1) continue;
      const grown = set | (1 << i);
      const alone = v(grown) - v(set);
      for (let j = i + 1; j < players; j++) {
        if ((set >> j) & 1) continue;
        matrix[i * players + j]! += weight * (v(grown | (1 << j)) - v(set | (1 << j)) - alone);
      }
    }
  }
  exactValues(scores, players).forEach((value, i) => {
    for (let j = 0; j < players; j++) {
      if (j > i) matrix[j * players + i] = matrix[i * players + j]!;
      if (j !== i) value -= matrix[i * players + j]!;
    }
    matrix[i * players + i] = value;
  });
  return matrix;
}

function bits(set: number): number {
  let count = 0;
  for (; set > 0; set &= set - 1) count++;
  return count;
}

/**
 * KernelSHAP: the weighted least-squares fit of v(S) by v(0) + sum over S of phi_i, with sum phi = v(1) - v(0) held by
 * eliminating the last player that is kept. (Lundberg and Lee 2017, theorem 2.)
 * @param scores of the coalitions.
 * @param limit keeps at most so many players, those that enter first along the least-angle path; the others get 0.
 * @returns undefined where the coalitions do not determine the values: there are too few.
 */
export function kernelValues(
  scores: Float64Array,
  coalitions: WeightedCoalitions,
  limit?: number,
): Float64Array | undefined {
  const { players } = coalitions;
  const values = new Float64Array(players);
  const kept = limit === undefined ? [...values.keys()] : selected(scores, coalitions, limit);
  const last = kept.pop();
  if (last === undefined) return values;
  const [nothing, all] = [scores[0]!, scores[1]!];
  const { count, present, weights } = coalitions;
  const rows = new Float64Array((count - 2) * kept.length);
  const rest = new Float64Array(count - 2);
  for (let k = 2; k < count; k++) {
    const z = (i: number) => present[k * players + i]!;
    kept.forEach((i, at) => (rows[(k - 2) * kept.length + at] = z(i) - z(last)));
    rest[k - 2] = scores[k]! - nothing - z(last) * (all - nothing);
  }
  const { gram, moment } = normalEquations(rows, rest, weights.subarray(2));
  const solved = solvePositive(gram, moment);
  if (!solved) return undefined;
  kept.forEach((i, at) => (values[i] = solved[at]!));
  values[last] = all - nothing - solved.reduce((a, b) => a + b, 0);
  return values;
}

/** Parts that the drawn coalitions are cut into. */
const GROUPS = 10;

/**
 * Standard errors of {@link kernelValues} by the jackknife: the spread of the values with one tenth of the drawn
 * coalitions after the other left out, complements staying together. (Efron and Tibshirani 1993, chapter 11.)
 * @returns undefined where nothing was drawn, or too little to leave some out.
 */
export function kernelErrors(
  scores: Float64Array,
  coalitions: WeightedCoalitions,
  limit?: number,
): Float64Array | undefined {
  const { count, players, drawnFrom } = coalitions;
  if (count - drawnFrom < 2 * GROUPS) return undefined;
  const groupOf = (k: number) => (k < drawnFrom ? -1 : Math.floor((k - drawnFrom) / 2) % GROUPS);
  const parts: Float64Array[] = [];
  for (let g = 0; g < GROUPS; g++) {
    const weights = coalitions.weights.map((w, k) => {
      const group = groupOf(k);
      return group === g ? 0 : group < 0 ? w : (w * GROUPS) / (GROUPS - 1);
    });
    const values = kernelValues(scores, { ...coalitions, weights }, limit);
    if (!values) return undefined;
    parts.push(values);
  }
  return Float64Array.from({ length: players }, (_, i) => {
    const mean = parts.reduce((n, v) => n + v[i]!, 0) / GROUPS;
    return Math.sqrt((parts.reduce((n, v) => n + (v[i]! - mean) ** 2, 0) * (GROUPS - 1)) / GROUPS);
  });
}

/**
 * shap's selection: a path on every coalition S twice, as z against v(S) - v(0) with weight w (M - |S|), and as z - 1
 * against v(S) - v(1) with weight w |S|.
 */
function selected(scores: Float64Array, coalitions: WeightedCoalitions, limit: number): number[] {
  const { players, count, present, weights } = coalitions;
  const samples = 2 * (count - 2);
  const rows = new Float64Array(samples * players);
  const [values, factors] = [new Float64Array(samples), new Float64Array(samples)];
  for (let k = 2; k < count; k++) {
    const size = present.subarray(k * players, (k + 1) * players).reduce((a, b) => a + b, 0);
    for (const side of [0, 1]) {
      const at = 2 * (k - 2) + side;
      for (let i = 0; i < players; i++) rows[at * players + i] = present[k * players + i]! - side;
      values[at] = scores[k]! - scores[side]!;
      factors[at] = weights[k]! * (side === 0 ? players - size : size);
    }
  }
  return larsPath(normalEquations(rows, values, factors), limit).at(-1)?.active ?? [];
}
