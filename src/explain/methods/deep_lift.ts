/**
 * DeepSHAP: R = mean over baselines r of m (x - r), m being DeepLIFT's multipliers by the rescale rule or by
 * RevealCancel; with one baseline it is DeepLIFT. (Lundberg and Lee 2017, arXiv:1705.07874; rules and papers in
 * deep_lift_rules.ts and reveal_cancel.ts.) At a layer, x and r are its values.
 * sum R = f(x) - mean f(r), which is checked: the gap is the map's error figure. shap.DeepExplainer and Captum lose it
 * at overlapping max-pool windows, where they assign what must be added.
 */
import { input } from '../../graph/leaves.ts';
import { sizeOf } from '../../graph/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { mul, sub } from '../../ops/binary.ts';
import { broadcastTo } from '../../ops/broadcast.ts';
import { choice, count, name } from '../../options.ts';
import { baselinesOption, readBaselines } from '../baselines.ts';
import { deepLiftRules } from '../deep_lift_rules.ts';
import { pairedGradient } from '../engines/rules.ts';
import { compileSum } from '../engines/sums.ts';
import { completeness } from '../errors.ts';
import { revealCancel } from '../reveal_cancel.ts';
import type { Score, ScoreGraph } from '../score.ts';
import { defineMethod } from '../types.ts';

type Contributions = (
  score: Score,
  sides: readonly [Tensor, Tensor],
  wrt: (graph: ScoreGraph) => Tensor,
) => { terms: Tensor; scores: readonly [Tensor, Tensor] };

const contributions: Readonly<Record<'rescale' | 'reveal-cancel', Contributions>> = {
  rescale(score, sides, wrt) {
    const { multipliers, at, scores } = pairedGradient('deep-shap', score, sides, deepLiftRules, wrt);
    return { terms: mul(multipliers, sub(...at)), scores };
  },
  'reveal-cancel'(score, sides, wrt) {
    const { contributions, scores } = revealCancel(score, sides, wrt);
    return { terms: contributions, scores };
  },
};

export const deepShap = defineMethod({
  summary: 'what each pixel adds to the score of a baseline, by differences instead of derivatives',
  options: {
    baselines: baselinesOption,
    rule: choice(
      ['rescale', 'reveal-cancel'],
      'rescale',
      'of functions that are not linear: by differences; or with what speaks for and against kept apart, four times the cost',
    ),
    layer: name('contributions of the units of this layer [K,h,w] in place of the pixels'),
    batch: count(2, 'baselines in one run'),
  },
  target: 'one',
  cost({ baselines, rule }, size) {
    const pairs = (baselines?.length ?? size) / size;
    return { forwards: pairs, gradients: pairs * (rule === 'rescale' ? 1 : 4.5) };
  },
  async compile(model, score, { rule, layer, batch: limit, ...options }, control) {
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
        const wrt = ({ graph }: ScoreGraph) => (layer === undefined ? graph.input : graph.map(layer).value);
        const { terms, scores } = contributions[rule](score, [x, r], wrt);
        const channelsFirst = layer === undefined ? (t: Tensor) => t : model.graph().map(layer).channelsFirst;
        return { terms: channelsFirst(terms), values: { score: scores[0], baseline: scores[1] } };
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
        return {
          map,
          shape: differences.shape,
          score: values.score[0]!,
          error: completeness(map, values.score[0]! - from),
        };
      },
      dispose: () => differences.dispose(),
    };
  },
});
