/**
 * Weighted linear regression of outputs on few features, as LIME's surrogate: all of it on the moments (Gram matrix)
 * of the centred samples, which are made once for every output.
 */
import { WgradError } from '../../errors.ts';
import { solvePositive } from '../least_squares.ts';

/** Weighted sums over samples of what is centred by its weighted mean. */
export interface Moments {
  /** d, the number of features. */
  features: number;
  /** Weighted means of the features, [d]. */
  means: Float64Array;
  /** Weighted mean of the target. */
  target: number;
  /** X'WX, [d,d] */
  gram: Float64Array;
  /** X'Wy, [d] */
  cross: Float64Array;
  /** y'Wy */
  power: number;
}

/** Samples whose features are 0 or 1. */
export interface Samples {
  /** [n,d] */
  bits: Uint8Array;
  /** [n] */
  weights: Float64Array;
  features: number;
}

/** Moments of the samples with each of the targets [n]: the Gram matrix is computed once. */
export function momentsOf({ bits, weights, features }: Samples, targets: readonly ArrayLike<number>[]): Moments[] {
  const total = weights.reduce((a, b) => a + b, 0);
  const means = new Float64Array(features);
  const gram = new Float64Array(features * features);
  const on: number[][] = Array.from(weights, (w, k) => {
    const list: number[] = [];
    for (let i = 0; i < features; i++) if (bits[k * features + i]) list.push(i);
    for (const i of list) means[i]! += w / total;
    return list;
  });
  on.forEach((list, k) => {
    for (const i of list) for (const j of list) gram[i * features + j]! += weights[k]!;
  });
  for (let i = 0; i < features; i++) {
    for (let j = 0; j < features; j++) gram[i * features + j]! -= total * means[i]! * means[j]!;
  }
  return targets.map((y) => {
    const target = weights.reduce((n, w, k) => n + w * y[k]!, 0) / total;
    const cross = new Float64Array(features);
    let power = 0;
    on.forEach((list, k) => {
      const centred = weights[k]! * (y[k]! - target);
      power += centred * (y[k]! - target);
      for (const i of list) cross[i]! += centred;
    });
    // sum of w (y - mean) is 0, so that the features need no centring here.
    // A constant target leaves roundoff only.
    if (power < 1e-20 * total * target * target) power = 0;
    return { features, means, target, gram, cross, power };
  });
}

export interface Fit {
  /** Of the chosen features, in their order. */
  coefficients: Float64Array;
  /** Not penalised. */
  intercept: number;
  /** Weighted R^2 on the samples; 1 where the target is constant. */
  r2: number;
}

/** min over b of sum w (y - a - x b)^2 + alpha |b|^2. @throws WgradError 'invalid-argument' where there is no one answer. */
export function ridge(moments: Moments, chosen: readonly number[], alpha: number): Fit {
  const { features, gram, cross, means, target, power } = moments;
  const k = chosen.length;
  const part = new Float64Array(k * k);
  for (let i = 0; i < k; i++) {
    for (let j = 0; j < k; j++) part[i * k + j] = gram[chosen[i]! * features + chosen[j]!]! + (i === j ? alpha : 0);
  }
  const right = Float64Array.from(chosen, (i) => cross[i]!);
  const coefficients = solvePositive(part, right);
  if (!coefficients) {
    throw new WgradError(
      'invalid-argument',
      `a regression on ${k} features has no one answer: some follow from others`,
      {
        remedy: 'Take more samples, or a positive ridge',
      },
    );
  }
  let [intercept, explained] = [target, 0];
  for (let i = 0; i < k; i++) {
    intercept -= coefficients[i]! * means[chosen[i]!]!;
    explained += coefficients[i]! * right[i]!;
  }
  // |y - Xb|^2 = y'y - 2 b'X'y + b'X'X b, and X'X b = X'y - alpha b.
  const residual = power - explained - alpha * coefficients.reduce((n, b) => n + b * b, 0);
  return { coefficients, intercept, r2: power > 0 ? 1 - residual / power : 1 };
}
