/** Elementwise functions of one tensor against PyTorch: what comes out of ordinary values and of special ones. */
import { describe, expect, test } from 'vitest';
import { grad } from '../../src/autograd/grad.ts';
import { constant } from '../../src/graph/leaves.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import * as ops from '../../src/ops/index.ts';
import { adapters } from '../support/adapters.ts';
import { testEngine } from '../support/engine.ts';
import { floats, inputs, misses, unary, type Case } from '../support/elementwise.ts';
import { gradcheck, spread } from '../support/gradcheck.ts';
import { tolerance } from '../tolerance.ts';

type F = (x: Tensor, ...args: unknown[]) => Tensor;
const functionOf = ({ name, args = [] }: Case) => {
  const f = (ops as unknown as Record<string, F>)[name]!;
  const settings = args.map((a) => (typeof a === 'string' && /Infinity/.test(a) ? Number(a) : a));
  return (x: Tensor) => f(x, ...settings);
};
const titled = unary.map((c) => [`${c.name}(${['x', ...(c.args ?? [])].join(', ')})`, c] as const);

describe.each(adapters)('elementwise functions on %s', (_, engine) => {
  const check = async (
    f: (x: Tensor) => Tensor,
    values: Float32Array,
    expected: Case['special'],
    limit: readonly [number, number],
  ) => {
    const x = constant(values);
    const y = f(x);
    const [dx] = grad(y, [x], { seed: constant(new Float32Array(x.size).fill(1)) });
    const result = await engine.evaluate({ y, dx: dx! });
    const gradient = expected.d?.[0];
    return [
      ...misses(result.y, floats(expected.y), [values], limit),
      ...(gradient ? misses(result.dx, floats(gradient), [values], limit).map((line) => `gradient: ${line}`) : []),
    ];
  };

  test.each(titled)('%s of ordinary values', async (_, c) => {
    expect(await check(functionOf(c), inputs[c.domain], c.ordinary, tolerance.function)).toEqual([]);
  });

  test.each(titled)('%s of NaN, infinities, zeros, huge and tiny values', async (_, c) => {
    expect(await check(functionOf(c), inputs[c.specialDomain], c.special, tolerance.specialFunction)).toEqual([]);
  });

  const hasPole = (c: Case) => c.name === 'reciprocal' || (c.name === 'pow' && Number(c.args![0]) < 0);
  // Where PyTorch gives a gradient there is one to check; spread() keeps away from 0, the kinks at +-3 and 1 are outside.
  const smooth = titled.filter(([, c]) => c.ordinary.d && !/^(floor|ceil|round|trunc|sign|castTo)/.test(c.name));
  test.each(smooth)('%s: finite differences', async (_, c) => {
    const values = spread(17).map((v) => (c.domain === 'positive' || hasPole(c) ? v + 1.5 : 0.9 * v));
    await gradcheck(engine, { shapes: [[17]], f: (x) => functionOf(c)(x!), values: [values], probes: 6 });
  });
});

test('castTo f16 passes the gradient on, to whole numbers and truth none', async () => {
  const x = constant([0.1, -2.7]);
  const gradient = (type: 'f16' | 'integer' | 'bool' | 'f32') =>
    grad(ops.sum(ops.castTo(ops.affine(x, 3), type)), [x])[0]!;
  const { f16, f32, integer, bool } = await (
    await testEngine()
  ).evaluate({
    f16: gradient('f16'),
    f32: gradient('f32'),
    integer: gradient('integer'),
    bool: gradient('bool'),
  });
  expect([f16, f32, integer, bool].map((g) => [...g])).toEqual([[3, 3], [3, 3], [0, 0], [0, 0]]); // prettier-ignore
});
