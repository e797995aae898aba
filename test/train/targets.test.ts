/** What pictures shall come to: several labels, values, weights of classes, balanced epochs, a teacher. */
import { describe, expect, it } from 'vitest';
import { Model } from '../../src/model/model.ts';
import { importOnnx } from '../../src/onnx/network.ts';
import { Random } from '../../src/random.ts';
import { inMemory, type Dataset, type Label } from '../../src/train/dataset.ts';
import { evaluate } from '../../src/train/evaluate.ts';
import type { EpochEvent, StartEvent } from '../../src/train/events.ts';
import { fit, type FitOptions } from '../../src/train/fit.ts';
import { labelReport } from '../../src/train/measures/index.ts';
import { adamw, sgd } from '../../src/train/optimizers.ts';
import { epochOrder, resolveWeights } from '../../src/train/sampling.ts';
import { subset } from '../../src/train/splits.ts';
import { testEngine } from '../support/engine.ts';
import { tinyClasses, tinyData, tinyModel, tinyOnnx, tinyPictures, tinyTargets } from '../support/tiny.ts';

const each = 3 * 16 * 16;
const labelled = (label: (i: number) => Label, targets: Dataset['targets'], length = 12): Dataset => ({
  ...inMemory(
    Array.from({ length }, (_, i) => ({ input: tinyPictures.slice(i * each, (i + 1) * each), label: label(i) })),
    tinyClasses,
  ),
  ...(targets && { targets }),
});

async function run(model: Model, data: Dataset, options: Partial<FitOptions> = {}) {
  const epochs: EpochEvent[] = [];
  let start: StartEvent | undefined;
  const all = { optimizer: sgd({ lr: 0.1, momentum: 0.9 }), epochs: 3, batchSize: 4, validation: data, ...options };
  for await (const event of fit(model, data, all)) {
    if (event.type === 'epoch') epochs.push(event);
    if (event.type === 'start') start = event;
  }
  return { start: start!, epochs, state: await model.state() };
}

const several = (i: number) => [['a', 'b'], [], ['c'], ['a', 'c']][i % 4]!;

describe('several labels a picture', () => {
  it('are learned with the sigmoid of each logit, judged each by itself, and the file says so', async () => {
    const network = await importOnnx(tinyOnnx, { labels: tinyClasses, scores: 'multi-label' });
    using model = new Model(await testEngine(), network).freeze().unfreeze('layer2', 'fc');
    const data = labelled((i) => [['a', 'b'], [], ['c', 'a']][tinyTargets[i]!]!, 'labels');
    const options = { optimizer: adamw({ lr: 0.03 }), epochs: 20, classWeights: 'balanced' } as const;
    const { epochs } = await run(model, data, options);
    const first = epochs[0]!.validation!;
    const { validation: last, loss } = epochs.at(-1)!;
    expect(loss).toBeLessThan(0.85 * epochs[0]!.loss);
    expect(last!.accuracy).toBeGreaterThan(first.accuracy);
    const report = labelReport({ ...last!, wanted: last!.wanted! });
    expect(report.accuracy).toBeCloseTo(last!.accuracy, 12);
    expect(report.perClass.map((c) => c.support)).toEqual([8, 4, 4]);
    // The first of each.
    expect([...last!.labels]).toEqual(Array.from(tinyTargets, (t) => [0, -1, 0][t]));
    const again = new Model(await testEngine(), await importOnnx(await model.saveOnnx()));
    expect(again.roles.scores?.kind).toBe('multi-label');
    expect((await evaluate(again, data)).loss).toBeCloseTo(last!.loss, 5);
    again.dispose();
  });

  it('labelReport counts', () => {
    const { perClass, accuracy, answers, macro } = labelReport({
      ...{ scores: [1, -1, 2, 3, -2, -1], wanted: [1, 0, 0, 1, 0, 1], classes: 2 },
    });
    expect(perClass).toEqual([
      { precision: 1 / 2, recall: 1, f1: 2 / 3, support: 1 },
      { precision: 1, recall: 1 / 2, f1: 2 / 3, support: 2 },
    ]);
    expect([accuracy, answers, macro.f1]).toEqual([1 / 3, 4 / 6, 2 / 3]);
  });

  it.each<[string, Label, RegExp]>([
    ['no list', 'a', /sample 1: a list of labels is needed, not string/],
    ['an unknown name', ['a', 'd'], /sample 1: there is no class 'd'/],
    ['a name twice', ['a', 'a'], /sample 1: the label a is there twice/],
    ['an index that is none', [3], /sample 1: the label 3 is no class/],
  ])('refuses %s before the first step', async (_, bad, message) => {
    using model = (await tinyModel()).unfreeze('fc');
    const data = labelled((i) => (i === 1 ? bad : ['a']), 'labels');
    await expect(run(model, data)).rejects.toThrow(message);
  });

  it.each<[string, Label, RegExp]>([
    ['a list', [1, 0, 0], /sample 1: a Float32Array of values is needed, not Array/],
    ['too few values', Float32Array.of(1, 0), /sample 1: 2 values for 3 classes/],
    ['NaN', Float32Array.of(1, NaN, 0), /sample 1: the value of class 1 is NaN/],
  ])('values: refuses %s', async (_, bad, message) => {
    using model = (await tinyModel()).unfreeze('fc');
    await expect(run(model, labelled((i) => (i === 1 ? bad : Float32Array.of(1, 0, 0)), 'values'))).rejects.toThrow(message); // prettier-ignore
  });
});

describe('values', () => {
  it('that are one class each train as the classes do; mse comes near any', async () => {
    using a = (await tinyModel()).unfreeze('fc');
    using b = (await tinyModel()).unfreeze('fc');
    const rows = labelled((i) => Float32Array.from({ length: 3 }, (_, c) => (c === tinyTargets[i] ? 1 : 0)), 'values');
    const [soft, hard] = [await run(a, rows), await run(b, tinyData())];
    for (const [name, values] of soft.state) values.forEach((v, i) => expect(v).toBeCloseTo(hard.state.get(name)![i]!, 4)); // prettier-ignore
    const aim = labelled((i) => Float32Array.of(i % 2, 0.5, -1), 'values');
    const { epochs } = await run(a, aim, { loss: 'mse', epochs: 8, optimizer: adamw({ lr: 0.05 }) });
    expect(epochs.at(-1)!.loss).toBeLessThan(0.3 * epochs[0]!.loss);
  });
});

describe('classes that differ in number', () => {
  const uneven = subset(
    tinyData(),
    [0, 1, 2, 3, 4, 5, 6, 7].filter((i) => tinyTargets[i] !== 1 || i < 2),
  );

  it('balanced epochs have each as often, no picture again before the others of its class', () => {
    const labels = [0, 0, 0, 0, 0, 0, 1, 1, 2];
    const order = epochOrder(9, 'balanced', labels, new Random(4));
    expect([0, 1, 2].map((c) => order.filter((i) => labels[i] === c).length)).toEqual([3, 3, 3]);
    expect(new Set(order.filter((i) => labels[i] === 0)).size).toBe(3);
    expect(order.filter((i) => i === 8)).toHaveLength(3);
    expect(epochOrder(9, 'balanced', labels, new Random(4))).toEqual(order);
    expect([...epochOrder(9, 'shuffle', [], new Random(4))].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('balanced weights are samples over classes times samples of the class; others as given', async () => {
    using model = await tinyModel();
    const labels = [0, 0, 0, 1];
    const data = labelled((i) => labels[i]!, undefined, 4);
    expect(await resolveWeights(model, data, 'balanced')).toEqual([4 / 6, 4 / 2, 1]);
    expect(await resolveWeights(model, labelled(several, 'labels', 4), 'balanced')).toEqual([1, 3, 1]);
    expect(await resolveWeights(model, data, { b: 3 })).toEqual([1, 3, 1]);
    expect(await resolveWeights(model, data, [1, 2, 0])).toEqual([1, 2, 0]);
    await expect(resolveWeights(model, data, { d: 3 })).rejects.toMatchObject({ code: 'unknown-name' });
    await expect(resolveWeights(model, data, { a: -1 })).rejects.toThrow(/a has the weight -1/);
    await expect(resolveWeights(model, data, [1, 2])).rejects.toThrow(/2 numbers/);
  });

  it('both are kept to by a training, with and without kept features', async () => {
    const options = { sampling: 'balanced', classWeights: 'balanced' } as const;
    const states = [];
    for (const cache of [{}, false] as const) {
      using model = (await tinyModel()).unfreeze('fc');
      states.push((await run(model, uneven, { ...options, cache })).state);
    }
    expect(states[0]).toEqual(states[1]);
    using plain = (await tinyModel()).unfreeze('fc');
    expect((await run(plain, uneven)).state.get('fc.weight')).not.toEqual(states[0]!.get('fc.weight'));
  });
});

describe('a teacher', () => {
  it('alone holds the model where it was; its logits are kept with the features', async () => {
    using model = (await tinyModel()).unfreeze('layer2', 'fc');
    const before = await model.state();
    const { state, start, epochs } = await run(model, tinyData(), { distill: { weight: 1 } });
    expect(epochs[0]!.loss).toBeLessThan(1e-5);
    for (const [name, values] of state) values.forEach((v, i) => expect(v).toBeCloseTo(before.get(name)![i]!, 4));
    expect(start.cache!.values).toHaveLength(2);
    expect(epochs.map((e) => e.computed)).toEqual([24, 0, 0]);
  });

  it('is the same one after a break, and with nothing kept', async () => {
    const checkpoints: Uint8Array[] = [];
    const options: Partial<FitOptions> = { distill: { weight: 0.6, temperature: 3 }, unfreeze: [{ epoch: 3, match: 'layer2' }], epochs: 4 }; // prettier-ignore
    const train = async (more: Partial<FitOptions>) => {
      using model = (await tinyModel()).unfreeze('fc');
      return (await run(model, tinyData(), { ...options, ...more })).state;
    };
    const whole = await train({ checkpoint: { write: (bytes) => void checkpoints.push(bytes) } });
    expect(await train({ cache: false })).toEqual(whole);
    expect(await train({ resume: checkpoints[2]! })).toEqual(whole);
  });
});

describe('an average of the parameters', () => {
  it('is what a training leaves that is stopped, and lends for a file between', async () => {
    const options = { ema: 0.9, epochs: 3, optimizer: sgd({ lr: 0.5 }), batchSize: 4 };
    const read = async (stop: boolean) => {
      using model = (await tinyModel()).unfreeze('fc');
      let lent: Float32Array | undefined;
      for await (const event of fit(model, tinyData(), stop ? options : { ...options, epochs: 1 })) {
        if (event.type !== 'epoch') continue;
        lent = await event.averaged(async () => (await model.state()).get('fc.weight')!);
        if (stop) break;
      }
      return { lent, left: (await model.state()).get('fc.weight')! };
    };
    const [stopped, ended] = [await read(true), await read(false)];
    expect(stopped.left).toEqual(stopped.lent);
    expect(stopped.left).toEqual(ended.left);
  });
});
