/** What of a model lives how long: runs end, later use is 'disposed', an abort is at once, programs and buffers do not pile up. */
import { describe, expect, it } from 'vitest';
import { resnetGraph } from '../../scripts/resnet.ts';
import { createExplainer, explain } from '../../src/explain/explainer.ts';
import { ascend } from '../../src/ascent/ascend.ts';
import { logit } from '../../src/ascent/index.ts';
import { Model } from '../../src/model/model.ts';
import { createEngine } from '../../src/node/index.ts';
import { encodeOnnx } from '../../src/onnx/export.ts';
import { importOnnx } from '../../src/onnx/network.ts';
import { mean } from '../../src/ops/reduce.ts';
import { inMemory, type Dataset } from '../../src/train/dataset.ts';
import { evaluate } from '../../src/train/evaluate.ts';
import { fit } from '../../src/train/fit.ts';
import { sgd } from '../../src/train/optimizers.ts';
import { TrainStep } from '../../src/train/step.ts';
import { tinyModel } from '../explain/tiny_network.ts';
import { testEngine } from '../support/engine.ts';
import { spread } from '../support/gradcheck.ts';

const bytes = encodeOnnx(
  resnetGraph({
    widths: [],
    blocks: [],
    strides: [],
    stem: 4,
    side: 8,
    classes: ['a', 'b', 'c'],
    mean: [0.5, 0.5, 0.5],
    std: [0.25, 0.25, 0.25],
    seed: 3,
  }),
);
const size = 3 * 8 * 8;
const picture = spread(size, 2);
const open = async (engine = testEngine()) => new Model(await engine, await importOnnx(bytes));

const disposed = { code: 'disposed' };
const aborted = { name: 'AbortError' };

describe('a model that is disposed of', () => {
  it('ends its runs and reads, refuses all else, and gives its memory back', async () => {
    const engine = await testEngine();
    const before = engine.memory;
    const model = await open();
    const parameter = model.parameter('fc.weight').variable;
    const untrained = await model.run(picture);
    await engine.write(parameter, parameter.initial.map((v) => v + 1) as Float32Array);
    const trained = await model.run(picture);
    expect(trained.logits).not.toEqual(untrained.logits);
    // One runs as it was compiled, one must be compiled first.
    const works = [model.run(picture), model.run(Float32Array.of(...picture, ...picture)), model.saveOnnx()] as const;
    model.dispose();
    model.dispose();
    for (const late of [
      () => model.run(picture),
      () => model.state(),
      () => model.saveOnnx(),
      () => model.classify(picture),
      () => TrainStep.create(model, { optimizer: sgd({ lr: 1 }), batch: 1 }),
      () => createExplainer(model, { method: 'gradient' }),
      async () => model.graph(),
      async () => model.replaceHead('fc', { classes: 2 }),
    ]) {
      await expect(late()).rejects.toMatchObject(disposed);
    }
    const [first, second, saved] = await Promise.all(works);
    expect(first.logits).toEqual(trained.logits);
    expect(second.logits.subarray(0, 3)).toEqual(trained.logits);
    await expect.poll(() => engine.memory).toEqual(before);
    const again = new Model(engine, await importOnnx(saved));
    expect((await again.run(picture)).logits).toEqual(trained.logits);
    again.dispose();
  });
});

describe('a model', () => {
  it('copies the pictures of a run, also while its program compiles', async () => {
    const model = await open();
    const buffer = picture.slice();
    const run = model.run(buffer);
    buffer.fill(NaN);
    expect((await run).logits).toEqual((await model.run(picture)).logits);
    model.dispose();
  });

  it('keeps the programs of four shapes', async () => {
    const engine = await testEngine();
    const model = tinyModel(engine, { picture: [3, 2, 2], build: (x) => ({ logits: mean(x, [2, 3]) }) });
    const memory: number[] = [];
    for (const batch of [1, 2, 3, 4, 5, 6]) {
      await model.run(new Float32Array(batch * 12));
      memory.push(engine.memory.buffers);
    }
    expect(memory[3]).toBeGreaterThan(memory[2]!);
    expect(memory.slice(3)).toEqual(Array(3).fill(memory[3]));
    expect((await model.run(new Float32Array(12).fill(2))).logits).toEqual(Float32Array.of(2, 2, 2));
    model.dispose();
  });

  it('has explainers that know their head', async () => {
    const model = await open();
    const explainer = await createExplainer(model, { method: 'gradient' });
    const buffer = picture.slice();
    const run = explainer.run(buffer, { target: 1 });
    buffer.fill(0);
    expect((await run).map).toEqual((await explainer.run(picture, { target: 1 })).map);
    model.replaceHead('fc', { classes: 2 });
    await expect(explainer.run(picture, { target: 1 })).rejects.toMatchObject({
      ...disposed,
      message: expect.stringContaining('former head'),
    });
    explainer.dispose();
    model.dispose();
  });

  it('says so where its head is replaced while it is saved', async () => {
    const model = await open();
    await model.run(picture);
    const saving = model.saveOnnx();
    model.replaceHead('fc', { classes: 2 });
    await expect(saving).rejects.toMatchObject({ code: 'invalid-argument' });
    expect((await model.saveOnnx()).length).toBeGreaterThan(0);
    model.dispose();
  });
});

const dataset = (classes = ['a', 'b', 'c']): Dataset =>
  inMemory(
    Array.from({ length: 6 }, (_, i) => ({ input: spread(size, i + 1), label: i % 3 })),
    classes,
  );

describe('an abort', () => {
  it('stops whatever takes a signal at once, and leaves nothing', async () => {
    const engine = await testEngine();
    const model = await open();
    model.freeze().unfreeze('fc');
    await model.run(picture);
    const explainer = await createExplainer(model, { method: 'gradient' });
    const before = engine.memory;
    const { queue } = engine.gpuDevice;
    const submit = queue.submit.bind(queue);
    let submitted = 0;
    queue.submit = (list) => {
      submitted++;
      return submit(list);
    };
    // Some are done within a turn of the event loop; the last two compile first.
    const works: [after: number, work: (signal: AbortSignal) => Promise<unknown>][] = [
      [0, (signal) => model.run(picture, { signal })],
      [0, (signal) => model.saveOnnx({ signal })],
      [0, (signal) => explain(model, picture, { method: 'gradient', target: 0, signal })],
      [0, (signal) => explain(model, picture, { method: 'rise', target: 0, signal })],
      [0, (signal) => explainer.run(picture, { signal })],
      [0, (signal) => ascend(model, { objective: logit('a'), steps: 50, signal }).next()],
      [1, (signal) => evaluate(model, dataset(), { signal, batchSize: 5 })],
      [
        1,
        async (signal) => {
          const steps = fit(model, dataset(), { optimizer: sgd({ lr: 0.1, momentum: 0.9 }), epochs: 50, signal });
          for await (const event of steps) expect(event.type).not.toBe('end');
        },
      ],
    ];
    for (const [after, work] of works) {
      const control = new AbortController();
      const result = work(control.signal);
      if (after === 0) control.abort();
      else setTimeout(() => control.abort(), after);
      const atAbort = await new Promise<number>((done) => {
        control.signal.addEventListener('abort', () => done(submitted));
        if (control.signal.aborted) done(submitted);
      });
      await expect(result).rejects.toMatchObject(aborted);
      // What was about to be handed over, and nothing of what would have come after it.
      expect(submitted - atAbort).toBeLessThanOrEqual(2);
      await expect(work(control.signal)).rejects.toMatchObject(aborted);
    }
    queue.submit = submit;
    await expect.poll(() => engine.memory).toEqual(before);
    expect((await model.run(picture)).logits.every(Number.isFinite)).toBe(true);
    explainer.dispose();
    model.dispose();
  });
});

describe('training', () => {
  it('that cannot make its evaluator leaves nothing', async () => {
    const engine = await testEngine();
    const model = await open();
    await model.run(picture);
    const before = engine.memory;
    const compile = engine.compile.bind(engine);
    let made = 0;
    engine.compile = ((...args: Parameters<typeof compile>) => {
      if (++made === 2) throw new Error('no evaluator');
      return compile(...args);
    }) as typeof engine.compile;
    const optimizer = sgd({ lr: 0.1, momentum: 0.9 });
    const training = fit(model.unfreeze(), dataset(), { optimizer, epochs: 1, validation: dataset() }).next();
    await expect(training).rejects.toThrow('no evaluator');
    Reflect.deleteProperty(engine, 'compile');
    expect(made).toBe(2);
    await expect.poll(() => engine.memory).toEqual(before);
    model.dispose();
  });

  it('names what is not finite, and leaves the model as it was', async () => {
    const model = await open();
    const { engine } = model;
    model.freeze().unfreeze('fc');
    const huge = picture.map((v) => v * 1e38) as Float32Array;
    const step = await TrainStep.create(model, { optimizer: sgd({ lr: 1, momentum: 0.9 }), batch: 1 });
    const before = await model.state();
    const failed = await step.run(huge, Int32Array.of(0)).catch((error: unknown) => error);
    expect(failed).toMatchObject({ code: 'not-finite', message: expect.stringContaining('training step 1: the ') });
    expect(await model.state()).toEqual(before);
    for (const moment of step.state) expect((await engine.read(moment)).every((v) => v === 0)).toBe(true);
    await step.run(picture, Int32Array.of(0));
    expect(step.steps).toBe(1);
    expect(await model.state()).not.toEqual(before);
    step.dispose();
    model.dispose();
  });
});

it('a lost device is device-lost, to runs and saves', async () => {
  const engine = await createEngine();
  const model = await open(Promise.resolve(engine));
  await model.run(picture);
  const works = [model.run(picture), model.saveOnnx(), model.run(new Float32Array(2 * size))];
  engine.gpuDevice.destroy();
  for (const work of works) await expect(work).rejects.toMatchObject({ code: 'device-lost' });
  await expect(model.saveOnnx()).rejects.toMatchObject({ code: 'device-lost' });
  model.dispose();
  await engine.dispose();
});
