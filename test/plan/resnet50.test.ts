/** What ResNet-50's programs cost, counted on their plans: memory, work, dispatches. Nothing runs. */
import { beforeAll, describe, expect, it } from 'vitest';
import { grad } from '../../src/autograd/grad.ts';
import { input } from '../../src/graph/leaves.ts';
import type { Model } from '../../src/model/model.ts';
import * as ops from '../../src/ops/index.ts';
import type { ProgramStats } from '../../src/plan/plan.ts';
import { SETTINGS, sgd } from '../../src/train/optimizers.ts';
import { planned, resnet50 } from '../support/planned.ts';

let model: Model;

beforeAll(() => {
  model = resnet50();
});

const inference = (batch: number): ProgramStats => planned({ outputs: { y: model.graph({ batch }).logits } }).stats;

function saliency(batch: number): ProgramStats {
  const x = input('x', [batch, 3, 224, 224]);
  const { logits } = model.graph({ input: x });
  return planned({ outputs: { dx: grad(ops.sum(ops.slice(logits, [0, 5], [batch, 1])), [x])[0]! } }).stats;
}

function step(batch: number, unfrozen: readonly string[], batchNorm: 'eval' | 'train' = 'eval'): ProgramStats {
  model.freeze().unfreeze(...unfrozen).batchNorm(batchNorm); // prettier-ignore
  const { logits, updates } = model.graph({ batch, training: true });
  const loss = ops.crossEntropy(logits, input('target', [batch], 'i32'));
  const [parameters, settings] = [model.trainable(), input('settings', [SETTINGS])];
  const gradients = grad(loss, parameters.map((p) => p.tensor)); // prettier-ignore
  const optimizer = sgd({ lr: 0.1, momentum: 0.9 });
  const moved = parameters.map((p, i) => optimizer.slot(p).update(gradients[i]!, settings));
  return planned({ outputs: { loss }, updates: [...moved, ...updates], updateIf: loss }).stats;
}

describe('planned memory is within a tenth of the least that any plan can do with', () => {
  it.each<[string, () => ProgramStats]>([
    ['inference', () => inference(1)],
    ['inference of four', () => inference(4)],
    ['saliency', () => saliency(1)],
    ['saliency of four', () => saliency(4)],
    ['a step of the head', () => step(1, ['fc'])],
    ['a step of the head, four pictures', () => step(4, ['fc'])],
    ['a step of layer4 and the head', () => step(4, ['layer4', 'fc'])],
    ['a step of everything', () => step(1, ['*'])],
    ['a step of everything by batch statistics', () => step(4, ['*'], 'train')],
  ])('%s', (_, stats) => {
    const { plannedBytes, lowerBoundBytes } = stats();
    expect(plannedBytes / lowerBoundBytes).toBeGreaterThanOrEqual(1);
    expect(plannedBytes / lowerBoundBytes).toBeLessThan(1.1);
  });
});

it('saliency of one picture takes at most 16 MB, and 2.2 forward passes', () => {
  const { plannedBytes, flops, dispatches } = saliency(1);
  expect(plannedBytes).toBeLessThan(16e6);
  expect(flops / inference(1).flops).toBeLessThan(2.2);
  expect(dispatches['weight-gradient']).toBe(0);
});

it('a step with only the head unfrozen is at most 1.03 forward passes', () => {
  const { flops, dispatches } = step(4, ['fc']);
  expect(flops / inference(4).flops).toBeLessThan(1.03);
  expect(dispatches['weight-gradient']).toBeLessThanOrEqual(2);
});

it('frozen BatchNorm is folded, forward and backward: a pass of its own nowhere', () => {
  const { dispatches, ops: nodes } = inference(1);
  // 53 convolutions with their BatchNorm, ReLU and residual, max-pool, average, head, and the picture's padding.
  expect(dispatches.forward).toBeLessThanOrEqual(60);
  expect(nodes['relu'] ?? 0).toBe(0);
  expect(nodes['batch_norm'] ?? nodes['batchNorm'] ?? 0).toBe(0);
});
