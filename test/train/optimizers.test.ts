/** Twenty steps of each optimiser with groups, clipping, accumulation, averages, schedules and smoothing against PyTorch. */
import { describe, expect, it } from 'vitest';
import { optimizerOf, type optimizerTables } from '../../src/train/optimizers.ts';
import { factorAt, schedule } from '../../src/train/schedule.ts';
import { TrainStep } from '../../src/train/step.ts';
import { tinyBatch, tinyModel, tinySteps, tinyTensors, tinyTargets } from '../support/tiny.ts';
import { compare, tolerance } from '../tolerance.ts';

const STEPS = 20;
const BATCH = 4;

describe.each(Object.entries(tinySteps.cases))('twenty steps of %s', (name, recipe) => {
  it('give the losses, rates, parameters and statistics of PyTorch', async () => {
    using model = (await tinyModel()).unfreeze().batchNorm(recipe.bn ?? 'eval');
    const [kind, options] = recipe.optimizer as [keyof typeof optimizerTables, object];
    const optimizer = optimizerOf(kind, { ...options });
    const { groups, clipNorm, clipValue, decayOn, ema, labelSmoothing, accumulate = 1 } = recipe;
    const rate = schedule(...(recipe.schedule as [any, any]));
    const step = await TrainStep.create(model, {
      ...{ optimizer, batch: BATCH, groups, clipNorm, clipValue, decayOn, ema, labelSmoothing, accumulate },
    });
    const [losses, rates]: number[][] = [[], []];
    for (let k = 0; k < STEPS; k++) {
      const size = BATCH * accumulate;
      const rows = Array.from({ length: size }, (_, i) => (k * size + i) % tinyTargets.length);
      const { pictures, targets } = tinyBatch(rows);
      const lr = optimizer.lr * factorAt(rate, { step: k, steps: STEPS, perEpoch: 5, losses: [] });
      rates!.push(lr);
      losses!.push((await step.run(pictures, targets, lr)).loss);
    }
    expect(compare(rates!, recipe.rates).maxRel).toBeLessThan(1e-12);
    expect(compare(losses!, recipe.losses).maxRel).toBeLessThan(tolerance.tinySteps);
    const state = await model.state();
    const averages = await step.averaged(() => model.state());
    let compared = 0;
    for (const key of tinyTensors.names) {
      if (!key.startsWith(`${name}/`)) continue;
      const of = key.slice(name.length + 1);
      const found = of.startsWith('average.') ? averages.get(of.slice(8)) : state.get(of);
      expect(compare(found!, tinyTensors.floats(key).data).relL2, key).toBeLessThan(tolerance.tinySteps);
      compared++;
    }
    expect(compared).toBe(32 + (ema ? 20 : 0));
    step.dispose();
  });
});
