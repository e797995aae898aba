/** What a step costs: with only the head unfrozen hardly more than a forward pass; nothing grows with the steps. */
import { describe, expect, it } from 'vitest';
import { sgd } from '../../src/train/optimizers.ts';
import { TrainStep } from '../../src/train/step.ts';
import { testEngine } from '../support/engine.ts';
import { embeddedModel } from '../support/golden.ts';
import { tinyBatch, tinyModel } from '../support/tiny.ts';

describe('a step with only the head unfrozen', () => {
  it('is at most 1.03 forward passes, with no gradient below the head', async () => {
    using model = (await embeddedModel(await testEngine())).freeze().unfreeze('fc');
    const { logits } = model.graph({ batch: 8 });
    const forward = await model.engine.compile({ outputs: { logits } });
    const step = await TrainStep.create(model, { optimizer: sgd({ lr: 0.1, momentum: 0.9 }), batch: 8 });
    const { flops, dispatches } = step.program.stats;
    expect(flops / forward.stats.flops).toBeLessThan(1.03);
    // The loss and its gradient, the head's weight and bias, one update of each and the guard before them.
    expect(dispatches['weight-gradient']).toBeLessThanOrEqual(4);
    expect(dispatches['input-gradient']).toBeLessThanOrEqual(12);
    expect(dispatches.update).toBeLessThanOrEqual(3);
    expect([...step.program.plan.updated].map((v) => v.name).filter((n) => !n.startsWith('fc.'))).toEqual([]);
    const kinds = Object.keys(step.program.stats.ops);
    expect(kinds.filter((op) => /conv2d_.*grad|batch_norm_sums|max_pool2d_grad/.test(op))).toEqual([]);
    forward.dispose();
    step.dispose();
  });

  it('a thousand times: buffers and bytes stay, frozen parameters keep their bits', async () => {
    using model = (await tinyModel()).unfreeze('fc');
    const before = await model.state();
    const step = await TrainStep.create(model, {
      ...{ optimizer: sgd({ lr: 1e-3, momentum: 0.9 }), batch: 4, splitFrozen: true },
    });
    const { pictures, targets } = tinyBatch([0, 1, 2, 3]);
    const inputs = step.frozen!.feeds(await step.frozen!.run({ [model.inputName]: pictures }));
    const run = async (steps: number) => {
      for (let k = 0; k < steps; k++) await step.runOn([{ inputs, targets }]);
      return { ...model.engine.memory };
    };
    const early = await run(10);
    expect(await run(990)).toEqual(early);
    for (const [name, value] of await model.state()) {
      if (name.startsWith('fc.')) expect(value).not.toEqual(before.get(name));
      else expect(value).toEqual(before.get(name));
    }
    step.dispose();
  });
});
