/** grad(): joins, pruning, what it refuses, and rules by name. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { grad } from '../../src/autograd/grad.ts';
import { constant, input } from '../../src/graph/leaves.ts';
import type { Op } from '../../src/graph/op.ts';
import { apply1, type Tensor } from '../../src/graph/tensor.ts';
import * as ops from '../../src/ops/index.ts';
import { opNames } from '../../src/ops/names.ts';
import { testEngine } from '../support/engine.ts';
import { gradcheck } from '../support/gradcheck.ts';

test('a tensor used three times', async () => {
  await gradcheck(await testEngine(), { shapes: [[3, 4]], f: (x) => ops.mul(ops.add(x!, x!), x!) });
});

test('zeros where the output does not depend on the tensor', async () => {
  const [x, y] = [constant([1, 2]), constant([3, 4])];
  const [dy] = grad(ops.sum(ops.square(x)), [y]);
  expect([...(await (await testEngine()).evaluate({ dy: dy! })).dy]).toEqual([0, 0]);
});

test('second derivatives', async () => {
  const values = Float32Array.of(-1.2, -0.3, 0.4, 0.9);
  const first = (f: (x: Tensor) => Tensor) => (x: Tensor) => grad(ops.sum(f(x)), [x])[0]!;
  const engine = await testEngine();
  for (const f of [ops.tanh, ops.sigmoid, ops.exp, ops.reciprocal, ops.sin, ops.softplus]) {
    await gradcheck(engine, { shapes: [[4]], f: first(f), values: [values] });
  }
  for (const f of [ops.sqrt, ops.rsqrt, ops.log]) {
    await gradcheck(engine, { shapes: [[4]], f: first(f), values: [values.map(Math.abs)] });
  }
  const x = constant(values);
  expect(() => grad(ops.sum(first(ops.mish)(x)), [x])).toThrow(expect.objectContaining({ code: 'not-differentiable' }));
});

describe('refusals', () => {
  const x = input('x', [2, 3]);
  const noGradient: Op<object> = {
    name: 'without_gradient',
    infer: ([t]) => [{ shape: t!.shape, dtype: 'f32' }],
    lower: (ctx, { inputs: [t], outputs: [y] }) => ctx.alias(y!, t!),
  };
  test.each([
    ['an output that is no scalar', 'shape', () => grad(x, [x])],
    ['a seed of another shape', 'shape', () => grad(x, [x], { seed: constant([1, 2, 3]) })],
    ['an op without gradient', 'not-differentiable', () => grad(ops.sum(apply1(noGradient, [x], {})), [x])],
    ['a misspelt rule', 'unknown-name', () => grad(ops.sum(ops.relu(x)), [x], { rules: { Relu: () => [null] } })],
  ])('%s', (_, code, build) => {
    expect(build).toThrow(expect.objectContaining({ name: 'WgradError', code }));
  });
});

describe('rules', () => {
  const x = constant([-1, 2]);
  const twice: Parameters<typeof grad>[2] = { rules: { relu: (_, [g]) => [() => ops.affine(g!, 2)] } };

  it('replace an op’s own', async () => {
    const [dx] = grad(ops.sum(ops.relu(x)), [x], twice);
    expect([...(await (await testEngine()).evaluate({ dx: dx! })).dx]).toEqual([2, 2]);
  });

  it('for an op that the graph does not have are fine', () => {
    expect(() => grad(ops.sum(ops.tanh(x)), [x], twice)).not.toThrow();
  });

  it('a name that no op has is named, with those of the graph', () => {
    const rules = { relo: () => [null] };
    expect(() => grad(ops.sum(ops.relu(x)), [x], { rules })).toThrow(
      /no op is called relo.*constant, relu, .*sum; all are abs, /,
    );
  });

  it('opNames has the name of every op', () => {
    const folder = new URL('../../src/ops/', import.meta.url);
    const names = readdirSync(folder).flatMap((file) => {
      const code = readFileSync(new URL(file, folder), 'utf8');
      return [...code.matchAll(/^ +name: '(\w+)',$/gm)].map((m) => m[1]!);
    });
    expect(names.length).toBeGreaterThan(25);
    expect(names.filter((name) => !opNames.has(name))).toEqual([]);
  });
});
