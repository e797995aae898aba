/**
 * Integrated gradients: R_i = (x_i - b_i) * integral over a in [0, 1] of d f_c / d x_i at b + a (x - b).
 * (Sundararajan, Taly, Yan 2017, arXiv:1703.01365.) The integral is a Gauss-Legendre sum: at 50 nodes it leaves a
 * completeness gap several times smaller than the midpoint or trapezoid rule. sum R = f(x) - f(b) holds for the exact
 * integral; what is left of it is reported with the map.
 *
 * Defaults: 50 steps, baseline 0 (the mean colour, where the input is normalised by it).
 */
import { WgradError } from '../errors.ts';
import { input } from '../graph/leaves.ts';
import { show } from '../graph/shape.ts';
import { add, mul, sub } from '../ops/binary.ts';
import { requireCount } from './options.ts';
import { gaussLegendre } from './quadrature.ts';
import { defaults, type Completeness, type Method } from './types.ts';
import { compileWeightedBatch } from './weighted_batch.ts';

export const integratedGradients: Method = {
  summary: 'gradients integrated along the path from a baseline to the picture',
  target: 'one',
  async compile(model, options) {
    const steps = requireCount('steps', options.steps ?? defaults.steps);
    const limit = requireCount('batch', options.batch ?? defaults.batch);
    const shape = model.pictureShape;
    const [c, h, w] = shape;
    const baseline = options.baseline ?? new Float32Array(c * h * w);
    if (baseline.length !== c * h * w) {
      throw new WgradError(
        'shape',
        `integrated-gradients: a baseline of ${baseline.length} values, not ${show(shape)}`,
      );
    }
    const rule = gaussLegendre(steps);
    // The two ends of the path ride along with weight 0: their scores give the completeness gap.
    const alphas = [...rule.nodes, 0, 1];
    const weights = Float64Array.of(...rule.weights, 0, 0);
    const gradients = await compileWeightedBatch(model, {
      count: alphas.length,
      limit,
      points(batch) {
        const x = input('picture', [1, c, h, w]);
        const from = input('baseline', [1, c, h, w]);
        return add(mul(sub(x, from), input('alpha', [batch, 1, 1, 1])), from);
      },
    });
    return {
      async run(pixels, classWeights, control) {
        const feeds = (first: number) => {
          const alpha = new Float32Array(gradients.batch);
          alpha.set(alphas.slice(first, first + gradients.batch));
          return { picture: pixels, baseline, alpha };
        };
        const { map, scores } = await gradients.run({ weights, feeds, classWeights, control });
        for (let i = 0; i < map.length; i++) map[i]! *= pixels[i]! - baseline[i]!;
        const score = scores[steps + 1]!;
        return { map, shape, score, completeness: completeness(map, score - scores[steps]!) };
      },
      dispose: () => gradients.dispose(),
    };
  },
};

function completeness(map: Float32Array, difference: number): Completeness {
  let sum = 0;
  for (const value of map) sum += value;
  const gap = sum - difference;
  return { sum, difference, gap, relativeGap: gap === 0 ? 0 : Math.abs(gap / difference) };
}
