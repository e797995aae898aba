/**
 * DeepSHAP: R = mean over baselines r of m (x - r), m being DeepLIFT's multipliers by the rescale rule; with one
 * baseline it is DeepLIFT. (Lundberg and Lee 2017, arXiv:1705.07874; rules and paper in deep_lift_rules.ts.)
 * sum R = f(x) - mean f(r), which is checked: the gap is the map's error figure. shap.DeepExplainer and Captum lose it
 * at overlapping max-pool windows, where they assign what must be added.
 */
import { input } from '../../graph/leaves.ts';
import { sizeOf } from '../../graph/shape.ts';
import { mul, sub } from '../../ops/binary.ts';
import { broadcastTo } from '../../ops/broadcast.ts';
import { count } from '../../options.ts';
import { baselinesOption, readBaselines } from '../baselines.ts';
import { deepLiftRules } from '../deep_lift_rules.ts';
import { pairedGradient } from '../engines/rules.ts';
import { compileSum } from '../engines/sums.ts';
import { completeness } from '../errors.ts';
import { defineMethod } from '../types.ts';

export const deepShap = defineMethod({
  summary: 'what each pixel adds to the score of a baseline, by differences instead of derivatives',
  options: {
    baselines: baselinesOption,
    batch: count(2, 'baselines in one run'),
  },
  target: 'one',
  cost: ({ baselines }, size) => ({
    forwards: (baselines?.length ?? size) / size,
    gradients: (baselines?.length ?? size) / size,
  }),
  async compile(model, score, { batch: limit, ...options }, control) {
    const shape = model.pictureShape;
    const size = sizeOf(shape);
    const { pictures: baselines, count: total } = readBaselines('deep-shap', options.baselines, shape);
    const differences = await compileSum(model, {
      ...control,
      count: total,
      limit,
      build(batch) {
        const x = broadcastTo(input('picture', [1, ...shape]), [batch, ...shape]);
        const r = input('baselines', [batch, ...shape]);
        const { multipliers, at, scores } = pairedGradient('deep-shap', score, [x, r], deepLiftRules);
        return { terms: mul(multipliers, sub(...at)), values: { score: scores[0], baseline: scores[1] } };
      },
    });
    const { batch } = differences;
    const weights = new Float64Array(total).fill(1 / total);
    return {
      async run(run) {
        const feeds = (first: number) => {
          const some = new Float32Array(batch * size);
          some.set(baselines.subarray(first * size, (first + batch) * size));
          return { picture: run.pixels, baselines: some };
        };
        const { map, values } = await differences.run({ weights, feeds, run });
        const from = values.baseline.reduce((a, b) => a + b, 0) / total;
        return { map, shape, score: values.score[0]!, error: completeness(map, values.score[0]! - from) };
      },
      dispose: () => differences.dispose(),
    };
  },
});
