/** Convolutions: values and gradients against PyTorch on both adapters, gradients by finite differences, refusals. */
import { describe, expect, it } from 'vitest';
import { constant } from '../../src/graph/leaves.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import * as ops from '../../src/ops/index.ts';
import { adapters } from '../support/adapters.ts';
import { testEngine } from '../support/engine.ts';
import { gradcheck, type GradCheck } from '../support/gradcheck.ts';
import { checkOracle, oracleCases } from '../support/oracle.ts';

type Options = Parameters<typeof ops.conv2d>[3];

const cases = oracleCases('linear').filter((entry) => entry.op === 'conv2d');

describe.each(adapters)('against PyTorch on %s', (_, engine) => {
  it.each(cases.map((c) => [c.name, c] as const))('%s', async (_name, entry) => {
    await checkOracle(engine, ([x, w, bias], args: Options) => ops.conv2d(x!, w!, bias, args), entry);
  });
});

const conv =
  (options: Options): GradCheck['f'] =>
  (x, w) =>
    ops.conv2d(x!, w!, undefined, options);

// prettier-ignore
const differences: [name: string, x: number[], w: number[], options: Options][] = [
  ['3x3 stride 1, odd channels', [2, 3, 6, 5], [5, 3, 3, 3], { pads: [1, 1, 1, 1] }],
  ['3x3 stride 2', [1, 4, 7, 8], [8, 4, 3, 3], { strides: [2, 2], pads: [1, 1, 1, 1] }],
  ['5x3 stride 3, asymmetric', [1, 2, 11, 9], [3, 2, 5, 3], { strides: [3, 3], pads: [2, 0, 1, 1] }],
  ['dilated', [1, 4, 9, 8], [4, 4, 3, 3], { dilations: [2, 3], pads: [2, 3, 2, 3] }],
  ['1x1 stride 2', [2, 8, 5, 5], [4, 8, 1, 1], { strides: [2, 2] }],
  ['two groups', [1, 6, 5, 5], [4, 3, 3, 3], { groups: 2, pads: [1, 1, 1, 1] }],
  ['depthwise stride 2', [1, 5, 7, 6], [5, 1, 3, 3], { groups: 5, strides: [2, 2], pads: [1, 1, 1, 1] }],
];

describe('finite differences', () => {
  it.each(differences)('%s', async (_, x, w, options) => {
    await gradcheck(await testEngine(), { shapes: [x, w], f: conv(options), probes: 12 });
  });

  it('of the bias', async () => {
    const f = (x: Tensor, w: Tensor, b: Tensor) => ops.conv2d(x, w, b);
    await gradcheck(await testEngine(), {
      shapes: [[1, 2, 4, 4], [3, 2, 2, 2], [3]],
      f: f as GradCheck['f'],
      probes: 12,
    });
  });

  it('of a residual diamond', async () => {
    const f: GradCheck['f'] = (x, w, v) => {
      const y = ops.tanh(ops.conv2d(x!, w!, undefined, { pads: [1, 1, 1, 1] }));
      return ops.tanh(ops.add(ops.conv2d(y, v!), ops.add(y, x!)));
    };
    const shapes = [[1, 4, 5, 5], [4, 4, 3, 3], [4, 4, 1, 1]]; // prettier-ignore
    await gradcheck(await testEngine(), { shapes, f, probes: 12 });
  });
});

describe('refusals', () => {
  const tensor = (...shape: number[]) => constant(new Float32Array(shape.reduce((a, b) => a * b, 1)), shape);
  const [x, w] = [tensor(1, 2, 4, 4), tensor(3, 2, 2, 2)];

  it.each([[[4]], [[1]], [[3, 1]]])('a bias of %j for three channels', (shape) => {
    expect(() => ops.conv2d(x, w, tensor(...shape))).toThrow(expect.objectContaining({ code: 'shape' }));
  });

  it.each([
    { stride: 0 },
    { stride: 1.5 },
    { dilation: [1, 0] },
    { groups: 0 },
    { padding: -1 },
    { padding: NaN },
  ] as Options[])('%j', (options) => {
    expect(() => ops.conv2d(x, w, undefined, options)).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
  });

  it.each([
    ['other channels', [1, 3, 4, 4], [3, 2, 2, 2]],
    ['a kernel larger than the picture', [1, 2, 2, 2], [3, 2, 3, 3]],
    ['rank 3', [2, 4, 4], [3, 2, 2, 2]],
  ])('%s', (_, a, b) => {
    expect(() => ops.conv2d(tensor(...a), tensor(...b))).toThrow(expect.objectContaining({ code: 'shape' }));
  });
});
