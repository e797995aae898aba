/**
 * Expected gradients, SHAP's GradientExplainer: R = mean over samples of (x - b) d f / d x at b + a (x - b), baselines b
 * drawn from those given and a from [0, 1). (Erion et al. 2021, arXiv:1906.10670.) `smoothing` adds noise to x in each
 * sample, as local_smoothing does there.
 */
import { WgradError } from '../../errors.ts';
import { input } from '../../graph/leaves.ts';
import { sizeOf } from '../../graph/shape.ts';
import { add, mul, sub } from '../../ops/binary.ts';
import { count, custom, floats, nonNegative, whole } from '../../options.ts';
import { Random } from '../../random.ts';
import { baselinesOption, readBaselines } from '../baselines.ts';
import { compileSum, gradientTerms } from '../engines/sums.ts';
import { noError, standardError } from '../errors.ts';
import { defineMethod } from '../types.ts';

export const expectedGradients = defineMethod({
  summary: 'gradients at random places between the picture and random baselines, times their difference',
  options: {
    baselines: baselinesOption,
    samples: count(200, 'draws'),
    smoothing: nonNegative(0, 'standard deviation of noise added to the picture in each draw, in input space'),
    alphas: floats('the places themselves, [samples], 0 at the baseline and 1 at the picture'),
    choices: custom<Int32Array>('the baseline of each draw, [samples], with `alphas`', 'an Int32Array', (v) => v instanceof Int32Array), // prettier-ignore
    seed: whole(0, 'of the draws'),
    batch: count(4, 'pictures in one run'),
  },
  target: 'one',
  cost: ({ samples }) => ({ gradients: samples + 1 }),
  async compile(model, score, { smoothing, alphas, choices, seed, batch: limit, ...options }, control) {
    const shape = model.pictureShape;
    const size = sizeOf(shape);
    const { pictures, count: known } = readBaselines('expected-gradients', options.baselines, shape);
    const samples = alphas?.length ?? options.samples;
    if (choices && (choices.length !== samples || choices.some((k) => k < 0 || k >= known))) {
      throw new WgradError('invalid-argument', `expected-gradients: choices must be ${samples} indices below ${known}`);
    }
    const gradients = await compileSum(model, {
      ...control,
      count: samples + 1,
      limit,
      build(batch) {
        const x = input('picture', [1, ...shape]);
        const from = input('baseline', [batch, ...shape]);
        const noisy = smoothing > 0 ? add(x, input('noise', [batch, ...shape])) : x;
        const difference = sub(noisy, from);
        const at = add(mul(difference, input('alpha', [batch, 1, 1, 1])), from);
        return gradientTerms(score, at, (g) => mul(g, sub(x, from)));
      },
      squares: samples > 1,
    });
    const { batch } = gradients;
    // The picture itself comes last, with weight 0: for its score.
    const weights = new Float64Array(samples + 1).fill(1 / samples, 0, samples);
    return {
      async run(run) {
        const random = new Random(`expected gradients ${seed}`);
        const feeds = (first: number) => {
          const [alpha, from] = [new Float32Array(batch).fill(1), new Float32Array(batch * size)];
          const noise = smoothing > 0 ? new Float32Array(batch * size) : undefined;
          for (let k = 0; k < batch && first + k < samples; k++) {
            const b = choices?.[first + k] ?? random.int(known);
            alpha[k] = alphas?.[first + k] ?? random.uniform();
            from.set(pictures.subarray(b * size, (b + 1) * size), k * size);
            if (noise) for (let i = 0; i < size; i++) noise[k * size + i] = smoothing * random.normal();
          }
          return { picture: run.pixels, baseline: from, alpha, ...(noise && { noise }) };
        };
        const { map, squares, values } = await gradients.run({ weights, feeds, run });
        const error = squares ? standardError(map, squares, samples) : noError('one sample has no spread');
        return { map, shape, score: values.score[samples]!, error };
      },
      dispose: () => gradients.dispose(),
    };
  },
});
