/**
 * Meaningful perturbation: the smallest smooth region whose blurring takes the score away. A mask m in [0, 1] on a
 * coarse grid is learnt by Adam: min over m of l1 sum_u (1 - m_u) + tv sum_u |grad m_u|^beta + f(m x + (1 - m) blur(x)).
 * (Fong and Vedaldi 2017, arXiv:1704.03296, without its jitter; their f is a probability: `output: 'probability'`, and
 * the penalties are made for one.) `preserve` asks the reverse: the smallest region that keeps the score.
 */
import { grad } from '../../autograd/grad.ts';
import { WgradError } from '../../errors.ts';
import { input } from '../../graph/leaves.ts';
import { sum } from '../../ops/reduce.ts';
import { resize } from '../../ops/resize.ts';
import { choice, count, floats, nonNegative, positive } from '../../options.ts';
import { maskedPicture } from '../engines/masks.ts';
import { noError } from '../errors.ts';
import { blurAxes } from '../segments/picture.ts';
import { defineMethod } from '../types.ts';

export const meaningfulPerturbation = defineMethod({
  summary: 'the smallest region whose blurring takes the score away, found by optimisation',
  options: {
    steps: count(300, 'of Adam'),
    lr: positive(0.1, 'of Adam'),
    cells: count(28, 'of the mask along each side; enlarged bilinearly'),
    l1: nonNegative(1e-4, 'weight of the size of the region, a cell'),
    tv: nonNegative(1e-2, 'weight of the total variation of the mask'),
    beta: positive(3, 'exponent of the total variation'),
    sigma: nonNegative(10, 'blur of what stands in the region, pixels'),
    fill: floats('what stands there instead, [C,H,W] in input space'),
    game: choice(['delete', 'preserve'], 'delete', 'the region takes the score away, or keeps it'),
  },
  target: 'one',
  cost: ({ steps }) => ({ gradients: steps + 2 }),
  async compile(model, score, { steps, lr, l1, tv, beta, sigma, fill, game, ...options }, { signal }) {
    const [channels, h, w] = model.pictureShape;
    const size = channels * h * w;
    if (fill && fill.length !== size) {
      throw new WgradError('shape', `meaningful-perturbation: ${fill.length} values of fill for a picture of ${size}`);
    }
    const [rows, columns] = [Math.min(options.cells, h), Math.min(options.cells, w)];
    const coarse = input('mask', [1, 1, rows, columns]);
    const mask = resize(coarse, [h, w]);
    const { scores } = score({ input: maskedPicture(model.pictureShape, mask) });
    const [gradient] = grad(sum(scores), [coarse]);
    const program = await model.engine.compile({ outputs: { scores, gradient: gradient!, mask } }, { signal });
    return {
      async run(run) {
        const blurred = () => Float32Array.from(blurAxes(Float64Array.from(run.pixels), [[h, w], [w, 1]], sigma)); // prettier-ignore
        const fixed = { ...run.feeds, picture: run.pixels, fill: fill ?? blurred() };
        const at = (m: Float32Array) => program.run({ ...fixed, mask: m }, { signal: run.signal });
        const cells = rows * columns;
        const ones = new Float32Array(cells).fill(1);
        const whole = (await at(ones)).scores[0]!;

        const sign = game === 'delete' ? 1 : -1;
        const m = ones;
        const step = adam(cells, lr);
        for (let k = 0; k < steps; k++) {
          const { gradient } = await at(m);
          const slope = totalVariationSlope(m, columns, beta);
          step(m, (u) => sign * gradient[u]! - sign * l1 + tv * slope[u]!);
          for (let u = 0; u < cells; u++) m[u] = Math.min(1, Math.max(0, m[u]!));
          run.onProgress?.({ done: k + 1, total: steps });
        }
        const end = await at(m);
        const map = game === 'delete' ? end.mask.map((v) => 1 - v) : end.mask;
        const left = `the score is ${end.scores[0]!.toPrecision(3)} of ${whole.toPrecision(3)}`;
        return { map, shape: [1, h, w], score: whole, error: noError(`a region, not values: with it ${game === 'delete' ? 'blurred' : 'alone'} ${left}`) }; // prettier-ignore
      },
      dispose: () => program.dispose(),
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

/** Adam (Kingma and Ba 2015) with its usual constants, on the host: a mask has a few hundred cells. */
function adam(size: number, lr: number) {
  const [mean, square] = [new Float64Array(size), new Float64Array(size)];
  let t = 0;
  return (values: Float32Array, gradient: (u: number) => number) => {
    t++;
    for (let u = 0; u < size; u++) {
      const g = gradient(u);
      mean[u] = 0.9 * mean[u]! + 0.1 * g;
      square[u] = 0.999 * square[u]! + 0.001 * g * g;
      values[u]! -= (lr * (mean[u]! / (1 - 0.9 ** t))) / (Math.sqrt(square[u]! / (1 - 0.999 ** t)) + 1e-8);
    }
  };
}
