/** Elementwise functions of two tensors against PyTorch: ordinary values, every pair of special ones, every kind of broadcast. */
import { describe, expect, test } from 'vitest';
import { grad } from '../../src/autograd/grad.ts';
import { constant } from '../../src/graph/leaves.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import * as ops from '../../src/ops/index.ts';
import { adapters } from '../support/adapters.ts';
import { binary, floats, inputs, misses, type Case } from '../support/elementwise.ts';
import { gradcheck, spread } from '../support/gradcheck.ts';
import { tolerance } from '../tolerance.ts';

type F = (a: Tensor, b: Tensor) => Tensor;
const titled = binary.map((c) => [c.name, c, (ops as unknown as Record<string, F>)[c.name]!] as const);

/** The operands of the fixture: all pairs, and two sequences. */
const n = inputs.pair.length;
const pairs = [0, 1].map((k) =>
  Float32Array.from({ length: n * n }, (_, i) => inputs.pair[k === 0 ? Math.floor(i / n) : i % n]!),
) as [Float32Array, Float32Array];
const sequences = (domain: Case['domain']): [Float32Array, Float32Array] => {
  const { length } = inputs.ordinary;
  return [inputs[domain], Float32Array.from({ length }, (_, i) => inputs.ordinary[(7 * i + 3) % length]!)];
};

describe.each(adapters)('elementwise functions of two tensors on %s', (_, engine) => {
  const check = async (
    f: F,
    values: [Float32Array, Float32Array],
    expected: Case['special'],
    limit: readonly [number, number],
  ) => {
    const [a, b] = values.map((v) => constant(v)) as [Tensor, Tensor];
    const y = f(a, b);
    const [da, db] = grad(y, [a, b], { seed: constant(new Float32Array(a.size).fill(1)) });
    const result = await engine.evaluate({ y, da: da!, db: db! });
    const against = (name: string, actual: Float32Array, right: Case['special']['y'] | null | undefined) =>
      right ? misses(actual, floats(right), values, limit).map((line) => `${name}: ${line}`) : [];
    return [
      ...against('y', result.y, expected.y),
      ...against('da', result.da, expected.d?.[0]),
      ...against('db', result.db, expected.d?.[1]),
    ];
  };

  test.each(titled)('%s of ordinary values', async (_, c, f) => {
    expect(await check(f, sequences(c.domain), c.ordinary, tolerance.function)).toEqual([]);
  });

  test.each(titled)('%s of every pair of special values', async (_, c, f) => {
    expect(await check(f, pairs, c.special, tolerance.specialFunction)).toEqual([]);
  });

  test.each(titled.filter(([, c]) => c.ordinary.d))('%s: finite differences', async (_, c, f) => {
    const a = spread(15, 1).map((v) => (c.domain === 'positive' ? v + 1.5 : v));
    const b = spread(15, 2).map((v) => (c.name === 'div' ? v + 1.5 : v));
    await gradcheck(engine, { shapes: [[3, 5], [3, 5]], f: (x, y) => f(x!, y!), values: [a, b], probes: 6 }); // prettier-ignore
  });

  test('prelu: the gradient of one slope a channel', async () => {
    await gradcheck(engine, { shapes: [[2, 3, 4, 5], [3, 1, 1]], f: (x, slope) => ops.prelu(x!, slope!), probes: 6 }); // prettier-ignore
  });

  test('where: gradients to the side that is taken, broadcast', async () => {
    const c = constant([1, 0, -2, NaN, 0], [5]);
    await gradcheck(engine, { shapes: [[3, 5], [3, 1]], f: (x, y) => ops.where(c, x!, y!), probes: 6 }); // prettier-ignore
  });

  test('where: what is not taken leaves no trace', async () => {
    const { y } = await engine.evaluate({
      y: ops.where(
        constant([1, 0, NaN, 1e-40, -0]),
        constant([1, NaN, 3, -0, Infinity]),
        constant([NaN, 2, 9, 9, -Infinity]),
      ),
    });
    expect([...y]).toEqual([1, 2, 3, -0, -Infinity]);
  });
});
