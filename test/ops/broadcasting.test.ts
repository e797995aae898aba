/** Every kind of broadcasting and size against a loop in JavaScript; refusals; pipelines, which do not depend on sizes. */
import { describe, expect, test } from 'vitest';
import { constant, input } from '../../src/graph/leaves.ts';
import { sizeOf, type Shape } from '../../src/graph/shape.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import * as ops from '../../src/ops/index.ts';
import { adapters } from '../support/adapters.ts';
import { testEngine } from '../support/engine.ts';
import { gradcheck, spread } from '../support/gradcheck.ts';

const shapes: [Shape, Shape][] = [
  [[], []],
  [[7], []],
  [[], [2, 3]],
  [[1], [5]],
  [[8], [8]],
  [[3, 4], [4]],
  [[3, 5], [5]],
  // 41 times the nearest float to 1/41 is below 1: divided so, 41 / 41 would be 0.
  [[3, 41], [41]],
  [[5, 164], [164]],
  [[3, 4], [3, 1]],
  [[4, 1], [3, 1, 5]],
  [[4, 1], [1, 8]],
  [[2, 8, 3, 3], [8, 1, 1]],
  [[2, 5, 3, 2], [5, 1, 1]],
  [[5, 1, 1], [2, 5, 3, 4]],
  [[2, 3, 1, 4], [1, 3, 5, 4]],
  [[2, 1, 3, 1, 2, 4], [1, 3, 1, 2, 1, 4]],
  [[2, 1, 3, 1, 2, 3], [2, 1, 2, 1, 3]],
  [[1, 1], [1]],
  [[0, 3], [3]],
  [[2, 0], [1, 1]],
]; // prettier-ignore

/** The element of `data` of `shape` that broadcasting puts at `place` of the result. */
function at(data: Float32Array, shape: Shape, place: readonly number[]): number {
  const own = place.slice(place.length - shape.length);
  return data[shape.reduce((index, d, i) => index * d + (d === 1 ? 0 : own[i]!), 0)]!;
}

function reference(shapes: Shape[], data: Float32Array[], f: (...v: number[]) => number): Float32Array {
  const rank = Math.max(...shapes.map((s) => s.length));
  const result = Array.from({ length: rank }, (_, i) => {
    const extents = shapes.map((s) => s[i - rank + s.length] ?? 1);
    return extents.find((d) => d !== 1) ?? 1;
  });
  return Float32Array.from({ length: sizeOf(result) }, (_, index) => {
    const place: number[] = [];
    for (let axis = rank - 1, rest = index; axis >= 0; axis--) {
      place.unshift(rest % result[axis]!);
      rest = Math.floor(rest / result[axis]!);
    }
    return f(...shapes.map((s, k) => at(data[k]!, s, place)));
  });
}

const title = (list: Shape[]) => list.map((s) => `[${s.join()}]`).join(' with ');

describe.each(adapters)('on %s', (_, engine) => {
  test.each(shapes.map((pair) => [title(pair), pair] as const))('%s', async (_title, [a, b]) => {
    const data = [a, b].map((s, i) => spread(sizeOf(s), i + 1));
    const [x, y] = [constant(data[0]!, a), constant(data[1]!, b)];
    const c = ops.greater(x, constant([0.1]));
    const outputs = { xy: ops.sub(x, y), yx: ops.sub(y, x), chosen: ops.where(c, x, y) };
    const result = await engine.evaluate(outputs);
    expect(result.xy).toEqual(reference([a, b], data, (u, v) => u - v));
    expect(result.yx).toEqual(reference([b, a], [data[1]!, data[0]!], (u, v) => u - v));
    expect(result.chosen).toEqual(reference([a, b], data, (u, v) => (u > Math.fround(0.1) ? u : v)));
  });

  test.each(shapes.filter(([a, b]) => sizeOf(a) * sizeOf(b) > 0).map((pair) => [title(pair), pair] as const))(
    'gradients, %s',
    async (_title, pair) => {
      await gradcheck(engine, { shapes: pair, f: (a, b) => ops.mul(ops.square(a!), b!), probes: 4 });
    },
  );

  test('channels-last operands', async () => {
    const w = spread(8 * 5).map((v) => v * 2);
    const x = spread(2 * 5 * 3 * 4);
    const nhwc = ops.conv2d(constant(x, [2, 5, 3, 4]), constant(w, [8, 5, 1, 1]));
    const b = spread(8, 3);
    const r = spread(2 * 8 * 3 * 4, 4);
    const { plain, channel, row } = await engine.evaluate({
      plain: nhwc,
      channel: ops.mul(nhwc, constant(b, [8, 1, 1])),
      row: ops.sub(constant(r, [2, 8, 3, 4]), nhwc),
    });
    expect(channel).toEqual(plain.map((v, i) => v * b[Math.floor(i / 12) % 8]!));
    expect(row).toEqual(r.map((v, i) => v - plain[i]!));
  });

  test('sizes from 0 to 9 write their own elements only', async () => {
    const sizes = [...Array(10).keys()];
    const values = sizes.map((n) => Float32Array.from({ length: n }, (_, i) => n + i / 16 - 4));
    const made = sizes.flatMap((n) => {
      const x = constant(values[n]!, [n]);
      return [[`abs${n}`, ops.abs(x)], [`sub${n}`, ops.sub(x, constant([1]))], [`where${n}`, ops.where(x, x, x)]] as [string, Tensor][]; // prettier-ignore
    });
    const result = await engine.evaluate(Object.fromEntries(made));
    for (const n of sizes) {
      expect(result[`abs${n}`]).toEqual(values[n]!.map(Math.abs));
      expect(result[`sub${n}`]).toEqual(values[n]!.map((v) => v - 1));
      expect(result[`where${n}`]).toEqual(values[n]);
    }
  });

  test('more than 65,535 workgroups', async () => {
    const rows = 65_535 * 64 * 4 + 4 * 65;
    const wide = ops.add(ops.broadcastTo(constant([1.5]), [rows]), constant([0.25]));
    const ends = ops.slice(ops.neg(wide), [rows - 3], [3]);
    const { total, tail } = await engine.evaluate({ total: ops.sum(ops.affine(wide, 1 / 1024)), tail: ends });
    expect([...tail]).toEqual([-1.75, -1.75, -1.75]);
    expect(total[0]! / ((rows * 1.75) / 1024)).toBeCloseTo(1, 5);
  });
});

test('n-ary', async () => {
  const [a, b, c] = [constant([1, 5, -2]), constant([4]), constant([[0], [3]].flat(), [2, 1])];
  const result = await (
    await testEngine()
  ).evaluate({
    sum: ops.addN([a, b, c]),
    max: ops.maximumN([a, b, c]),
    min: ops.minimumN([a, b, c]),
    mean: ops.meanN([a, b, c]),
    one: ops.meanN([a]),
  });
  expect([...result.sum]).toEqual([5, 9, 2, 8, 12, 5]);
  expect([...result.max]).toEqual([4, 5, 4, 4, 5, 4]);
  expect([...result.min]).toEqual([0, 0, -2, 1, 3, -2]);
  expect([...result.mean]).toEqual([5, 9, 2, 8, 12, 5].map((v) => Math.fround(v * Math.fround(1 / 3))));
  expect([...result.one]).toEqual([1, 5, -2]);
});

describe('pipelines', () => {
  const count = async (outputs: Tensor[]) => {
    const program = await (
      await testEngine()
    ).compile({ outputs: Object.fromEntries(outputs.map((t, i) => [`y${i}`, t])) });
    const codes = new Set(program.plan.steps.map((step) => step.code));
    program.dispose();
    return codes.size;
  };
  let made = 0;
  const x = (...shape: number[]) => input(`x${made++}`, shape);

  test('one a function, whatever the size and parameters', async () => {
    const many = (f: (t: Tensor) => Tensor) => [f(x(3)), f(x(8, 8)), f(x(2, 3, 5, 7)), f(x(1000))];
    expect(await count(many(ops.exp))).toBe(1);
    expect(await count([...many((t) => ops.clamp(t, 0, 6)), ...many((t) => ops.clamp(t, -1))])).toBe(1);
    expect(await count(many((t) => ops.where(t, t, t)))).toBe(1);
  });

  test('one a function and form of two operands', async () => {
    expect(await count([ops.add(x(3), x(3)), ops.add(x(9, 4), x(9, 4)), ops.add(x(2, 3, 4, 5), x(2, 3, 4, 5))])).toBe(
      1,
    );
    expect(await count([ops.add(x(3), x()), ops.add(x(9, 4), x(1))])).toBe(1);
    // In fours along the last axis, and one by one.
    expect(await count([ops.add(x(3, 8), x(8)), ops.add(x(90, 4), x(4)), ops.add(x(5, 8), x(5, 1))])).toBe(1);
    expect(await count([ops.add(x(3, 7), x(7)), ops.add(x(90, 5), x(5)), ops.add(x(5, 9), x(5, 1))])).toBe(1);
  });
});

describe('refusals', () => {
  const x = input('x', [2, 3]);
  const i = input('i', [2, 3], 'i32');
  const unary = ['abs', 'exp', 'relu', 'sigmoid', 'gelu', 'mish', 'round', 'logicalNot', 'square'] as const;
  const binary = ['add', 'sub', 'mul', 'div', 'maximum', 'minimum', 'pow', 'equal', 'less', 'logicalAnd', 'prelu', 'mask'] as const; // prettier-ignore
  const cases: [string, string, () => unknown][] = [
    ...unary.map((name): [string, string, () => unknown] => [`${name} of i32`, 'dtype', () => ops[name](i)]),
    ...binary.flatMap((name): [string, string, () => unknown][] => [
      [`${name} of f32 and i32`, 'dtype', () => ops[name](x, i)],
      [`${name} of i32 and f32`, 'dtype', () => ops[name](i, x)],
      [`${name} of [2,3] and [2]`, 'shape', () => ops[name](x, input('y', [2]))],
      [`${name} of [2,3] and [0,3]`, 'shape', () => ops[name](x, input('y', [0, 3]))],
    ]),
    ['where on i32', 'dtype', () => ops.where(i, x, x)],
    ['where with i32', 'dtype', () => ops.where(x, x, i)],
    ['where of shapes that do not broadcast', 'shape', () => ops.where(x, x, input('y', [4]))],
    ['clamp to NaN', 'invalid-argument', () => ops.clamp(x, NaN)],
    ['clamp to a text', 'invalid-argument', () => ops.clamp(x, '0' as unknown as number)],
    ['elu of NaN', 'invalid-argument', () => ops.elu(x, NaN)],
    ['leakyRelu of a tensor', 'invalid-argument', () => ops.leakyRelu(x, x as unknown as number)],
    ['hardSigmoid of NaN', 'invalid-argument', () => ops.hardSigmoid(x, 1, NaN)],
    ['pow to NaN', 'invalid-argument', () => ops.pow(x, NaN)],
    ['affine by NaN', 'invalid-argument', () => ops.affine(x, NaN)],
    ['gelu of another form', 'invalid-argument', () => ops.gelu(x, 'fast' as 'tanh')],
    ['castTo another type', 'invalid-argument', () => ops.castTo(x, 'f64' as 'f16')],
    ['addN of nothing', 'invalid-argument', () => ops.addN([])],
    ['meanN of nothing', 'invalid-argument', () => ops.meanN([])],
    ['maximumN with i32', 'dtype', () => ops.maximumN([x, i])],
  ];
  test.each(cases)('%s', (_, code, build) => {
    expect(build).toThrow(expect.objectContaining({ name: 'WgradError', code }));
  });
});
