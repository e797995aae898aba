/** Which features a surrogate may use: LIME's ways, on the moments of its samples. */
import { ridge, solve, type Moments } from './ridge.ts';

const all = (features: number) => Array.from({ length: features }, (_, i) => i);

/** Each gives at most `count` of the features. */
export const selections = {
  /** Forward selection of up to 6, else the highest weights. */
  auto: (m: Moments, count: number): number[] => selections[count <= 6 ? 'forward' : 'highest'](m, count),

  /** Greedily the feature that adds most to R^2 without a penalty: Gram-Schmidt, one feature after the other. */
  forward(m: Moments, count: number): number[] {
    const { features: d } = m;
    const [gram, cross] = [m.gram.slice(), m.cross.slice()];
    const chosen: number[] = [];
    while (chosen.length < Math.min(count, d)) {
      let [best, most] = [-1, -Infinity];
      for (let j = 0; j < d; j++) {
        if (chosen.includes(j)) continue;
        const left = gram[j * d + j]!;
        // What follows from the chosen ones adds nothing.
        const gain = left > 1e-10 * m.gram[j * d + j]! ? cross[j]! ** 2 / left : 0;
        if (gain > most) [best, most] = [j, gain];
      }
      chosen.push(best);
      const pivot = gram[best * d + best]!;
      if (!(pivot > 1e-10 * m.gram[best * d + best]!)) continue;
      const column = Float64Array.from({ length: d }, (_, i) => gram[i * d + best]! / pivot);
      const own = cross[best]!;
      const row = gram.slice(best * d, (best + 1) * d);
      for (let i = 0; i < d; i++) {
        cross[i]! -= column[i]! * own;
        for (let j = 0; j < d; j++) gram[i * d + j]! -= column[i]! * row[j]!;
      }
    }
    return chosen;
  },

  /** The largest coefficients of a weak ridge (0.01) on all features. */
  highest(m: Moments, count: number): number[] {
    const { coefficients } = ridge(m, all(m.features), 0.01);
    return all(m.features)
      .sort((i, j) => Math.abs(coefficients[j]!) - Math.abs(coefficients[i]!) || i - j)
      .slice(0, count);
  },

  /** Those of the lasso path where it last has no more than `count`. */
  lasso(m: Moments, count: number): number[] {
    const path = lassoPath(m);
    const knot = path.findLast((coefficients) => coefficients.filter((b) => b !== 0).length <= count);
    return all(m.features).filter((i) => knot![i] !== 0);
  },

  none: (m: Moments): number[] => all(m.features),
} as const;

export type Selection = keyof typeof selections;
export const selectionNames = Object.keys(selections) as Selection[];

/**
 * The lasso's coefficients at each knot of its path, from none on: least angle regression with drops (Efron, Hastie,
 * Johnstone, Tibshirani 2004, "Least angle regression").
 */
export function lassoPath({ features: d, gram, cross }: Moments): Float64Array[] {
  const beta = new Float64Array(d);
  const path = [beta.slice()];
  const active: number[] = [];
  let dropped = -1;
  const correlation = (i: number) => cross[i]! - beta.reduce((n, b, j) => n + b * gram[i * d + j]!, 0);
  const scale = Math.max(...cross.map(Math.abs));
  for (let step = 0; step < 8 * d; step++) {
    const c = Float64Array.from(beta, (_, i) => correlation(i));
    const rest = all(d).filter((i) => !active.includes(i) && i !== dropped && gram[i * d + i]! > 0);
    const level = Math.max(...(active.length > 0 ? active : rest).map((i) => Math.abs(c[i]!)), 0);
    if (!(level > 1e-12 * scale)) break;
    if (dropped < 0) {
      const entering = rest.reduce((a, i) => (a < 0 || Math.abs(c[i]!) > Math.abs(c[a]!) ? i : a), -1);
      if (entering >= 0) active.push(entering);
    }
    dropped = -1;
    const signs = Float64Array.from(active, (i) => Math.sign(c[i]!));
    const part = Float64Array.from({ length: active.length ** 2 }, (_, e) => gram[active[Math.floor(e / active.length)]! * d + active[e % active.length]!]!); // prettier-ignore
    const direction = solve(part, signs);
    // All active correlations fall at one rate; the step ends where another one meets them, or where they reach 0.
    let length = level;
    for (const i of all(d).filter((i) => !active.includes(i))) {
      const slope = active.reduce((n, j, k) => n + direction[k]! * gram[i * d + j]!, 0);
      for (const t of [(level - c[i]!) / (1 - slope), (level + c[i]!) / (1 + slope)]) {
        if (t > 1e-12 * level && t < length) length = t;
      }
    }
    for (const [k, i] of active.entries()) {
      const zero = -beta[i]! / direction[k]!;
      if (zero > 0 && zero < length) [length, dropped] = [zero, i];
    }
    active.forEach((i, k) => (beta[i]! += length * direction[k]!));
    if (dropped >= 0) {
      beta[dropped] = 0;
      active.splice(active.indexOf(dropped), 1);
    }
    path.push(beta.slice());
    if (length === level) break;
  }
  return path;
}
