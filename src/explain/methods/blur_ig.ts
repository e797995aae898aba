/**
 * Blur integrated gradients: gradients along the path on which the picture loses its blur, from x_s = G(s) * x at
 * s = maxSigma to x itself: R = - integral over s of d f / d x_s * d x_s / d s. No baseline picture is chosen, and
 * nothing is explained by colours that the picture does not have. (Xu, Venugopalan, Sundararajan 2020,
 * arXiv:2004.03383.) G is a Gaussian cut off at 4 standard deviations, zeros outside the picture.
 *
 * 'chord' multiplies the gradient at the middle of two neighbours of the path by their difference, so that the sum
 * telescopes; 'derivative' is what PAIR saliency's BlurIG does: the gradient at the first of them times a difference
 * quotient of 0.01 in s, which misses the steps at which a discrete kernel grows.
 */
import { constant, input } from '../../graph/leaves.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { lessOrEqual, mul, sub } from '../../ops/binary.ts';
import { matmul } from '../../ops/matmul.ts';
import { exp } from '../../ops/unary.ts';
import { choice, count, positive } from '../../options.ts';
import { checkBlur } from '../box_blur.ts';
import { compileSum, gradientTerms } from '../engines/sums.ts';
import { completeness } from '../errors.ts';
import { defineMethod } from '../types.ts';

/** PAIR's grad_step. */
const QUOTIENT = 0.01;

/** One point of the sum: two blurs, where between them the gradient is taken, and the weight of their difference. */
interface Point {
  less: number;
  more: number;
  /** 0 at `less`, 1 at `more`. */
  at: number;
  weight: number;
}

const slopes = {
  chord: (less: number, more: number): Point => ({ less, more, at: 0.5, weight: 1 }),
  derivative: (less: number, more: number): Point => ({
    less,
    more: less + QUOTIENT,
    at: 0,
    weight: (more - less) / QUOTIENT,
  }),
};

export const blurIg = defineMethod({
  summary: 'gradients integrated while the picture loses its blur',
  options: {
    maxSigma: positive(50, 'blur at the beginning of the path, pixels'),
    steps: count(100, 'steps of the path, of equal length in the blur'),
    slope: choice(['chord', 'derivative'], 'chord', "of the path: differences of its pictures, or PAIR saliency's quotient"), // prettier-ignore
    batch: count(4, 'pictures in one run'),
  },
  target: 'one',
  cost: ({ steps }) => ({ gradients: steps + 2 }),
  async compile(model, score, { maxSigma, steps, slope, batch: limit }, control) {
    checkBlur(maxSigma);
    const shape = model.pictureShape;
    const sigma = (k: number) => (maxSigma * k) / steps;
    const points = Array.from({ length: steps }, (_, k) => slopes[slope](sigma(k), sigma(k + 1)));
    // The ends ride along with weight 0: their scores give the completeness gap.
    for (const end of [maxSigma, 0]) points.push({ less: end, more: end, at: 0, weight: 0 });
    const gradients = await compileSum(model, {
      ...control,
      count: points.length,
      limit,
      build(batch) {
        const x = input('picture', [1, ...shape]);
        const [less, more] = [blurred(x, 'less', batch), blurred(x, 'more', batch)];
        const rise = sub(less, more);
        const point = sub(less, mul(rise, input('at', [batch, 1, 1, 1])));
        return gradientTerms(score, point, (g) => mul(g, rise));
      },
    });
    const weights = Float64Array.from(points, ({ weight }) => weight);
    return {
      async run(run) {
        const feeds = (first: number) => {
          const some = Array.from({ length: gradients.batch }, (_, k) => points[first + k] ?? points.at(-1)!);
          return {
            picture: run.pixels,
            at: Float32Array.from(some, ({ at }) => at),
            ...kernelFeeds('less', some.map(({ less }) => less)),
            ...kernelFeeds('more', some.map(({ more }) => more)),
          }; // prettier-ignore
        };
        const { map, values } = await gradients.run({ weights, feeds, run });
        const [from, value] = values.score.subarray(steps) as unknown as [number, number];
        return { map, shape, score: value, error: completeness(map, value - from) };
      },
      dispose: () => gradients.dispose(),
    };
  },
});

/**
 * x [1,C,H,W] under `batch` Gaussians, each of them three numbers: -1 / 2 s^2, the square of its radius, 1 / its sum.
 * Along an axis it is a band matrix, made on the device from squared distances.
 */
function blurred(x: Tensor, name: string, batch: number): Tensor {
  const number = (what: string) => input(`${name}_${what}`, [batch, 1, 1, 1]);
  const [exponent, reach, scale] = [number('exponent'), number('reach'), number('scale')];
  const band = (extent: number) => {
    const squares = Float32Array.from({ length: extent * extent }, (_, i) => ((i % extent) - Math.floor(i / extent)) ** 2); // prettier-ignore
    const distance = constant(squares, [1, 1, extent, extent]);
    return mul(mul(exp(mul(distance, exponent)), lessOrEqual(distance, reach)), scale);
  };
  const [, , h, w] = x.shape as [number, number, number, number];
  return matmul(matmul(band(h), x), band(w));
}

function kernelFeeds(name: string, sigmas: readonly number[]): Record<string, Float32Array> {
  const kernels = sigmas.map((sigma) => {
    const radius = Math.floor(4 * sigma + 0.5);
    const exponent = radius === 0 ? 0 : -0.5 / sigma ** 2;
    let sum = 0;
    for (let k = -radius; k <= radius; k++) sum += Math.exp(exponent * k * k);
    return { exponent, reach: radius ** 2, scale: 1 / sum };
  });
  return {
    [`${name}_exponent`]: Float32Array.from(kernels, (k) => k.exponent),
    [`${name}_reach`]: Float32Array.from(kernels, (k) => k.reach),
    [`${name}_scale`]: Float32Array.from(kernels, (k) => k.scale),
  };
}
