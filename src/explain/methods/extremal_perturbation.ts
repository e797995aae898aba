/**
 * Extremal perturbation: of all smooth regions of a given area, the one that keeps most of the score (or, deleted, takes
 * most of it). min over p of -f(M x + (1 - M) blur(x)) + lambda mean (sort(m) - r)^2, r being 1 for the largest `area` of
 * the cells and 0 for the rest, and m the smooth maximum of p over a Gaussian neighbourhood, so that regions have smooth
 * borders and no lone cells. (Fong, Patrick, Vedaldi 2019, arXiv:1910.08485: gradient descent with momentum, lambda from
 * 300 on, 800 steps.) Here f is divided by the sum of its gradient's magnitudes over the cells, so that one lambda serves
 * logits and probabilities; lambda grows from 1 to `constraint`, so that the region is chosen by the score before it is
 * held to its area; the descent starts from the order of the gradients, which also decides between equal cells. There
 * is no weight to choose between size and score: that is what the area is for.
 */
import { count, fraction, nonNegative, positive } from '../../options.ts';
import { WgradError } from '../../errors.ts';
import { noError } from '../errors.ts';
import { compileMaskGame, game, maskGameOptions } from '../mask_game.ts';
import { Pulse } from '../pulse.ts';
import { defineMethod } from '../types.ts';

/** Temperature of the smooth maximum: TorchRay's. */
const TEMPERATURE = 1 / 20;

export const extremalPerturbation = defineMethod({
  summary: 'the region of a given area that keeps most of the score, found by optimisation',
  options: {
    area: fraction(0.1, 'of the picture that the region covers'),
    steps: count(300, 'of gradient descent'),
    lr: positive(0.01, 'of the descent, with momentum 0.9'),
    radius: nonNegative(1.5, "standard deviation of a cell's neighbourhood, cells: how round the region is"),
    constraint: positive(100, 'weight of the area at the end; it grows from 1'),
    game: game('preserve'),
    ...maskGameOptions,
  },
  target: 'one',
  cost: ({ steps }) => ({ gradients: steps + 3 }),
  async compile(model, score, { area, steps, lr, radius, constraint, game, ...options }, { signal }) {
    const [, h, w] = model.pictureShape;
    const played = await compileMaskGame('extremal-perturbation', model, score, options, signal);
    const { rows, columns } = played;
    const cells = rows * columns;
    const kept = Math.round(area * cells);
    if (kept === 0 || kept === cells) {
      played.dispose();
      throw new WgradError('invalid-argument', `extremal-perturbation: an area of ${area} is ${kept} of ${cells} cells`, {
        remedy: 'Choose an area between, or more cells',
      }); // prettier-ignore
    }
    return {
      async run(run) {
        const at = played.play(run);
        const whole = await at(new Float32Array(cells).fill(1));
        const smooth = smoothMaximum(rows, columns, radius);
        const first = (await at(new Float32Array(cells).fill(0.5))).gradient;
        const [span, largest] = first.reduce(([n, m], g) => [n + Math.abs(g), Math.max(m, Math.abs(g))] as const, [0, 0]); // prettier-ignore
        const p = first.map((g) => 0.5 + (largest > 0 ? g / (2 * largest) : 0));
        const velocity = new Float64Array(cells);
        const shown = (m: Float32Array) => (game === 'preserve' ? m : m.map((v) => 1 - v));
        const pulse = new Pulse();
        for (let k = 0; k < steps; k++) {
          const { value, back } = smooth(p);
          const { gradient, mask } = await at(shown(value));
          const lambda = constraint ** (steps > 1 ? k / (steps - 1) : 1);
          const reference = wanted(value, kept, gradient);
          // Kept or deleted: more of the region there is right where showing raises the score. In units of a cell.
          const slope = back((u) => (-gradient[u]! * cells) / (span || 1) + 2 * lambda * (value[u]! - reference[u]!));
          for (let u = 0; u < cells; u++) {
            velocity[u] = 0.9 * velocity[u]! - lr * slope[u]!;
            p[u] = Math.min(1, Math.max(0, p[u]! + velocity[u]!));
          }
          run.onProgress?.({ done: k + 1, total: steps });
          if (run.onPartial && k + 1 < steps && pulse.due()) run.onPartial({ map: shown(mask), shape: [1, h, w] });
        }
        const { value } = smooth(p);
        const end = await at(shown(value));
        const map = shown(end.mask);
        const covered = map.reduce((n, v) => n + v, 0) / map.length;
        const what = game === 'preserve' ? 'alone' : 'blurred';
        const reason =
          `a region, not values: it covers ${(100 * covered).toPrecision(2)} % of the ${(100 * area).toPrecision(2)} % asked for; ` +
          `with it ${what} the score is ${end.scores[0]!.toPrecision(3)} of ${whole.scores[0]!.toPrecision(3)}`;
        return { map, shape: [1, h, w], score: whole.scores[0]!, error: noError(reason) };
      },
      dispose: () => played.dispose(),
    };
  },
});

/** 1 for the `kept` largest, of equal ones those of larger `worth`, and 0 for the others. */
export function wanted(values: ArrayLike<number>, kept: number, worth: ArrayLike<number>): Float32Array {
  const order = Array.from({ length: values.length }, (_, i) => i).sort(
    (a, b) => values[b]! - values[a]! || worth[b]! - worth[a]!,
  );
  const reference = new Float32Array(values.length);
  for (const u of order.slice(0, kept)) reference[u] = 1;
  return reference;
}

/**
 * m_u = sum_v z e^(z/T) / sum_v e^(z/T), z = k(u - v) p_v, over the cells v near u, over its value where all p are 1; k
 * is a Gaussian cut off at two standard deviations, of value 1 at 0. `back` takes slopes of m to slopes of p.
 */
export function smoothMaximum(rows: number, columns: number, radius: number) {
  const reach = Math.ceil(2 * radius);
  const near: { by: number; weight: number }[][] = [];
  for (let u = 0; u < rows * columns; u++) {
    const [row, column] = [Math.floor(u / columns), u % columns];
    const own: { by: number; weight: number }[] = [];
    for (let y = Math.max(0, row - reach); y <= Math.min(rows - 1, row + reach); y++) {
      for (let x = Math.max(0, column - reach); x <= Math.min(columns - 1, column + reach); x++) {
        const distance = (y - row) ** 2 + (x - column) ** 2;
        own.push({ by: y * columns + x, weight: distance === 0 ? 1 : Math.exp(-distance / (2 * radius ** 2)) });
      }
    }
    near.push(own);
  }
  const at = (p: ArrayLike<number>, u: number) => {
    let [sum, total] = [0, 0];
    for (const { by, weight } of near[u]!) {
      const z = weight * p[by]!;
      const e = Math.exp((z - 1) / TEMPERATURE);
      sum += z * e;
      total += e;
    }
    return { value: sum / total, total };
  };
  const full = near.map((_, u) => at(new Float32Array(near.length).fill(1), u).value);
  return (p: ArrayLike<number>) => {
    const raw = near.map((_, u) => at(p, u));
    return {
      value: Float32Array.from(raw, ({ value }, u) => value / full[u]!),
      back(slope: (u: number) => number): Float64Array {
        const out = new Float64Array(near.length);
        near.forEach((own, u) => {
          const { value, total } = raw[u]!;
          const s = slope(u) / full[u]!;
          for (const { by, weight } of own) {
            const z = weight * p[by]!;
            const e = Math.exp((z - 1) / TEMPERATURE);
            out[by]! += s * weight * (e / total) * (1 + (z - value) / TEMPERATURE);
          }
        });
        return out;
      },
    };
  };
}
