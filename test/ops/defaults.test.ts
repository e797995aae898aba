/** Ops called with as few arguments as they take give what PyTorch's functions of the same name give. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { constant } from '../../src/graph/leaves.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import * as ops from '../../src/ops/index.ts';
import { testEngine } from '../support/engine.ts';
import { compare, tolerance } from '../tolerance.ts';

interface Entry {
  shape: number[];
  data: number[];
}
const fixture = JSON.parse(readFileSync(new URL('../fixtures/ops/defaults.json', import.meta.url), 'utf8')) as {
  values: Record<string, Entry>;
  results: Record<string, Entry>;
};
const value = (name: string): Tensor => {
  const { shape, data } = fixture.values[name]!;
  return constant(name === 'target' ? Int32Array.from(data) : Float32Array.from(data), shape);
};
const [x, w, w2, line, rows, target] = ['x', 'w', 'w2', 'line', 'rows', 'target'].map(value) as Tensor[] as [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]; // prettier-ignore
const [mean, variance, weight, bias] = ['mean', 'var', 'scale', 'shift'].map(value) as [Tensor, Tensor, Tensor, Tensor]; // prettier-ignore

const calls: Record<string, () => Tensor> = {
  conv2d: () => ops.conv2d(x, w),
  'conv2d padding 1': () => ops.conv2d(x, w, undefined, { padding: 1 }),
  'conv2d stride 2': () => ops.conv2d(x, w, undefined, { stride: 2 }),
  'conv2d padding (2, 1), dilation 2': () => ops.conv2d(x, w, undefined, { padding: [2, 1], dilation: 2 }),
  'conv2d groups 2': () => ops.conv2d(x, w2, undefined, { groups: 2 }),
  'max_pool2d 3': () => ops.maxPool2d(x, { kernel: 3 }),
  'max_pool2d 3, padding 1': () => ops.maxPool2d(x, { kernel: 3, padding: 1 }),
  'avg_pool2d 2': () => ops.avgPool2d(x, { kernel: 2 }),
  'avg_pool2d (3, 2), padding 1': () => ops.avgPool2d(x, { kernel: [3, 2], padding: 1 }),
  'max_pool1d 2': () => ops.maxPool1d(line, { kernel: 2 }),
  'avg_pool1d 3, padding 1': () => ops.avgPool1d(line, { kernel: 3, padding: 1 }),
  batch_norm: () => ops.batchNorm(x, { mean, variance, weight, bias }),
  cross_entropy: () => ops.crossEntropy(rows, target),
  binary_cross_entropy_with_logits: () => ops.binaryCrossEntropyWithLogits(rows, ops.sigmoid(rows)),
  mse_loss: () => ops.meanSquaredError(rows, ops.gather(rows, [2, 1, 0])),
  elu: () => ops.elu(rows),
  leaky_relu: () => ops.leakyRelu(rows),
  gelu: () => ops.gelu(rows),
  selu: () => ops.selu(rows),
  hardsigmoid: () => ops.hardSigmoid(rows),
  hardswish: () => ops.hardSwish(rows),
  softplus: () => ops.softplus(rows),
  pad: () => ops.pad(rows, [0, 1], [0, 2]),
  var: () => ops.variance(rows),
  sum: () => ops.sum(rows),
  'interpolate bilinear': () => ops.resize(x, [9, 4]),
  'interpolate nearest': () => ops.resize(x, [9, 4], { mode: 'nearest' }),
  'interpolate bicubic': () => ops.resize(x, [9, 4], { mode: 'cubic' }),
};

describe('the defaults of', () => {
  it.each(Object.entries(fixture.results))('%s', async (name, { shape, data }) => {
    const y = calls[name]!();
    expect(y.shape).toEqual(shape);
    const out = await (await testEngine()).evaluate({ y });
    expect(compare(out.y, data).maxRel).toBeLessThan(tolerance.op);
  });
});
