/**
 * SmoothGrad: R_i = mean over k of d f_c / d x_i at x + n_k, n_k ~ N(0, s^2), s = sigma * (max(x) - min(x)).
 * (Smilkov, Thorat, Kim, Viegas, Wattenberg 2017, arXiv:1706.03825.)
 * Of the same samples: `square`, the mean of g^2 (Hooker, Erhan, Kindermans, Kim 2019, arXiv:1806.10758); `variance`,
 * the mean of g^2 less the square of the mean: VarGrad (Adebayo et al. 2018, arXiv:1810.03307).
 */
import { WgradError } from '../../errors.ts';
import { input } from '../../graph/leaves.ts';
import { sizeOf } from '../../graph/shape.ts';
import { add } from '../../ops/binary.ts';
import { square } from '../../ops/unary.ts';
import { choice, count, floats, positive, whole } from '../../options.ts';
import { Random } from '../../random.ts';
import { compileSum, gradientTerms } from '../engines/sums.ts';
import { noError, standardError } from '../errors.ts';
import { defineMethod, sensitivity } from '../types.ts';

export const smoothGrad = defineMethod({
  summary: 'gradient averaged over noisy copies of the picture',
  display: sensitivity,
  options: {
    samples: count(25, 'noisy copies'),
    sigma: positive(0.15, 'standard deviation of the noise, as a share of max(x) - min(x)'),
    statistic: choice(['mean', 'square', 'variance'], 'mean', 'of the gradients: SmoothGrad, its square, VarGrad'),
    noise: floats('noise [samples,C,H,W] in input space, in place of samples, sigma and seed'),
    seed: whole(0, 'of the noise'),
    batch: count(4, 'pictures in one run'),
  },
  target: 'one',
  cost: ({ samples }) => ({ gradients: samples + 1 }),
  async compile(model, score, { noise, seed, sigma, statistic, batch: limit, ...options }, control) {
    const shape = model.pictureShape;
    const size = sizeOf(shape);
    const samples = noise ? countOf(noise, size) : options.samples;
    const gradients = await compileSum(model, {
      ...control,
      count: samples + 1,
      limit,
      build(batch) {
        const points = add(input('noise', [batch, ...shape]), input('picture', [1, ...shape]));
        return gradientTerms(score, points, statistic === 'square' ? square : undefined);
      },
      squares: samples > 1,
    });
    const { batch } = gradients;
    // The picture itself comes last, without noise and with weight 0: for its score.
    const weights = new Float64Array(samples + 1).fill(1 / samples, 0, samples);
    return {
      async run(run) {
        const random = new Random(seed);
        const deviation = sigma * rangeOf(run.pixels);
        const feeds = (first: number) => {
          const some = new Float32Array(batch * size);
          const count = Math.min(batch, samples - first) * size;
          if (noise) some.set(noise.subarray(first * size, first * size + count));
          else for (let i = 0; i < count; i++) some[i] = deviation * random.normal();
          return { picture: run.pixels, noise: some };
        };
        // A variance so far is no sum so far: it has no partial map.
        const heard = statistic === 'variance' ? { ...run, onPartial: undefined } : run;
        const { map, squares, values } = await gradients.run({ weights, feeds, run: heard });
        const value = values.score[samples]!;
        if (statistic === 'variance') {
          const variance = map.map((m, i) => Math.max(0, (squares?.[i] ?? m * m) - m * m));
          return { map: variance, shape, score: value, error: noError('a spread, which has no error of its own here') };
        }
        const error = squares ? standardError(map, squares, samples) : noError('one sample has no spread');
        return { map, shape, score: value, error };
      },
      dispose: () => gradients.dispose(),
    };
  },
});

function countOf(noise: Float32Array, size: number): number {
  if (noise.length === 0 || noise.length % size !== 0) {
    throw new WgradError('shape', `smoothgrad: ${noise.length} values of noise for pictures of ${size}`);
  }
  return noise.length / size;
}

function rangeOf(values: Float32Array): number {
  let [low, high] = [Infinity, -Infinity];
  for (const v of values) [low, high] = [Math.min(low, v), Math.max(high, v)];
  return high - low;
}
