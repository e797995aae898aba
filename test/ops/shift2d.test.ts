/** shift2d is a permutation: exact against a roll on the host, and so is its adjoint. */
import { expect, it } from 'vitest';
import { grad } from '../../src/autograd/grad.ts';
import { input, Variable } from '../../src/graph/leaves.ts';
import type { Layout } from '../../src/graph/tensor.ts';
import { shift2d } from '../../src/ops/shift.ts';
import { spread } from '../support/gradcheck.ts';
import { testEngine } from '../support/engine.ts';

const shape = [2, 3, 5, 7] as const;
const size = 210;

function roll(x: Float32Array, dy: number, dx: number): Float32Array {
  const [n, c, h, w] = shape;
  const wrap = (i: number, extent: number) => ((i % extent) + extent) % extent;
  const y = new Float32Array(size);
  for (let plane = 0; plane < n * c; plane++)
    for (let i = 0; i < h; i++)
      for (let j = 0; j < w; j++) y[(plane * h + i) * w + j] = x[(plane * h + wrap(i - dy, h)) * w + wrap(j - dx, w)]!;
  return y;
}

it.each<[Layout, number, number]>([
  ['row', 0, 0],
  ['row', 2, -3],
  ['row', -13, 40],
  ['nhwc', 1, 6],
  ['nhwc', -4, -1],
])('%s by (%i, %i), and its adjoint', async (layout, dy, dx) => {
  const engine = await testEngine();
  const values = spread(size, 3);
  const x = new Variable('x', shape, values, layout);
  const seed = input('seed', shape);
  const y = shift2d(x.tensor, input('offset', [2], 'i32'));
  const [g] = grad(y, [x.tensor], { seed });
  const cotangent = spread(size, 4);
  const result = await engine.evaluate({ y, g: g! }, { offset: [dy, dx], seed: cotangent });
  expect(result.y).toEqual(roll(values, dy, dx));
  expect(result.g).toEqual(roll(cotangent, -dy, -dx));
  engine.release([x]);
});
