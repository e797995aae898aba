/** Resizing: values and gradients against PyTorch on both adapters, finite differences, refusals. */
import { describe, expect, it } from 'vitest';
import { input } from '../../src/graph/leaves.ts';
import { resize, resizeBilinear } from '../../src/ops/resize.ts';
import { adapters } from '../support/adapters.ts';
import { gradcheck, type GradCheck } from '../support/gradcheck.ts';
import { checkOracle, oracleCases } from '../support/oracle.ts';

const gradients: [string, GradCheck][] = [
  ['larger, bilinear', { shapes: [[1, 2, 3, 4]], f: (x) => resizeBilinear(x, [5, 7]) }],
  ['smaller, antialiased', { shapes: [[1, 1, 9, 8]], f: (x) => resize(x, [3, 5], { antialias: true }) }],
  [
    'cubic, aligned corners',
    { shapes: [[1, 4, 4, 3]], f: (x) => resize(x, [6, 5], { mode: 'cubic', alignCorners: true }) },
  ],
];

describe.each(adapters)('on %s', (_, engine) => {
  it.each(oracleCases('resize').map((c) => [c.name, c] as const))('%s', async (_name, entry) => {
    await checkOracle(engine, ([x], { size, ...options }) => resize(x!, size, options), entry);
  });

  it.each(gradients)('%s: finite differences', async (_name, check) => {
    await gradcheck(engine, check);
  });
});

describe('refusals', () => {
  const x = input('x', [1, 2, 4, 4]);
  it.each<[string, string, () => unknown]>([
    ['integers', 'dtype', () => resize(input('k', [1, 2, 4, 4], 'i32'), [2, 2])],
    ['a size of 0', 'shape', () => resize(x, [0, 2])],
    ['a size of a half', 'shape', () => resize(x, [2.5, 2])],
    ['more axes than there are', 'shape', () => resize(x, [1, 1, 1, 1, 1] as never)],
    ['an unknown mode', 'invalid-argument', () => resize(x, [2, 2], { mode: 'magic' as never })],
  ])('%s: %s', (_name, code, make) => {
    expect(make).toThrow(expect.objectContaining({ code }));
  });
});
