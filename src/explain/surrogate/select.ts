/** Which features a surrogate may use: LIME's ways, on the moments of its samples. */
import { larsPath } from '../least_squares.ts';
import { ridge, type Moments } from './ridge.ts';

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
    const path = larsPath({ gram: m.gram, moment: m.cross }, 8 * m.features, true);
    const knot = path.findLast(({ coefficients }) => coefficients.filter((b) => b !== 0).length <= count);
    return all(m.features).filter((i) => knot?.coefficients[i]);
  },

  none: (m: Moments): number[] => all(m.features),
} as const;

export type Selection = keyof typeof selections;
export const selectionNames = Object.keys(selections) as Selection[];
