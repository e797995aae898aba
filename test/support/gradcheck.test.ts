/** The gradient check fails for every kind of wrong gradient. */
import { expect, test } from 'vitest';
import { constant } from '../../src/graph/leaves.ts';
import type { Op, VjpThunk } from '../../src/graph/op.ts';
import { apply1, type Tensor } from '../../src/graph/tensor.ts';
import { log, affine, square } from '../../src/ops/unary.ts';
import { testEngine } from './engine.ts';
import { gradcheck } from './gradcheck.ts';

/** y = x with the gradient of your choice. */
const identity = (vjp: (g: Tensor) => Tensor) => {
  const op: Op<object> = {
    name: 'identity_with_a_gradient',
    infer: ([x]) => [{ shape: x!.shape, dtype: 'f32' }],
    vjp: (_, [g]): VjpThunk[] => [() => vjp(g!)],
    lower: (ctx, { inputs: [x], outputs: [y] }) => ctx.alias(y!, x!, ctx.layoutOf(x!)),
  };
  return (x: Tensor) => apply1(op, [x], {});
};
const check = async (f: (x: Tensor) => Tensor, values?: Float32Array[]) =>
  gradcheck(await testEngine(), { shapes: [[2, 3]], f, ...(values && { values }) });

test('a right gradient passes', async () => {
  await check((x) => square(identity((g) => g)(x)));
});

test.each([
  ['a factor', (g: Tensor) => affine(g, 1.1)],
  ['another sign', (g: Tensor) => affine(g, -1)],
  ['one wrong entry', (g: Tensor) => affine(g, 1, 0.2)],
  ['NaN', () => constant(new Float32Array(6).fill(NaN), [2, 3])],
  ['NaN in the first entry only', () => constant(Float32Array.of(NaN, 0, 0, 0, 0, 0), [2, 3])],
  ['infinity', () => constant(new Float32Array(6).fill(Infinity), [2, 3])],
])('%s fails', async (_, vjp) => {
  await expect(check(identity(vjp))).rejects.toThrow('gradient of input 0');
});

test('a forward pass that is not finite where it is probed fails, whatever the gradient', async () => {
  const negative = new Float32Array(6).fill(-1);
  await expect(check((x) => identity(() => log(x))(log(x)), [negative])).rejects.toThrow('not finite');
});
