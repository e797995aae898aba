/** SHAP on regions of the mini model and the embedded model, against float64; shap itself agrees with that to 1e-14. */
import { describe, expect, it } from 'vitest';
import { createExplainer, type Attribution } from '../../src/explain/index.ts';
import type { Model } from '../../src/model/model.ts';
import { classScore } from '../../src/explain/score.ts';
import { allCoalitions, Roll, rowOf, type Coalitions } from '../../src/explain/shapley/coalitions.ts';
import { compileGame, gameOptions, type Rule } from '../../src/explain/shapley/game.ts';
import { exactValues, kernelValues } from '../../src/explain/shapley/values.ts';
import { meanContributions, walkOrders } from '../../src/explain/shapley/walks.ts';
import { noError } from '../../src/explain/errors.ts';
import { readOptions } from '../../src/options.ts';
import { dataFolder } from '../support/data.ts';
import { testEngine } from '../support/engine.ts';
import { shapesModel, golden2, goldenModel, type Golden } from '../support/golden.ts';
import { report } from '../support/report.ts';
import { tolerance } from '../tolerance.ts';

const timeout = 20 * 60_000;

interface Case {
  name: string;
  model: Model;
  reference: Golden;
  x: Float32Array;
  labels: Int32Array;
  fill: Float32Array;
  players: number;
}

/** Scores of every class at the coalitions that the rule asks for, and its values: [classes][players]. */
async function play<C extends Coalitions>(
  { model, x, labels, fill }: Case,
  rule: Omit<Rule<C>, 'shares'> & { values: (scores: Float64Array, coalitions: C) => Float64Array },
) {
  // prettier-ignore
  const scores: Float64Array[] = [];
  const options = readOptions('game', gameOptions, { labels, fill });
  const game = await compileGame(
    'game',
    model,
    classScore(model, 'logit'),
    options,
    {},
    {
      coalitions: rule.coalitions,
      shares(of: Float64Array, coalitions: C) {
        scores.push(of);
        return { values: rule.values(of, coalitions), intercept: 0, error: noError('a test') };
      },
    },
  );
  const classes = Array.from({ length: model.classes }, (_, k) =>
    Float32Array.from({ length: model.classes }, (_, i) => Number(i === k)),
  );
  const results = await game.runEach!({ pixels: x, weights: classes[0]!, feeds: {} }, classes);
  game.dispose();
  return { scores, values: results.map(({ regions }) => regions!.values) };
}

describe.skipIf(!dataFolder)('SHAP on regions', () => {
  const check = report('SHAP on regions');
  const limit = { relL2: tolerance.miniGradient };

  it.each(['mini', 'shapes'])(
    '%s',
    async (name) => {
      const engine = await testEngine();
      const model = name === 'mini' ? await goldenModel(engine, 'mini-legacy') : await shapesModel(engine);
      const reference = golden2('shap');
      const x = reference.tensor(`${name}.input`);
      const labels = Int32Array.from(reference.tensor(`${name}.kernel.segments`));
      const colour = reference.tensor(`${name}.kernel.off_colour`);
      const fill = x.map((_, i) => colour[Math.floor(i / labels.length)]!);
      const players = labels.reduce((m, v) => Math.max(m, v + 1), 0);
      const game: Case = { name, model, reference, x, labels, fill, players };
      const { classes } = model;
      /** A reference [players, classes] class by class. */
      const byClass = (key: string) => {
        const stored = reference.tensor(`${name}.${key}`);
        return Array.from(
          { length: classes * players },
          (_, i) => stored[(i % players) * classes + Math.floor(i / players)]!,
        );
      };
      const flat = (values: readonly Float64Array[]) => values.flatMap((v) => Array.from(v));

      const exact = await play(game, { coalitions: allCoalitions, values: (s) => exactValues(s, players) });
      const outputs = reference.tensor(`${name}.kernel.all_outputs`);
      const rows = Array.from({ length: 2 ** players }, (_, set) => exact.scores.map((s) => s[rowOf(set, players)]!));
      check(`${name} all outputs`, rows.flat(), outputs, limit);
      check(`${name} exact`, flat(exact.values), byClass('kernel.exact'), limit);

      const masks = Uint8Array.from(reference.tensor(`${name}.kernel.wls_masks`));
      const roll = new Roll(players);
      for (let k = 0; k < masks.length; k += players) roll.add(masks.subarray(k, k + players));
      const weights = Float64Array.from([0, 0, ...reference.tensor(`${name}.kernel.wls_weights`)]);
      const coalitions = { ...roll.coalitions(), weights, drawnFrom: 2 };
      const kernel = await play(game, { coalitions: () => coalitions, values: (s, c) => kernelValues(s, c)! });
      check(`${name} kernel wls`, flat(kernel.values), byClass('kernel.wls'), limit);
      const path = await play(game, { coalitions: () => coalitions, values: (s, c) => kernelValues(s, c, 10)! });
      check(`${name} kernel, 10 by lars`, flat(path.values), byClass('kernel.default_l1'), limit);

      const stored = Array.from(reference.tensor(`${name}.permutation.orders`));
      const orders = Array.from({ length: stored.length / players }, (_, k) =>
        stored.slice(k * players, (k + 1) * players),
      );
      const walked = await play(game, {
        coalitions: (n) => walkOrders(n, orders),
        values: (s, c) => meanContributions(s, c).means,
      });
      check(`${name} permutation`, flat(walked.values), byClass('permutation.values'), limit);

      // The methods as they are called.
      const targets = Array.from({ length: classes }, (_, k) => k);
      for (const [options, bound] of [
        [{ method: 'exact-shap' }, tolerance.miniGradient],
        [{ method: 'kernel-shap' }, tolerance.miniGradient],
        [{ method: 'permutation-shap', permutations: 40 }, tolerance.sampledShapley],
        [{ method: 'sampling-shap', samples: 40 }, tolerance.sampledShapley],
      ] as const) {
        const explainer = await createExplainer(model, { ...options, labels, fill });
        const maps = await explainer.runEach(x, targets);
        explainer.dispose();
        check(`${name} ${options.method}`, flat(maps.map((m) => m.regions!.values)), byClass('kernel.exact'), { relL2: bound }); // prettier-ignore
      }
      model.dispose();
    },
    timeout,
  );

  it.each([
    ['mini', 'mean', 1],
    ['mini', 'blur', 10],
    ['shapes', 'mean', 1],
    ['shapes', 'blur', 10],
  ] as const)(
    '%s partition, %s',
    async (name, hide, batch) => {
      const engine = await testEngine();
      const model = name === 'mini' ? await goldenModel(engine, 'mini-legacy') : await shapesModel(engine);
      const reference = golden2('shap');
      const x = reference.tensor(`${name}.input`);
      const about = reference.values[`${name}.partition.${hide}`] as { max_evals: number; base: number[] };
      const targets = reference.values[`${name}.partition.outputs`] as number[];
      const options = { method: 'partition-shap', hide, blurSize: 16, maxEvals: about.max_evals, batch } as const;
      const explainer = await createExplainer(model, options);
      const maps: Attribution[] = await explainer.runEach(x, targets);
      explainer.dispose();
      const stored = reference.tensor(`${name}.partition.${hide}`);
      maps.forEach(({ map, error }, k) => {
        // [H,W,3,2]: summed over the channels.
        const expected = map.map((_, i) => [0, 1, 2].reduce((n, c) => n + stored[(i * 3 + c) * 2 + k]!, 0));
        check(`${name} partition ${hide} ${k}`, map, expected, limit);
        expect(error).toMatchObject({ kind: 'completeness' });
        if (error.kind === 'completeness') expect(error.relativeGap).toBeLessThan(1e-4);
      });
      model.dispose();
    },
    timeout,
  );
});
