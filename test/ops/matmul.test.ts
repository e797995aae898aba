/** Matrix products: values and gradients against PyTorch on both adapters, large ones against plain loops. */
import { describe, expect, it } from 'vitest';
import { constant, input } from '../../src/graph/leaves.ts';
import * as ops from '../../src/ops/index.ts';
import { adapters } from '../support/adapters.ts';
import { spread } from '../support/gradcheck.ts';
import { checkOracle, oracleCases } from '../support/oracle.ts';
import { compare, tolerance } from '../tolerance.ts';

const cases = oracleCases('linear').filter((entry) => entry.op === 'matmul');

describe.each(adapters)('on %s', (_, engine) => {
  it.each(cases.map((c) => [c.name, c] as const))('%s', async (_name, entry) => {
    await checkOracle(engine, ([a, b], args) => ops.matmul(a!, b!, args), entry);
  });

  it.each([
    ['A B', false, false],
    ['A transposed', true, false],
    ['B transposed', false, true],
    ['both transposed', true, true],
  ])('by the GEMM kernels, %s', async (_name, transposeA, transposeB) => {
    const [m, k, n] = [132, 260, 140];
    const a = input('a', transposeA ? [k, m] : [m, k]);
    const b = input('b', transposeB ? [n, k] : [k, n]);
    const [va, vb] = [spread(m * k, 1), spread(k * n, 2)];
    const { y } = await engine.evaluate({ y: ops.matmul(a, b, { transposeA, transposeB }) }, { a: va, b: vb });
    const expected = Float64Array.from({ length: m * n }, (_, i) => {
      const [row, column] = [Math.floor(i / n), i % n];
      let total = 0;
      for (let j = 0; j < k; j++) {
        total += va[transposeA ? j * m + row : row * k + j]! * vb[transposeB ? column * k + j : j * n + column]!;
      }
      return total;
    });
    expect(compare(y, expected).maxRel).toBeLessThan(tolerance.op);
  });

  it.each([
    ['a few columns', 20],
    ['by the GEMM kernels', 128],
  ])('a sum of 4096 positive products is right to a few roundings, %s', async (_name, n) => {
    const [m, k] = [n === 128 ? 128 : 1, 4096];
    const positive = (size: number, seed: number) => spread(size, seed).map((v) => Math.abs(v) + 0.1);
    const [va, vb] = [positive(m * k, 1), positive(k * n, 2)];
    const y = ops.matmul(input('a', [m, k]), input('b', [k, n]));
    const computed = (await engine.evaluate({ y }, { a: va, b: vb })).y;
    let worst = 0;
    for (let i = 0; i < 20; i++) {
      let total = 0;
      for (let j = 0; j < k; j++) total += va[j]! * vb[j * n + i]!;
      worst = Math.max(worst, Math.abs(computed[i]! / total - 1));
    }
    expect(worst).toBeLessThan(tolerance.blockedSum);
  });
});

describe('refusals', () => {
  const tensor = (...shape: number[]) => constant(new Float32Array(shape.reduce((p, d) => p * d, 1)), shape);

  it.each([
    ['inner extents that differ', [2, 3], [4, 2]],
    ['a scalar', [], [4, 2]],
    ['batches that do not broadcast', [2, 2, 3], [3, 3, 2]],
  ])('%s', (_, a, b) => {
    expect(() => ops.matmul(tensor(...a), tensor(...b))).toThrow(expect.objectContaining({ code: 'shape' }));
  });
});
