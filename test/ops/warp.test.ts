/** Affine sampling against torch's grid_sample, values and gradients, on both adapters; bits, regions, refusals. */
import { describe, expect, it } from 'vitest';
import { grad } from '../../src/autograd/grad.ts';
import { constant, input } from '../../src/graph/leaves.ts';
import * as ops from '../../src/ops/index.ts';
import { identity, offset, place } from '../../src/transforms/index.ts';
import { adapters } from '../support/adapters.ts';
import { testEngine } from '../support/engine.ts';
import { gradcheck, spread } from '../support/gradcheck.ts';
import { checkOracle, oracleCases } from '../support/oracle.ts';

describe.each(adapters)('against PyTorch on %s', (_, engine) => {
  it.each(oracleCases('warp').map((c) => [c.name, c] as const))('%s', async (_name, entry) => {
    const { places, size, border } = entry.args as { places: number[][]; size: [number, number]; border: 'fill' };
    const at = constant(Float32Array.from(places.flat()), [places.length, ops.PLACE]);
    await checkOracle(engine, ([x]) => ops.warp(x!, at, size, { border }), entry);
  });
});

it('the identity keeps every bit, also beside NaN', async () => {
  const values = spread(2 * 3 * 4 * 5);
  values[7] = NaN;
  const x = constant(values, [2, 3, 4, 5]);
  const y = ops.warp(x, constant(place(identity, [4, 5]), [1, ops.PLACE]), [4, 5]);
  expect((await (await testEngine()).evaluate({ y })).y).toEqual(values);
});

it('what lies outside the region is the fill, or the region has its edge', async () => {
  const values = Float32Array.from({ length: 16 }, (_, i) => i);
  const inner = constant([...offset(-1, 1), 1, 2, 1, 2], [1, ops.PLACE]);
  const x = input('x', [1, 1, 4, 4]);
  const y = ops.warp(x, inner, [4, 2], { fill: -1 });
  const edge = ops.warp(x, inner, [4, 2], { border: 'edge' });
  const [dx] = grad(ops.sum(edge), [x]);
  const result = await (await testEngine()).evaluate({ y, edge, dx: dx! }, { x: values });
  expect([...result.y]).toEqual([-1, -1, -1, -1, 5, 6, 9, 10]);
  expect([...result.edge]).toEqual([5, 6, 5, 6, 5, 6, 9, 10]);
  expect([...result.dx]).toEqual([0, 0, 0, 0, 0, 3, 3, 0, 0, 1, 1, 0, 0, 0, 0, 0]);
});

it('a map without an inverse has its gradient', async () => {
  const flat = constant([0, 0, 1.25, 0, 1, 0.5, 0, 3, 0, 4], [1, ops.PLACE]);
  await gradcheck(await testEngine(), { shapes: [[1, 2, 4, 5]], f: (x) => ops.warp(x!, flat, [3, 4]) });
});

it('has second derivatives', async () => {
  const places = constant([0.8, 0.3, -0.4, -0.2, 0.9, 0.6, 0, 3, 0, 4], [1, ops.PLACE]);
  const f = (x: Parameters<typeof ops.warp>[0]) => {
    const [g] = grad(ops.sum(ops.pow(ops.warp(x, places, [4, 4], { fill: 2 }), 3)), [x]);
    return g!;
  };
  await gradcheck(await testEngine(), { shapes: [[1, 1, 4, 5]], f: (x) => f(x!), probes: 8 });
});

describe('refusals', () => {
  const x = input('x', [2, 1, 4, 5]);
  const one = constant(new Float32Array(10), [1, 10]);
  it.each<[string, string, () => unknown]>([
    ['places of another length', 'shape', () => ops.warp(x, input('p', [2, 6]), [4, 5])],
    ['places for another batch', 'shape', () => ops.warp(x, input('p', [3, 10]), [4, 5])],
    ['a size of 0', 'shape', () => ops.warp(x, one, [0, 5])],
    ['a picture without channels', 'shape', () => ops.warp(input('y', [4, 5]), one, [4, 5])],
    ['an unknown border', 'invalid-argument', () => ops.warp(x, one, [4, 5], { border: 'wrap' as 'edge' })],
    ['a fill that is NaN', 'invalid-argument', () => ops.warp(x, one, [4, 5], { fill: NaN })],
  ])('%s', (_, code, f) => expect(f).toThrow(expect.objectContaining({ code })));
});
