/** How many pipelines a network needs: kernels read their sizes from buffers, so that shapes make few. Nothing runs. */
import { expect, it } from 'vitest';
import { resnetGraph } from '../../scripts/resnet.ts';
import { grad } from '../../src/autograd/grad.ts';
import type { Engine } from '../../src/engine.ts';
import { input } from '../../src/graph/leaves.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { Model } from '../../src/model/model.ts';
import { OnnxNetwork } from '../../src/onnx/network.ts';
import * as ops from '../../src/ops/index.ts';
import { SETTINGS, sgd } from '../../src/train/optimizers.ts';
import { testEngine } from '../support/engine.ts';

/** Blocks, strides and ratios of ResNet-50, an eighth as wide. */
const shape = { widths: [8, 16, 32, 64], blocks: [3, 4, 6, 3], strides: [1, 2, 2, 2], stem: 8, side: 64 };

/** Different modules, by kernel. */
function modulesOf(engine: Engine, request: Parameters<Engine['prepare']>[0]): Record<string, number> {
  const program = engine.prepare(request);
  // Only its plan is looked at.
  program.compiled.catch(() => undefined);
  program.dispose();
  const { steps, prologue } = program.plan;
  const codes = new Map<string, Set<string>>();
  for (const { kernel, code } of [...prologue, ...steps]) {
    codes.set(kernel.name, (codes.get(kernel.name) ?? new Set()).add(code));
  }
  return Object.fromEntries([...codes].map(([name, set]) => [name, set.size]));
}

it('a training step of a ResNet-50, all of it unfrozen', async () => {
  const engine = await testEngine();
  const graph = resnetGraph({ ...shape, classes: ['a', 'b', 'c'], mean: [0, 0, 0], std: [1, 1, 1], seed: 0 });
  const model = new Model(engine, new OnnxNetwork(graph));
  model.unfreeze('*').batchNorm('train');
  const built = model.graph({ batch: 4, training: true });
  const loss = ops.crossEntropy(built.logits, input('target', [4], 'i32'));
  const parameters = model.trainable();
  const settings = input('settings', [SETTINGS]);
  const gradients = grad(loss, parameters.map((p) => p.tensor)); // prettier-ignore
  const optimizer = sgd({ lr: 0.1, momentum: 0.9 });
  const updates = parameters.map((p, i) => optimizer.slot(p).update(gradients[i]!, settings));
  const modules = modulesOf(engine, { outputs: { loss }, updates: [...updates, ...built.updates] });
  expect(modules['copy_strided'], JSON.stringify(modules)).toBeLessThanOrEqual(6);
  expect(modules['reduce'], JSON.stringify(modules)).toBeLessThanOrEqual(2);
  expect(modules['softmax']).toBe(1);
  expect(modules['sgd']).toBe(1);
  const batchNorm = Object.entries(modules).filter(([name]) => name.startsWith('batch_norm'));
  expect(
    batchNorm.map(([, count]) => count),
    JSON.stringify(modules),
  ).toEqual(batchNorm.map(() => 1));
  expect(batchNorm.length).toBe(7);
  const all = Object.values(modules).reduce((a, b) => a + b);
  expect(all, JSON.stringify(modules)).toBeLessThanOrEqual(50);
});

it('pooling, reductions and copies of twenty shapes', async () => {
  const outputs: Record<string, Tensor> = {};
  for (let i = 0; i < 20; i++) {
    const x = input(`x${i}`, [1 + (i % 3), 4 + 4 * (i % 5), 9 + i, 8 + 2 * i]);
    const parts = [
      ops.maxPool2d(x, { kernel: 2 + (i % 2), stride: 2, padding: 1 }),
      ops.avgPool2d(x, { kernel: 3, stride: 2, padding: i % 2, countIncludePad: i % 4 === 0 }),
      ops.pad(x, [0, 0, 1, i], [0, 0, 0, 1]),
      ops.pad(x, [0, 0, 2, 1], [0, 0, 0, 1], 0, 'reflect'),
    ];
    const total = parts.map((y) => ops.sum(ops.square(y), [1])).map((y) => ops.sum(y));
    outputs[`g${i}`] = grad(total.reduce((a, b) => ops.add(a, b)), [x])[0]!; // prettier-ignore
  }
  const modules = modulesOf(await testEngine(), { outputs });
  for (const kernel of ['max_pool', 'max_pool_grad', 'avg_pool', 'avg_pool_grad', 'gather', 'along_axis']) {
    expect(modules[kernel], JSON.stringify(modules)).toBe(1);
  }
  expect(modules['copy_strided']).toBeLessThanOrEqual(10);
});
