/** Small dense least squares in float64, for surrogates with one column a segment. Matrices are row-major. */

/** Pivots below this share of their diagonal are rounding: the columns depend on one another. */
const DEPENDENT = 1e-10;

/**
 * X of A X = B by Cholesky's A = L L^T.
 * @param a symmetric and positive definite, [n, n]. @param b [n, k].
 * @returns X [n, k]; undefined where A is not definite: the samples do not determine the unknowns.
 */
export function solvePositive(a: Float64Array, b: Float64Array): Float64Array | undefined {
  const n = Math.round(Math.sqrt(a.length));
  const k = n > 0 ? b.length / n : 0;
  const l = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = a[i * n + j]!;
      for (let m = 0; m < j; m++) rest -= l[i * n + m]! * l[j * n + m]!;
      if (j < i) l[i * n + j] = rest / l[j * n + j]!;
      else if (rest > DEPENDENT * Math.abs(a[i * n + i]!)) l[i * n + i] = Math.sqrt(rest);
      else return undefined;
    }
  }
  const x = b.slice();
  for (let c = 0; c < k; c++) {
    for (let i = 0; i < n; i++) {
      for (let m = 0; m < i; m++) x[i * k + c]! -= l[i * n + m]! * x[m * k + c]!;
      x[i * k + c]! /= l[i * n + i]!;
    }
    for (let i = n - 1; i >= 0; i--) {
      for (let m = i + 1; m < n; m++) x[i * k + c]! -= l[m * n + i]! * x[m * k + c]!;
      x[i * k + c]! /= l[i * n + i]!;
    }
  }
  return x;
}

/** X^T W X [n, n] and X^T W y [n], all that a fit needs of its samples. */
export interface NormalEquations {
  gram: Float64Array;
  moment: Float64Array;
}

/** @param rows X, [samples, n]. */
export function normalEquations(
  rows: Float64Array,
  values: ArrayLike<number>,
  weights: ArrayLike<number>,
): NormalEquations {
  const samples = values.length;
  const n = rows.length / samples;
  const gram = new Float64Array(n * n);
  const moment = new Float64Array(n);
  for (let s = 0; s < samples; s++) {
    for (let i = 0; i < n; i++) {
      const x = weights[s]! * rows[s * n + i]!;
      if (x === 0) continue;
      moment[i]! += x * values[s]!;
      for (let j = 0; j <= i; j++) gram[i * n + j]! += x * rows[s * n + j]!;
    }
  }
  for (let i = 0; i < n; i++) for (let j = i + 1; j < n; j++) gram[i * n + j] = gram[j * n + i]!;
  return { gram, moment };
}

export interface PathStep {
  /** Columns with a coefficient, in the order in which they came. */
  active: number[];
  /** [n] */
  coefficients: Float64Array;
}

/**
 * Least-angle regression: columns enter one after the other, each when it correlates with what is left as much as
 * those that are in; with `lasso`, one whose coefficient passes 0 leaves, and the steps are corners of the lasso path.
 * (Efron, Hastie, Johnstone, Tibshirani 2004.) Columns are taken as they are, neither centred nor scaled.
 * @returns every step, at most `limit`, from one column on.
 */
export function larsPath({ gram, moment }: NormalEquations, limit: number, lasso = false): PathStep[] {
  const n = moment.length;
  const beta = new Float64Array(n);
  const correlation = moment.slice();
  const smallest = 1e-12 * moment.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  const active: number[] = [];
  const steps: PathStep[] = [];
  // A column that depends on those that are in adds nothing.
  const out = new Set<number>();
  let dropped = -1;
  while (steps.length < limit) {
    const candidates = [...correlation.keys()].filter((j) => !active.includes(j) && !out.has(j) && j !== dropped);
    const top = candidates.reduce((b, j) => (Math.abs(correlation[j]!) > Math.abs(correlation[b] ?? 0) ? j : b), -1);
    const level = Math.max(
      top < 0 ? 0 : Math.abs(correlation[top]!),
      active.length > 0 ? Math.abs(correlation[active[0]!]!) : 0,
    );
    if (level <= smallest) break;
    if (dropped < 0 || active.length === 0) {
      if (top < 0) break;
      active.push(top);
    }
    dropped = -1;
    const direction = equiangular(gram, n, active, correlation);
    if (!direction) {
      out.add(active.pop()!);
      continue;
    }
    // How fast each column's correlation falls; that of the active ones falls from `level` at rate 1.
    const rate = Float64Array.from({ length: n }, (_, j) =>
      active.reduce((sum, i, k) => sum + gram[j * n + i]! * direction[k]!, 0),
    );
    let length = level;
    for (const j of candidates) {
      if (active.includes(j)) continue;
      for (const sign of [1, -1]) {
        // Below 0 by rounding only: a tie, which enters at the next step.
        const step = (level - sign * correlation[j]!) / (1 - sign * rate[j]!);
        if (step >= -1e-9 * level && step < length) length = Math.max(0, step);
      }
    }
    let leaving = -1;
    if (lasso) {
      active.forEach((i, k) => {
        const step = -beta[i]! / direction[k]!;
        if (step > 1e-12 * level && step < length) [length, leaving] = [step, k];
      });
    }
    active.forEach((i, k) => (beta[i]! += length * direction[k]!));
    for (let j = 0; j < n; j++) correlation[j]! -= length * rate[j]!;
    if (leaving >= 0) {
      dropped = active.splice(leaving, 1)[0]!;
      beta[dropped] = 0;
    }
    steps.push({ active: [...active], coefficients: beta.slice() });
  }
  return steps;
}

/** d with G_AA d = sign(c_A): along it all active correlations fall together. */
function equiangular(gram: Float64Array, n: number, active: readonly number[], correlation: Float64Array) {
  const inner = Float64Array.from(active.flatMap((i) => active.map((j) => gram[i * n + j]!)));
  return solvePositive(
    inner,
    Float64Array.from(active, (i) => Math.sign(correlation[i]!)),
  );
}
