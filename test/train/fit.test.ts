/** The training loop: what it tells, and that its options reach the step. */
import { describe, expect, it } from 'vitest';
import type { EpochEvent, FitEvent, StepEvent } from '../../src/train/events.ts';
import { fit, type FitOptions } from '../../src/train/fit.ts';
import { confusionMatrix } from '../../src/train/measures/index.ts';
import { sgd } from '../../src/train/optimizers.ts';
import { schedule } from '../../src/train/schedule.ts';
import type { Dataset } from '../../src/train/dataset.ts';
import type { Model } from '../../src/model/model.ts';
import { tinyData, tinyModel } from '../support/tiny.ts';
import { compare, tolerance } from '../tolerance.ts';

const optimizer = sgd({ lr: 0.05, momentum: 0.9 });

async function trained(model: Model, data: Dataset, options: Partial<FitOptions> = {}): Promise<FitEvent[]> {
  const events: FitEvent[] = [];
  for await (const event of fit(model, data, { optimizer, epochs: 2, batchSize: 4, ...options })) events.push(event);
  return events;
}

const ofType = <T extends FitEvent['type']>(events: FitEvent[], type: T) =>
  events.filter((e): e is Extract<FitEvent, { type: T }> => e.type === type);

describe('fit', () => {
  it('tells its beginning, every step, and every epoch with its evaluation', async () => {
    using model = (await tinyModel()).unfreeze('fc', 'layer2');
    const validation = tinyData(5);
    const events = await trained(model, tinyData(), { validation, schedule: schedule('step', { every: 1 }) });
    expect(events.map((e) => e.type).join(' ')).toBe('start step step step epoch step step step epoch');
    expect(events[0]).toMatchObject({ epochs: 2, perEpoch: 3, steps: 6, pictures: 12, left: 0 });
    const steps = ofType(events, 'step');
    expect(steps.map((s) => [s.epoch, s.step, s.pictures])).toEqual([[1, 1, 4], [1, 2, 4], [1, 3, 4], [2, 4, 4], [2, 5, 4], [2, 6, 4]]); // prettier-ignore
    expect(steps.map((s) => s.lr).map((lr) => lr / 0.05)).toEqual([1, 1, 1, 0.1, 0.1, 0.1].map((f) => expect.closeTo(f, 9))); // prettier-ignore
    const [first] = ofType(events, 'epoch') as [EpochEvent];
    expect(first.loss).toBeCloseTo((steps[0]!.loss + steps[1]!.loss + steps[2]!.loss) / 3, 6);
    const held = first.validation!;
    expect([held.scores.length, held.labels.length, held.classes]).toEqual([15, 5, 3]);
    expect(confusionMatrix(held)).toEqual(held.confusion);
  });

  it('gives the gradients of a step on request, and they change nothing', async () => {
    const [runs, between]: Map<string, Float32Array>[][] = [[], []];
    for (const ask of [true, false]) {
      using model = (await tinyModel()).unfreeze('fc', 'layer2');
      for await (const event of fit(model, tinyData(4), { optimizer: sgd({ lr: 0.1 }), epochs: 2, batchSize: 4 })) {
        if (event.type !== 'step' || event.step !== 1) continue;
        between!.push(await model.state());
        if (!ask) continue;
        const gradients = await event.gradients();
        expect([...gradients.keys()].sort()).toEqual(model.trainable().map((v) => v.name).sort()); // prettier-ignore
        runs!.push(gradients);
      }
      runs!.push(await model.state());
    }
    const [gradients, asked, plain] = runs as [
      Map<string, Float32Array>,
      Map<string, Float32Array>,
      Map<string, Float32Array>,
    ];
    expect(asked).toEqual(plain);
    // One batch holds all pictures: the next step goes against this gradient.
    const moved = plain.get('fc.weight')!.map((v, i) => between![0]!.get('fc.weight')![i]! - v);
    const expected = gradients.get('fc.weight')!.map((g) => 0.1 * g);
    expect(compare(moved, expected).relL2).toBeLessThan(tolerance.miniGradient);
  });

  it('trains on what a batch leaves over, each picture with the same weight', async () => {
    const states: Map<string, Float32Array>[] = [];
    for (const [batchSize, accumulate] of [
      [5, 1],
      [3, 2],
      [2, 3],
    ] as const) {
      // prettier-ignore
      using model = (await tinyModel()).unfreeze('fc');
      const events = await trained(model, tinyData(5), { batchSize, accumulate, optimizer: sgd({ lr: 0.3 }) });
      expect(events[0]).toMatchObject({ perEpoch: 1, pictures: 5, left: 0 });
      expect(ofType(events, 'step')[0]).toMatchObject({ pictures: 5 });
      states.push(await model.state());
    }
    for (const state of states) {
      expect(compare(state.get('fc.weight')!, states[0]!.get('fc.weight')!).maxRel).toBeLessThan(tolerance.op);
    }
  });

  it('leaves over what makes no whole batch where BatchNorm uses its statistics, and says so', async () => {
    using model = (await tinyModel()).unfreeze('layer2', 'fc').batchNorm('auto');
    const events = await trained(model, tinyData(), { batchSize: 5 });
    expect(events[0]).toMatchObject({ perEpoch: 2, pictures: 10, left: 2 });
    expect(ofType(events, 'step').map((s: StepEvent) => s.pictures)).toEqual([5, 5, 5, 5]);
  });

  it('hands its options to the step: groups, clipping, accumulation, an average that is left in the model', async () => {
    using model = (await tinyModel()).unfreeze('layer2', 'fc');
    const before = await model.state();
    const events = await trained(model, tinyData(), {
      ...{ groups: [{ match: 'layer2', lr: 0 }], clipNorm: 1e-3, accumulate: 3, ema: 0.5, epochs: 1 },
    });
    expect(events[0]).toMatchObject({ perEpoch: 1, pictures: 12 });
    const after = await model.state();
    expect(after.get('layer2.0.conv1.weight')).toEqual(before.get('layer2.0.conv1.weight'));
    const moved = ['fc.weight', 'fc.bias'].flatMap((n) => [...after.get(n)!.map((v, i) => v - before.get(n)![i]!)]);
    expect(Math.hypot(...moved)).toBeGreaterThan(0);
    expect(Math.hypot(...moved)).toBeLessThan(0.05 * 1.01e-3);
  });

  it('is the same for the same seed, and another for another', async () => {
    const finals: Float32Array[] = [];
    for (const seed of [1, 1, 2]) {
      using model = (await tinyModel()).unfreeze('fc');
      await trained(model, tinyData(), { seed });
      finals.push((await model.state()).get('fc.weight')!);
    }
    expect(finals[0]).toEqual(finals[1]);
    expect(finals[0]).not.toEqual(finals[2]);
  });
});
