/** Losses against PyTorch: values and gradients, and what is far out; finite differences; refusals. */
import { describe, expect, it, test } from 'vitest';
import { constant, input } from '../../src/graph/leaves.ts';
import * as ops from '../../src/ops/index.ts';
import { adapters } from '../support/adapters.ts';
import { testEngine } from '../support/engine.ts';
import { gradcheck, type GradCheck } from '../support/gradcheck.ts';
import { checkOracle, oracleCases, type OracleBuilder } from '../support/oracle.ts';

const builders: Record<string, OracleBuilder> = {
  crossEntropy: ([x, target, weight], a) => ops.crossEntropy(x!, target!, { ...a, ...(weight && { weight }) }),
  binaryCrossEntropyWithLogits: ([x, target, ...rest], { reduction, weight, positiveWeight }) =>
    ops.binaryCrossEntropyWithLogits(x!, target!, {
      reduction,
      ...(weight && { weight: rest.shift()! }),
      ...(positiveWeight && { positiveWeight: rest.shift()! }),
    }),
  meanSquaredError: ([x, y], { reduction }) => ops.meanSquaredError(x!, y!, reduction),
};

const indices = constant(Int32Array.of(2, 0, -100), [3]);
const probabilities = ops.softmax(
  constant(
    Float32Array.from({ length: 15 }, (_, i) => Math.sin(i)),
    [3, 5],
  ),
  1,
);
const weight = constant([0.5, 2, 1, 0.25, 3]);
const gradients: [string, GradCheck][] = [
  ['of indices', { shapes: [[3, 5]], f: (x) => ops.crossEntropy(x!, indices, { labelSmoothing: 0.1, weight }) }],
  ['of probabilities', { shapes: [[3, 5]], f: (x) => ops.crossEntropy(x!, probabilities, { labelSmoothing: 0.1 }) }],
  [
    'in the class weights',
    { shapes: [[5]], f: (w) => ops.crossEntropy(ops.affine(probabilities, 3), indices, { weight: w! }) },
  ],
  ['binary, in both', { shapes: [[3, 5], [3, 5]], f: (x, t) => ops.binaryCrossEntropyWithLogits(x!, t!) }], // prettier-ignore
  ['mean squared error', { shapes: [[3, 5], [3, 5]], f: (x, y) => ops.meanSquaredError(x!, y!) }], // prettier-ignore
];

describe.each(adapters)('on %s', (_, engine) => {
  it.each(oracleCases('losses').map((c) => [`${c.op}: ${c.name}`, c] as const))('%s', async (_name, entry) => {
    await checkOracle(engine, builders[entry.op]!, entry);
  });

  it.each(gradients)('%s: finite differences', async (_name, check) => {
    await gradcheck(engine, { probes: 15, ...check });
  });
});

test('a target that is no class makes the loss NaN, not small', async () => {
  const x = constant(new Float32Array(6), [2, 3]);
  for (const bad of [3, -1, 7]) {
    for (const labelSmoothing of [0, 0.1]) {
      const loss = ops.crossEntropy(x, constant(Int32Array.of(0, bad), [2]), { labelSmoothing });
      expect((await (await testEngine()).evaluate({ loss })).loss[0], `${bad}`).toBeNaN();
    }
  }
});

describe('refusals', () => {
  const x = input('x', [3, 5]);
  const t = input('t', [3], 'i32');
  test.each([
    ['a target of another length', 'shape', () => ops.crossEntropy(x, input('t', [4], 'i32'))],
    ['probabilities of other classes', 'shape', () => ops.crossEntropy(x, input('t', [3, 4]))],
    ['logits of rank 3', 'shape', () => ops.crossEntropy(input('x', [3, 5, 1]), t)],
    ['i32 logits', 'dtype', () => ops.crossEntropy(input('x', [3, 5], 'i32'), t)],
    ['weights of other classes', 'shape', () => ops.crossEntropy(x, t, { weight: input('w', [4]) })],
    ['label smoothing of 2', 'invalid-argument', () => ops.crossEntropy(x, t, { labelSmoothing: 2 })],
    ['label smoothing of NaN', 'invalid-argument', () => ops.crossEntropy(x, t, { labelSmoothing: NaN })],
    ['an unknown reduction', 'invalid-argument', () => ops.crossEntropy(x, t, { reduction: 'avg' as 'mean' })],
    ['binary: another shape', 'shape', () => ops.binaryCrossEntropyWithLogits(x, input('t', [3]))],
    ['binary: i32 target', 'dtype', () => ops.binaryCrossEntropyWithLogits(x, input('t', [3, 5], 'i32'))],
    [
      'binary: weights larger than the logits',
      'shape',
      () => ops.binaryCrossEntropyWithLogits(x, x, { weight: input('w', [2, 3, 5]) }),
    ],
    ['mse: another shape', 'shape', () => ops.meanSquaredError(x, input('y', [5]))],
    ['one-hot of floats', 'dtype', () => ops.oneHot(x, 4)],
  ])('%s', (_, code, build) => {
    expect(build).toThrow(expect.objectContaining({ name: 'WgradError', code }));
  });
});
