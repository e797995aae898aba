/**
 * Meaningful perturbation: the smallest smooth region whose blurring takes the score away. A mask m in [0, 1] on a
 * coarse grid is learnt by Adam: min over m of l1 sum_u (1 - m_u) + tv sum_u |grad m_u|^beta + f(m x + (1 - m) blur(x)).
 * (Fong and Vedaldi 2017, arXiv:1704.03296, without its jitter; their f is a probability: `output: 'probability'`, and
 * the penalties are made for one.) `preserve` asks the reverse: the smallest region that keeps the score.
 */
import { count, nonNegative, positive } from '../../options.ts';
import { noError } from '../errors.ts';
import { compileMaskGame, game, maskAdam, maskGameOptions } from '../mask_game.ts';
import { Pulse } from '../pulse.ts';
import { defineMethod } from '../types.ts';

export const meaningfulPerturbation = defineMethod({
  summary: 'the smallest region whose blurring takes the score away, found by optimisation',
  options: {
    steps: count(300, 'of Adam'),
    lr: positive(0.1, 'of Adam'),
    l1: nonNegative(1e-4, 'weight of the size of the region, a cell'),
    tv: nonNegative(1e-2, 'weight of the total variation of the mask'),
    beta: positive(3, 'exponent of the total variation'),
    game: game('delete'),
    ...maskGameOptions,
  },
  target: 'one',
  cost: ({ steps }) => ({ gradients: steps + 2 }),
  async compile(model, score, { steps, lr, l1, tv, beta, game, ...options }, { signal }) {
    const [, h, w] = model.pictureShape;
    const played = await compileMaskGame('meaningful-perturbation', model, score, options, signal);
    const { rows, columns } = played;
    return {
      async run(run) {
        const at = played.play(run);
        const cells = rows * columns;
        const m = new Float32Array(cells).fill(1);
        const whole = (await at(m)).scores[0]!;
        const sign = game === 'delete' ? 1 : -1;
        const step = maskAdam(cells, lr);
        const [pulse, shape] = [new Pulse(), [1, h, w] as [number, number, number]];
        const region = (mask: Float32Array) => (game === 'delete' ? mask.map((v) => 1 - v) : mask);
        for (let k = 0; k < steps; k++) {
          const { gradient, mask } = await at(m);
          if (k > 0 && run.onPartial && pulse.due()) run.onPartial({ map: region(mask), shape });
          const slope = totalVariationSlope(m, columns, beta);
          step(m, (u) => sign * gradient[u]! - sign * l1 + tv * slope[u]!);
          run.onProgress?.({ done: k + 1, total: steps });
        }
        const end = await at(m);
        const map = region(end.mask);
        const left = `the score is ${end.scores[0]!.toPrecision(3)} of ${whole.toPrecision(3)}`;
        return { map, shape, score: whole, error: noError(`a region, not values: with it ${game === 'delete' ? 'blurred' : 'alone'} ${left}`) }; // prettier-ignore
      },
      dispose: () => played.dispose(),
    };
  },
});

/** Of sum over neighbours |m_u - m_v|^beta, right and below, with respect to each cell. */
export function totalVariationSlope(m: ArrayLike<number>, columns: number, beta: number): Float64Array {
  const slope = new Float64Array(m.length);
  const pair = (u: number, v: number) => {
    const d = m[v]! - m[u]!;
    if (d === 0) return;
    const change = beta * Math.sign(d) * Math.abs(d) ** (beta - 1);
    slope[v]! += change;
    slope[u]! -= change;
  };
  for (let u = 0; u < m.length; u++) {
    if ((u + 1) % columns !== 0) pair(u, u + 1);
    if (u + columns < m.length) pair(u, u + columns);
  }
  return slope;
}
