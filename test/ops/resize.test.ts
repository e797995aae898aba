/** Resizing: values and gradients against PyTorch on both adapters, finite differences, ONNX's other places, refusals. */
import { describe, expect, it } from 'vitest';
import { constant, input } from '../../src/graph/leaves.ts';
import * as ops from '../../src/ops/index.ts';
import { adapters } from '../support/adapters.ts';
import { testEngine } from '../support/engine.ts';
import { gradcheck } from '../support/gradcheck.ts';
import { checkOracle, oracleCases } from '../support/oracle.ts';

type Options = Parameters<typeof ops.resize>[2];

describe.each(adapters)('against PyTorch on %s', (_, engine) => {
  it.each(oracleCases('resize').map((c) => [c.name, c] as const))('%s', async (_name, entry) => {
    const { size, ...options } = entry.args;
    await checkOracle(engine, ([x]) => ops.resize(x!, size as number[], options), entry);
  });
});

describe('finite differences', () => {
  it.each<[string, number[], number[], Options]>([
    ['bilinear, larger', [1, 2, 3, 5], [7, 6], {}],
    ['antialiased', [1, 3, 9, 7], [4, 3], { antialias: true }],
    ['aligned corners, four channels', [1, 4, 4, 3], [6, 5], { alignCorners: true }],
    ['bicubic without the outside', [1, 1, 4, 5], [6, 3], { mode: 'bicubic', excludeOutside: true }],
    ['nearest', [2, 5], [7], { mode: 'nearest' }],
  ])('%s', async (_, shape, size, options) => {
    await gradcheck(await testEngine(), {
      shapes: [shape],
      f: (x) => ops.square(ops.resize(x!, size, options)),
      probes: 12,
    });
  });
});

it('rounds to the pixel that is named, at places half-way between two', async () => {
  const x = constant([10, 20, 30, 40]);
  const roundings = ['floor', 'ceil', 'round_prefer_floor', 'round_prefer_ceil'] as const;
  const by = (rounding: (typeof roundings)[number]) =>
    ops.resize(x, [2], { mode: 'nearest', coordinates: 'half_pixel', rounding });
  // Outputs lie at 0.5 and 2.5.
  const result = await (await testEngine()).evaluate(Object.fromEntries(roundings.map((name) => [name, by(name)])));
  expect(roundings.map((name) => [...result[name]!])).toEqual([[10, 30], [20, 40], [10, 30], [20, 40]]); // prettier-ignore
});

describe('refusals', () => {
  const x = input('x', [1, 2, 4, 5]);
  it.each<[string, string, () => unknown]>([
    ['integers', 'dtype', () => ops.resize(input('i', [4, 5], 'i32'), [2, 2])],
    ['more sizes than axes', 'shape', () => ops.resize(input('y', [4]), [2, 2])],
    ['size 0', 'shape', () => ops.resize(x, [0, 3])],
    ['half a pixel', 'shape', () => ops.resize(x, [2.5, 3])],
    ['an empty axis', 'shape', () => ops.resize(input('e', [1, 2, 0, 5]), [2, 2])],
    ['an unknown mode', 'invalid-argument', () => ops.resize(x, [2, 2], { mode: 'lanczos' as 'cubic' })],
    ['unknown places', 'invalid-argument', () => ops.resize(x, [2, 2], { coordinates: 'center' as 'half_pixel' })],
    ['an unknown rounding', 'invalid-argument', () => ops.resize(x, [2, 2], { rounding: 'up' as 'ceil' })],
    ['nearest with corners', 'invalid-argument', () => ops.resize(x, [2, 2], { mode: 'nearest', alignCorners: true })],
    ['nearest, antialiased', 'invalid-argument', () => ops.resize(x, [2, 2], { mode: 'nearest', antialias: true })],
    ['two kinds of places', 'invalid-argument', () => ops.resize(x, [2, 2], { alignCorners: true, coordinates: 'asymmetric' })], // prettier-ignore
    ['a coefficient that is NaN', 'invalid-argument', () => ops.resize(x, [2, 2], { mode: 'cubic', cubicCoefficient: NaN })], // prettier-ignore
    ['one scale for two sizes', 'invalid-argument', () => ops.resize(x, [2, 2], { scales: [2] })],
    ['scale 0', 'invalid-argument', () => ops.resize(x, [2, 2], { scales: [0, 1] })],
  ])('%s is the error %s', (_, code, call) => {
    expect(call).toThrow(expect.objectContaining({ code, message: expect.stringContaining('resize') as string }));
  });
});
