/**
 * Integrated gradients: R_i = (x_i - b_i) * integral over a in [0, 1] of d f_c / d x_i at b + a (x - b).
 * (Sundararajan, Taly, Yan 2017, arXiv:1703.01365.) The integral is a Gauss-Legendre sum: at 50 nodes it leaves a
 * completeness gap several times smaller than the midpoint or trapezoid rule. sum R = f(x) - f(b) holds for the exact
 * integral; what is left of it is the map's error figure.
 */
import { WgradError } from '../../errors.ts';
import { input } from '../../graph/leaves.ts';
import { show, sizeOf } from '../../graph/shape.ts';
import { add, mul, sub } from '../../ops/binary.ts';
import { count, floats } from '../../options.ts';
import { compileSum, gradientTerms } from '../engines/sums.ts';
import { completeness } from '../errors.ts';
import { gaussLegendre } from '../quadrature.ts';
import { defineMethod } from '../types.ts';

export const integratedGradients = defineMethod({
  summary: 'gradients integrated along the path from a baseline to the picture',
  options: {
    steps: count(50, 'nodes of the path'),
    baseline: floats("picture [C,H,W] in input space that stands for 'nothing' (default: zeros)"),
    batch: count(4, 'pictures in one run'),
  },
  target: 'one',
  cost: ({ steps }) => ({ gradients: steps + 2 }),
  async compile(model, score, { steps, batch: limit, ...options }, control) {
    const shape = model.pictureShape;
    const [c, h, w] = shape;
    const baseline = options.baseline ?? new Float32Array(sizeOf(shape));
    if (baseline.length !== sizeOf(shape)) {
      throw new WgradError(
        'shape',
        `integrated-gradients: a baseline of ${baseline.length} values, not ${show(shape)}`,
      );
    }
    const rule = gaussLegendre(steps);
    // The two ends of the path ride along with weight 0: their scores give the completeness gap.
    const alphas = [...rule.nodes, 0, 1];
    const weights = Float64Array.of(...rule.weights, 0, 0);
    const gradients = await compileSum(model, {
      ...control,
      count: alphas.length,
      limit,
      build(batch) {
        const x = input('picture', [1, c, h, w]);
        const from = input('baseline', [1, c, h, w]);
        return gradientTerms(score, add(mul(sub(x, from), input('alpha', [batch, 1, 1, 1])), from));
      },
    });
    return {
      async run(run) {
        const { pixels } = run;
        const feeds = (first: number) => {
          const alpha = new Float32Array(gradients.batch);
          alpha.set(alphas.slice(first, first + gradients.batch));
          return { picture: pixels, baseline, alpha };
        };
        const finish = (m: Float32Array) => m.map((g, i) => g * (pixels[i]! - baseline[i]!));
        const { map: mean, values } = await gradients.run({ weights, feeds, run, finish });
        const map = finish(mean);
        const value = values.score[steps + 1]!;
        return { map, shape, score: value, error: completeness(map, value - values.score[steps]!) };
      },
      dispose: () => gradients.dispose(),
    };
  },
});
