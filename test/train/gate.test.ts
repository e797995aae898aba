/** What is wrong with data or options is said before the first step, by the sample's name or index. */
import { beforeAll, describe, expect, it } from 'vitest';
import { resnetGraph } from '../../scripts/resnet.ts';
import { ascend, logit, type AscendOptions } from '../../src/ascent/index.ts';
import { explain } from '../../src/explain/index.ts';
import { Model } from '../../src/model/model.ts';
import { encodeOnnx } from '../../src/onnx/export.ts';
import { importOnnx } from '../../src/onnx/network.ts';
import { checkDataset, inMemory, loadBatch, type Dataset, type Sample } from '../../src/train/dataset.ts';
import { evaluate } from '../../src/train/evaluate.ts';
import { fit, type FitOptions } from '../../src/train/fit.ts';
import { adam, adamw, sgd } from '../../src/train/optimizers.ts';
import { TrainStep } from '../../src/train/step.ts';
import { testEngine } from '../support/engine.ts';

const shape = { widths: [4, 4, 4, 4], blocks: [1, 1, 1, 1], strides: [1, 2, 2, 1], stem: 4, side: 16, seed: 1 };
const classes = ['disc', 'ring'];
const size = 3 * 16 * 16;

describe('the gate for data', () => {
  let model: Model;
  let before: Map<string, Float32Array>;
  beforeAll(async () => {
    const graph = resnetGraph({ ...shape, classes, mean: [0, 0, 0], std: [1, 1, 1] });
    model = new Model(await testEngine(), await importOnnx(encodeOnnx(graph)));
    before = await model.state();
  });

  const picture = (fill = 0.5) => new Float32Array(size).fill(fill);
  const good = (): Sample[] => [0, 1, 0, 1].map((label) => ({ input: picture(label), label }));
  const optimizer = sgd({ lr: 0.1 });

  /** Runs to the end; the number of steps. */
  async function train(data: Dataset, options: Partial<FitOptions> = {}): Promise<number> {
    let steps = 0;
    for await (const event of fit(model, data, { optimizer, epochs: 1, batchSize: 2, ...options })) {
      if (event.type === 'step') steps++;
    }
    return steps;
  }

  const withBad = (bad: unknown) => inMemory([...good(), bad as Sample], classes);
  const changed = (i: number, v: number) => Object.assign(picture(), { [i]: v });

  it.each<[string, unknown, string, RegExp]>([
    ['too few values', { input: new Float32Array(360), label: 0 }, 'shape', /sample 4: 360 values.*768/],
    ['too many values', { input: new Float32Array(2 * size), label: 0 }, 'shape', /sample 4: 1536 values/],
    ['NaN', { input: changed(17, NaN), label: 0 }, 'not-finite', /sample 4: value 17 is NaN/],
    ['infinity', { input: changed(5, -Infinity), label: 0 }, 'not-finite', /sample 4: value 5 is -Infinity/],
    ['a list of numbers', { input: [1, 2, 3], label: 0 }, 'invalid-argument', /sample 4: a Float32Array.*Array/],
    ['doubles', { input: new Float64Array(size), label: 0 }, 'invalid-argument', /sample 4: .*Float64Array/],
    ['no picture', { label: 0 }, 'invalid-argument', /sample 4: .*undefined/],
    ['no sample', undefined, 'invalid-argument', /sample 4: the dataset gives none/],
    ['a label above the classes', { input: picture(), label: 7 }, 'invalid-argument', /sample 4: the label 7 .*0 to 1/],
    ['a label below 0', { input: picture(), label: -1 }, 'invalid-argument', /sample 4: the label -1/],
    ['the label of padding', { input: picture(), label: -100 }, 'invalid-argument', /sample 4: the label -100/],
    ['half a label', { input: picture(), label: 1.5 }, 'invalid-argument', /sample 4: the label 1.5/],
    ['NaN for a label', { input: picture(), label: NaN }, 'invalid-argument', /sample 4: the label NaN/],
    ['no label', { input: picture() }, 'invalid-argument', /sample 4: the label undefined/],
    ['an unknown name', { input: picture(), label: 'square' }, 'unknown-name', /sample 4: .*'square'.*disc, ring/],
    ['a file of a bad one', { input: new Float32Array(1), label: 0, name: 'a/b.png' }, 'shape', /^a\/b\.png: 1 values/],
  ])('refuses %s before the first step', async (_, bad, code, message) => {
    await expect(train(withBad(bad))).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    await expect(train(inMemory(good(), classes), { validation: withBad(bad) })).rejects.toMatchObject({ code });
    await expect(evaluate(model, withBad(bad))).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
    expect(await model.state()).toEqual(before);
  });

  it('takes names for labels', async () => {
    const named = good().map(({ input, label }) => ({ input, label: classes[label as number]! }));
    const load = (samples: Sample[]) => loadBatch(model, inMemory(samples, classes), [0, 1, 3], 4);
    expect(await load(named)).toEqual(await load(good()));
    expect([...(await load(named)).targets]).toEqual([0, 1, 1, -100]);
    const twins = inMemory(named, ['disc', 'ring', 'ring']);
    await expect(loadBatch(model, twins, [1], 1)).rejects.toThrow(/several classes are called 'ring'/);
  });

  it('refuses classes that the model has in another order, or too many, and no data', async () => {
    await expect(train(inMemory(good(), ['ring', 'disc']))).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringMatching(/class 0 is 'ring', which is the model's class 1/),
    });
    await expect(train(inMemory(good(), ['a', 'b', 'c']))).rejects.toThrow(/3 classes, but the model has 2 outputs/);
    await expect(train(inMemory([], classes))).rejects.toMatchObject({ code: 'dataset-empty' });
    await expect(evaluate(model, inMemory([], classes))).rejects.toMatchObject({ code: 'dataset-empty' });
    await expect(train({ ...inMemory(good(), classes), length: NaN })).rejects.toThrow(/length is NaN/);
  });

  it('reads every sample beforehand, unless the dataset did', async () => {
    for (const [checked, reads] of [
      [false, 4],
      [true, 0],
    ] as const) {
      let read = 0;
      const data: Dataset = { ...inMemory(good(), classes), checked, get: (i) => (read++, good()[i]!) };
      await checkDataset(model, data, 'fit');
      expect(read).toBe(reads);
    }
  });

  it.each<[string, object, RegExp]>([
    ['batchSize: 0', { batchSize: 0 }, /batchSize is 0/],
    ['batchSize: 1.5', { batchSize: 1.5 }, /batchSize is 1.5/],
    ['epochs: -1', { epochs: -1 }, /epochs is -1/],
    ['epochs: 0', { epochs: 0 }, /epochs is 0/],
    ['epochs: NaN', { epochs: NaN }, /epochs is NaN/],
    ['no epochs', { epochs: undefined }, /epochs is missing/],
    ['no optimizer', { optimizer: undefined }, /optimizer is missing/],
    ['labelSmoothing: 2', { labelSmoothing: 2 }, /labelSmoothing is 2/],
    ['an unknown schedule', { schedule: 'linear' }, /schedule is 'linear'/],
    ["an object's own names", { schedule: 'constructor' }, /schedule is 'constructor'/],
    ['a schedule of NaN', { schedule: () => NaN }, /learning rate NaN/],
    ['seed: NaN', { seed: NaN }, /seed is NaN/],
    ['a misspelt option', { batchsize: 2 }, /no option 'batchsize'/],
  ])('fit refuses %s', async (_, options, message) => {
    await expect(train(inMemory(good(), classes), options)).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringMatching(message),
    });
    expect(await model.state()).toEqual(before);
  });

  it('optimizers, steps and evaluations refuse what is no number for them', async () => {
    const bad: [() => unknown, RegExp][] = [
      [() => sgd({ lr: NaN }), /sgd: lr is NaN/],
      [() => sgd({ lr: -1 }), /sgd: lr is -1/],
      [() => sgd({} as never), /sgd: lr is missing/],
      [() => sgd({ lr: 1, momentum: 1 }), /momentum is 1/],
      [() => sgd({ lr: 1, nesterov: true }), /nesterov needs a momentum/],
      [() => sgd({ lr: 1, weightDecay: Infinity }), /weightDecay is Infinity/],
      [() => adam({ lr: '0.1' as never }), /adam: lr is '0.1'/],
      [() => adamw({ lr: 0.1, betas: [0.9, 1] }), /adamw: betas/],
      [() => adamw({ lr: 0.1, eps: -1 }), /eps is -1/],
    ];
    for (const [make, message] of bad) expect(make).toThrow(message);
    await expect(TrainStep.create(model, { optimizer, batch: 0 })).rejects.toThrow(/batch is 0/);
    await expect(evaluate(model, inMemory(good(), classes), { batchSize: 0 })).rejects.toThrow(/batchSize is 0/);
  });

  it('explain and ascend take the same gate', async () => {
    const maps = (values: Float32Array) => explain(model, values, { method: 'gradient' });
    const climbs = async (image: Float32Array) => ascend(model, { objective: logit(0), steps: 1, image }).next();
    for (const use of [maps, climbs]) {
      await expect(use(new Float32Array(360))).rejects.toMatchObject({ code: 'shape' });
      await expect(use(changed(1, NaN))).rejects.toThrow(/finite|NaN/);
    }
    const climb = async (options: object) => ascend(model, { objective: logit(0), ...options } as AscendOptions).next();
    for (const options of [
      { steps: -1 },
      { steps: 1.5 },
      { lr: NaN },
      { patience: 0 },
      { gain: Infinity },
      { seed: NaN },
      { step: 3 },
      { objective: 3 },
    ]) {
      await expect(climb(options), JSON.stringify(options)).rejects.toMatchObject({ code: 'invalid-argument' });
    }
  });
});
