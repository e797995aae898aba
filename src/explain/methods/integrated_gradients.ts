/**
 * Integrated gradients: R_i = (x_i - b_i) * integral over a in [0, 1] of d f_c / d x_i at b + a (x - b), the mean over
 * baselines b. (Sundararajan, Taly, Yan 2017, arXiv:1703.01365.) By default the integral is a Gauss-Legendre sum: at 50
 * nodes it leaves a completeness gap several times smaller than the midpoint or trapezoid rule. sum R = f(x) - f(b)
 * holds for the exact integral; what is left of it is the map's error figure.
 */
import { input } from '../../graph/leaves.ts';
import { sizeOf } from '../../graph/shape.ts';
import { add, mul, sub } from '../../ops/binary.ts';
import { choice, count } from '../../options.ts';
import { baselinesOption, readBaselines } from '../baselines.ts';
import { compileSum, gradientTerms } from '../engines/sums.ts';
import { completeness } from '../errors.ts';
import { pathRuleNames, pathRules } from '../quadrature.ts';
import { defineMethod } from '../types.ts';

export const integratedGradients = defineMethod({
  summary: 'gradients integrated along the path from a baseline to the picture',
  options: {
    steps: count(50, 'nodes of the path'),
    rule: choice(pathRuleNames, 'gauss-legendre', 'where the nodes lie and what they weigh'),
    baselines: baselinesOption,
    batch: count(4, 'pictures in one run'),
  },
  target: 'one',
  cost: ({ steps, baselines }, size) => ({ gradients: (steps + 2) * ((baselines?.length ?? size) / size) }),
  async compile(model, score, { steps, rule, batch: limit, ...options }, control) {
    const shape = model.pictureShape;
    const size = sizeOf(shape);
    const baselines = readBaselines('integrated-gradients', options.baselines, shape);
    const { nodes, weights: each } = pathRules[rule](steps);
    // The two ends of each path ride along with weight 0: their scores give the completeness gap.
    const alphas = [...nodes, 0, 1];
    const points = alphas.length * baselines.count;
    const weights = Float64Array.from({ length: points }, (_, k) => (each[k % alphas.length] ?? 0) / baselines.count);
    const gradients = await compileSum(model, {
      ...control,
      count: points,
      limit,
      build(batch) {
        const x = input('picture', [1, ...shape]);
        const from = input('baseline', [baselines.count === 1 ? 1 : batch, ...shape]);
        const difference = sub(x, from);
        const at = add(mul(difference, input('alpha', [batch, 1, 1, 1])), from);
        return gradientTerms(score, at, (g) => mul(g, difference));
      },
    });
    const { batch } = gradients;
    return {
      async run(run) {
        const feeds = (first: number) => {
          const alpha = new Float32Array(batch);
          const from = baselines.count === 1 ? baselines.pictures : new Float32Array(batch * size);
          for (let k = 0; k < batch && first + k < points; k++) {
            alpha[k] = alphas[(first + k) % alphas.length]!;
            const b = Math.floor((first + k) / alphas.length);
            if (baselines.count > 1) from.set(baselines.pictures.subarray(b * size, (b + 1) * size), k * size);
          }
          return { picture: run.pixels, baseline: from, alpha };
        };
        const { map, values } = await gradients.run({ weights, feeds, run });
        const value = values.score[steps + 1]!;
        let start = 0;
        for (let k = steps; k < points; k += alphas.length) start += values.score[k]! / baselines.count;
        return { map, shape, score: value, error: completeness(map, value - start) };
      },
      dispose: () => gradients.dispose(),
    };
  },
});
