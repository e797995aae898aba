/** Model: names, freezing, heads, BatchNorm modes; pruning counted on ResNet-50's real graph. */
import { describe, expect, it } from 'vitest';
import { grad } from '../../src/autograd/grad.ts';
import type { Engine } from '../../src/engine.ts';
import { input } from '../../src/graph/leaves.ts';
import { topologicalOrder, type Node } from '../../src/graph/tensor.ts';
import { Model } from '../../src/model/model.ts';
import { resnetGraph } from '../../scripts/resnet.ts';
import { encodeOnnx } from '../../src/onnx/export.ts';
import { importOnnx, OnnxNetwork } from '../../src/onnx/network.ts';
import { crossEntropy } from '../../src/ops/losses.ts';
import { sum } from '../../src/ops/reduce.ts';
import { inMemory } from '../../src/train/dataset.ts';
import { evaluate } from '../../src/train/evaluate.ts';
import type { WgradError } from '../../src/errors.ts';
import { fit } from '../../src/train/fit.ts';
import { adamw, sgd } from '../../src/train/optimizers.ts';
import { TrainStep } from '../../src/train/step.ts';
import { testEngine } from '../support/engine.ts';
import { spread } from '../support/gradcheck.ts';

const tiny = {
  widths: [4, 4, 8, 8],
  blocks: [1, 1, 1, 1],
  strides: [1, 2, 2, 1],
  stem: 8,
  side: 32,
  classes: ['a', 'b', 'c', 'd', 'e'],
  mean: [0.5, 0.5, 0.5],
  std: [0.25, 0.25, 0.25],
  seed: 3,
};

const tinyModel = async (engine: Engine) => new Model(engine, await importOnnx(encodeOnnx(resnetGraph(tiny))));

/** The structure of ResNet-50; graphs are built and counted, never run. */
function resnet50(engine: Engine): Model {
  const classes = Array.from({ length: 20 }, (_, i) => `c${i}`);
  const shape = { widths: [64, 128, 256, 512], blocks: [3, 4, 6, 3], strides: [1, 2, 2, 2], stem: 64, side: 64 };
  return new Model(engine, new OnnxNetwork(resnetGraph({ ...tiny, ...shape, classes })));
}

/** Names of the nodes that the gradient of the loss adds, by op. */
function gradientNodes(model: Model): (op: string) => Node[] {
  const graph = model.graph({ training: true });
  const loss = crossEntropy(graph.logits, input('target', [1], 'i32'));
  const forward = new Set(topologicalOrder([loss]));
  const gradients = grad(
    loss,
    model.trainable().map((p) => p.tensor),
  );
  const added = topologicalOrder(gradients).filter((n) => !forward.has(n));
  return (op) => added.filter((n) => n.op.name === op);
}

const noise = (n: number, seed: number) => spread(n, seed);

describe('pruning on the graph of ResNet-50', () => {
  it('has no convolution gradient at all for the head', async () => {
    const nodes = gradientNodes(
      resnet50(await testEngine())
        .freeze()
        .unfreeze('fc'),
    );
    expect(nodes('conv2d_input_grad')).toEqual([]);
    expect(nodes('conv2d_weight_grad')).toEqual([]);
    expect(nodes('matmul')).toHaveLength(1);
  });

  it('has none below layer4 when layer4 is unfrozen', async () => {
    const nodes = gradientNodes(
      resnet50(await testEngine())
        .freeze()
        .unfreeze('layer4', 'fc'),
    );
    const names = [...nodes('conv2d_input_grad'), ...nodes('conv2d_weight_grad')].map((n) => n.name);
    expect(names.every((name) => name!.includes('layer4'))).toBe(true);
    expect(nodes('conv2d_weight_grad')).toHaveLength(10);
    // layer4.0's conv1 and downsample read what layer3 gives: nothing asks for their input gradients.
    expect(nodes('conv2d_input_grad')).toHaveLength(8);
  });

  it('has no weight gradient for saliency, and 53 + 53 convolutions', async () => {
    const graph = resnet50(await testEngine()).graph();
    const order = topologicalOrder(grad(sum(graph.logits), [graph.input]));
    expect(order.filter((n) => n.role === 'weight-gradient')).toEqual([]);
    expect(order.filter((n) => n.op.name === 'conv2d')).toHaveLength(53);
    expect(order.filter((n) => n.op.name === 'conv2d_input_grad')).toHaveLength(53);
  });

  it('updates nothing but what is unfrozen', async () => {
    const model = resnet50(await testEngine())
      .freeze()
      .unfreeze('layer4.2.bn3.*', 'fc.bias');
    expect(model.trainable().map((p) => p.name)).toEqual(['layer4.2.bn3.weight', 'layer4.2.bn3.bias', 'fc.bias']);
  });
});

describe('Model', () => {
  it('refuses names that nothing has', async () => {
    const model = await tinyModel(await testEngine());
    expect(() => model.unfreeze('layer9')).toThrow(expect.objectContaining({ code: 'unknown-name' }));
    expect(() => model.parameter('fc.wait')).toThrow(expect.objectContaining({ code: 'unknown-name' }));
    expect(() => model.graph().value('layer9')).toThrow(expect.objectContaining({ code: 'unknown-name' }));
    await expect(TrainStep.create(model.freeze(), { optimizer: sgd({ lr: 1 }), batch: 2 })).rejects.toMatchObject({
      code: 'invalid-argument',
    });
    model.dispose();
  });

  it('leaves frozen parameters bit-identical, and moves the others', async () => {
    const engine = await testEngine();
    const model = (await tinyModel(engine)).freeze().unfreeze('layer4', 'fc').batchNorm('auto');
    const before = await model.state();
    const step = await TrainStep.create(model, { optimizer: adamw({ lr: 1e-2 }), batch: 3 });
    for (let i = 0; i < 3; i++) await step.run(noise(3 * 3 * 32 * 32, 5), Int32Array.of(0, 1, 2));
    step.dispose();
    const after = await model.state();
    for (const [name, value] of after) {
      const moves = name.startsWith('layer4') || name.startsWith('fc');
      const same = value.every((v, i) => Object.is(v, before.get(name)![i]));
      expect(same, name).toBe(!moves);
    }
    model.dispose();
  });

  it.each([sgd({ lr: 1e-2, momentum: 0.9 }), adamw({ lr: 1e-2 })])(
    'is as it was after a step whose loss is no number: parameters, statistics, moments ($name)',
    async (optimizer) => {
      const engine = await testEngine();
      const pictures = noise(2 * 3 * 32 * 32, 5);
      const spoilt = pictures.map((v, i) => (i === 7 ? NaN : v));
      const train = async (...batches: Float32Array[]) => {
        const model = (await tinyModel(engine)).unfreeze('*').batchNorm('train');
        const step = await TrainStep.create(model, { optimizer, batch: 2 });
        const losses: (number | string)[] = [];
        for (const batch of batches)
          await step.run(batch, Int32Array.of(0, 1)).then(
            ({ loss }) => losses.push(loss),
            (e: WgradError) => losses.push(e.code),
          );
        const moments = await Promise.all(step.state.map((v) => engine.read(v)));
        const left = { steps: step.steps, state: await model.state(), moments };
        step.dispose();
        model.dispose();
        return { losses, left };
      };
      const clean = await train(pictures, pictures);
      const broken = await train(pictures, spoilt, pictures);
      expect(broken.losses).toEqual([clean.losses[0], 'not-finite', clean.losses[1]]);
      expect(broken.left).toEqual(clean.left);
      expect([...clean.left.state.values()].every((v) => v.every(Number.isFinite))).toBe(true);
    },
  );

  it('replaces its head, learns a toy problem the same way twice, and saves it', async () => {
    const engine = await testEngine();
    const samples = Array.from({ length: 8 }, (_, i) => ({
      input: noise(3 * 32 * 32, i).map((v) => v + (i % 2 ? 0.7 : -0.7)),
      label: i % 2,
    }));
    const data = inMemory(samples, ['dark', 'light']);
    const train = async () => {
      const model = (await tinyModel(engine)).replaceHead('fc', { classes: data.classes, seed: 1 });
      model.freeze().unfreeze('layer4', 'fc');
      const losses: number[] = [];
      const optimizer = adamw({ lr: 2e-2 });
      for await (const e of fit(model, data, { optimizer, epochs: 20, batchSize: 4, seed: 2 }))
        if (e.type === 'step') losses.push(e.loss);
      return { model, losses };
    };
    const first = await train();
    const second = await train();
    expect(second.losses).toEqual(first.losses);
    expect(first.losses.at(-1)!, first.losses.join(' ')).toBeLessThan(0.5 * first.losses[0]!);
    const { accuracy, confusion } = await evaluate(first.model, data, { batchSize: 3 });
    expect(accuracy).toBe(1);
    expect(confusion).toEqual([
      [4, 0],
      [0, 4],
    ]);

    const saved = new Model(engine, await importOnnx(await first.model.saveOnnx()));
    expect(saved.labels).toEqual(['dark', 'light']);
    const [a, b] = [await first.model.run(samples[0]!.input), await saved.run(samples[0]!.input)];
    expect(b).toEqual(a);
    for (const m of [first.model, second.model, saved]) m.dispose();
  });

  it('keeps memory flat over many steps', async () => {
    const engine = await testEngine();
    const model = (await tinyModel(engine)).freeze().unfreeze('fc');
    const step = await TrainStep.create(model, { optimizer: sgd({ lr: 1e-3 }), batch: 2 });
    const pictures = noise(2 * 3 * 32 * 32, 1);
    await step.run(pictures, Int32Array.of(0, 1));
    const before = engine.memory;
    for (let i = 0; i < 50; i++) await step.run(pictures, Int32Array.of(0, 1));
    expect(engine.memory).toEqual(before);
    step.dispose();
    model.dispose();
  });

  it('stops at a signal, with the parameters of the last whole step', async () => {
    const model = (await tinyModel(await testEngine())).freeze().unfreeze('fc');
    const data = inMemory([{ input: noise(3 * 32 * 32, 1), label: 0 }], tiny.classes);
    const controller = new AbortController();
    const run = async () => {
      for await (const event of fit(model, data, {
        optimizer: sgd({ lr: 0.1 }),
        epochs: 100,
        signal: controller.signal,
      }))
        if (event.type === 'step' && event.step === 3) controller.abort();
    };
    await expect(run()).rejects.toMatchObject({ name: 'AbortError' });
    expect((await model.state()).get('fc.bias')!.every(Number.isFinite)).toBe(true);
    model.dispose();
  });
});
