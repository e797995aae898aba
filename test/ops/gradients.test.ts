/** Every op with a gradient against central differences of its own forward pass: odd shapes, strides, pads. */
import { describe, it } from 'vitest';
import { constant } from '../../src/graph/leaves.ts';
import type { Shape } from '../../src/graph/shape.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import * as ops from '../../src/ops/index.ts';
import { testEngine } from '../support/engine.ts';
import { gradcheck, type GradCheck } from '../support/gradcheck.ts';

type Case = [name: string, shapes: Shape[], f: (...x: Tensor[]) => Tensor, more?: Partial<GradCheck>];

const rolled = constant(Int32Array.of(2, -1), [2]);

/** The casts say what each case's list of shapes says already: how many inputs there are. */
type Unary = (x: Tensor) => Tensor;
const one = (f: Unary): Case[2] => f as Case[2];

const shapes: Case[] = [
  ['shift2d', [[1, 2, 5, 4]], one((x) => ops.square(ops.shift2d(x, rolled)))],
  ['resize bilinear up', [[1, 2, 3, 5]], one((x) => ops.square(ops.resize(x, [7, 6])))],
  ['resize antialiased', [[1, 3, 9, 7]], one((x) => ops.square(ops.resize(x, [4, 3], { antialias: true })))],
  ['resize aligned', [[1, 1, 4, 3]], one((x) => ops.square(ops.resize(x, [6, 5], { alignCorners: true })))],
];

const normalised: Case[] = [
  [
    'batch norm, given statistics',
    [[2, 3, 4, 3], [3], [3]],
    (x, weight, bias) => {
      const [mean, variance] = [constant([0.1, -0.2, 0.3]), constant([0.5, 1, 2])];
      return ops.square(ops.batchNorm(x!, { weight: weight!, bias: bias!, mean, variance }));
    },
  ],
  ['batch norm of the batch', [[3, 4, 3, 2], [4], [4]], (x, w, b) => ops.square(ops.batchNormTrain(x!, w!, b!).y)],
  ['batch norm of rows', [[7, 3], [3], [3]], (x, w, b) => ops.square(ops.batchNormTrain(x!, w!, b!).y)],
];

const joins: Case[] = [
  [
    'a residual diamond through convolutions',
    [
      [1, 4, 5, 5],
      [4, 4, 3, 3],
      [4, 4, 1, 1],
    ],
    (x, w, v) => {
      const y = ops.tanh(ops.conv2d(x!, w!, undefined, { pads: [1, 1, 1, 1] }));
      return ops.tanh(ops.add(ops.conv2d(y, v!), ops.add(y, x!)));
    },
  ],
];

describe.each([
  ['shapes', shapes],
  ['batch norm', normalised],
  ['joins', joins],
] as const)('%s', (_, cases) => {
  it.each(cases)('%s', async (_name, inputShapes, f, more) => {
    await gradcheck(await testEngine(), { shapes: inputShapes, f, probes: 12, ...more });
  });
});
