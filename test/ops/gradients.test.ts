/** Every op with a gradient against central differences of its own forward pass: odd shapes, strides, pads. */
import { describe, it } from 'vitest';
import { constant } from '../../src/graph/leaves.ts';
import type { Shape } from '../../src/graph/shape.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import * as ops from '../../src/ops/index.ts';
import { testEngine } from '../support/engine.ts';
import { gradcheck, type GradCheck } from '../support/gradcheck.ts';

type Case = [name: string, shapes: Shape[], f: (...x: Tensor[]) => Tensor, more?: Partial<GradCheck>];

const conv =
  (attrs: Parameters<typeof ops.conv2d>[3]): Case[2] =>
  (x, w) =>
    ops.conv2d(x!, w!, undefined, attrs);
const rolled = constant(Int32Array.of(2, -1), [2]);

/** The casts say what each case's list of shapes says already: how many inputs there are. */
type Unary = (x: Tensor) => Tensor;
type Binary = (a: Tensor, b: Tensor) => Tensor;
const one = (f: Unary): Case[2] => f as Case[2];
const two = (f: Binary): Case[2] => f as Case[2];

const shapes: Case[] = [
  ['shift2d', [[1, 2, 5, 4]], one((x) => ops.square(ops.shift2d(x, rolled)))],
  ['resize bilinear up', [[1, 2, 3, 5]], one((x) => ops.square(ops.resize(x, [7, 6])))],
  ['resize antialiased', [[1, 3, 9, 7]], one((x) => ops.square(ops.resize(x, [4, 3], { antialias: true })))],
  ['resize aligned', [[1, 1, 4, 3]], one((x) => ops.square(ops.resize(x, [6, 5], { alignCorners: true })))],
];

const linear: Case[] = [
  [
    'matmul',
    [
      [5, 7],
      [7, 3],
    ],
    two((a, b) => ops.matmul(a, b)),
  ],
  [
    'matmul transposed',
    [
      [7, 5],
      [3, 7],
    ],
    two((a, b) => ops.matmul(a, b, { transposeA: true, transposeB: true })),
  ],
  [
    'matmul over a broadcast batch',
    [
      [2, 1, 3, 4],
      [3, 4, 2],
    ],
    two((a, b) => ops.matmul(a, b)),
  ],
  [
    'conv 3x3 stride 1, odd channels',
    [
      [2, 3, 6, 5],
      [5, 3, 3, 3],
    ],
    conv({ pads: [1, 1, 1, 1] }),
  ],
  [
    'conv 3x3 stride 2',
    [
      [1, 4, 7, 8],
      [8, 4, 3, 3],
    ],
    conv({ strides: [2, 2], pads: [1, 1, 1, 1] }),
  ],
  [
    'conv 5x3 stride 3, asymmetric',
    [
      [1, 2, 11, 9],
      [3, 2, 5, 3],
    ],
    conv({ strides: [3, 3], pads: [2, 0, 1, 1] }),
  ],
  [
    'conv dilated',
    [
      [1, 4, 9, 8],
      [4, 4, 3, 3],
    ],
    conv({ dilations: [2, 3], pads: [2, 3, 2, 3] }),
  ],
  [
    'conv 1x1 stride 2',
    [
      [2, 8, 5, 5],
      [4, 8, 1, 1],
    ],
    conv({ strides: [2, 2] }),
  ],
  [
    'conv of two groups',
    [
      [1, 6, 5, 5],
      [4, 3, 3, 3],
    ],
    conv({ groups: 2, pads: [1, 1, 1, 1] }),
  ],
  [
    'conv depthwise stride 2',
    [
      [1, 5, 7, 6],
      [5, 1, 3, 3],
    ],
    conv({ groups: 5, strides: [2, 2], pads: [1, 1, 1, 1] }),
  ],
  ['conv bias', [[1, 2, 4, 4], [3, 2, 2, 2], [3]], (x, w, b) => ops.conv2d(x!, w!, b)],
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
  ['linear and windows', linear],
  ['joins', joins],
] as const)('%s', (_, cases) => {
  it.each(cases)('%s', async (_name, inputShapes, f, more) => {
    await gradcheck(await testEngine(), { shapes: inputShapes, f, probes: 12, ...more });
  });
});
