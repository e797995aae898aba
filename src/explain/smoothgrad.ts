/**
 * SmoothGrad: R_i = mean over k of d f_c / d x_i at x + n_k, n_k ~ N(0, s^2), s = sigma * (max(x) - min(x)).
 * (Smilkov, Thorat, Kim, Viegas, Wattenberg 2017, arXiv:1706.03825.) SmoothGrad-squared, option `squared`, is the mean
 * of the squared gradients. (Hooker, Erhan, Kindermans, Kim 2019, arXiv:1806.10758.)
 *
 * Defaults: 25 samples, sigma 0.15, seed 0. `noise` gives the n_k themselves.
 */
import { WgradError } from '../errors.ts';
import { input } from '../graph/leaves.ts';
import { sizeOf } from '../graph/shape.ts';
import { add } from '../ops/binary.ts';
import { square } from '../ops/unary.ts';
import { Random } from '../random.ts';
import { requireCount, requirePositive } from './options.ts';
import { defaults, type Method, type MethodOptions } from './types.ts';
import { compileWeightedBatch } from './weighted_batch.ts';

export const smoothGrad: Method = {
  summary: 'gradient averaged over noisy copies of the picture',
  target: 'one',
  async compile(model, options) {
    const shape = model.pictureShape;
    const size = sizeOf(shape);
    const samples = sampleCount(options, size);
    const sigma = requirePositive('sigma', options.sigma ?? defaults.sigma);
    const { seed = defaults.seed, noise, squared = defaults.squared } = options;
    const gradients = await compileWeightedBatch(model, {
      count: samples + 1,
      limit: requireCount('batch', options.batch ?? defaults.batch),
      points: (batch) => add(input('noise', [batch, ...shape]), input('picture', [1, ...shape])),
      transform: squared ? square : undefined,
    });
    const { batch } = gradients;
    // The picture itself comes last, without noise and with weight 0: for its score.
    const weights = new Float64Array(samples + 1).fill(1 / samples, 0, samples);
    return {
      async run(pixels, classWeights, control) {
        const random = new Random(seed);
        const deviation = sigma * rangeOf(pixels);
        const feeds = (first: number) => {
          const some = new Float32Array(batch * size);
          const count = Math.min(batch, samples - first) * size;
          if (noise) some.set(noise.subarray(first * size, first * size + count));
          else for (let i = 0; i < count; i++) some[i] = deviation * random.normal();
          return { picture: pixels, noise: some };
        };
        const { map, scores } = await gradients.run({ weights, feeds, classWeights, control });
        return { map, shape, score: scores[samples]! };
      },
      dispose: () => gradients.dispose(),
    };
  },
};

function sampleCount({ samples, noise }: MethodOptions, size: number): number {
  if (!noise) return requireCount('samples', samples ?? defaults.samples);
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
