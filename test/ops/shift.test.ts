/** Rolls on the torus: values and gradients against PyTorch on both adapters, finite differences, refusals. */
import { describe, expect, it } from 'vitest';
import { constant, input } from '../../src/graph/leaves.ts';
import * as ops from '../../src/ops/index.ts';
import { adapters } from '../support/adapters.ts';
import { testEngine } from '../support/engine.ts';
import { gradcheck, type GradCheck } from '../support/gradcheck.ts';
import { checkOracle, oracleCases } from '../support/oracle.ts';

describe.each(adapters)('against PyTorch on %s', (_, engine) => {
  it.each(oracleCases('shift').map((c) => [c.name, c] as const))('%s', async (_name, entry) => {
    const offset = constant(Int32Array.from(entry.args['offset'] as number[]), [2]);
    await checkOracle(engine, ([x]) => ops.shift2d(x!, offset), entry);
  });
});

it('finite differences', async () => {
  const offset = constant(Int32Array.of(2, -1), [2]);
  const f = (x: Parameters<typeof ops.square>[0]) => ops.square(ops.shift2d(x, offset));
  await gradcheck(await testEngine(), { shapes: [[1, 2, 5, 4]], f: f as GradCheck['f'], probes: 12 });
});

describe('refusals', () => {
  const [x, offset] = [input('x', [1, 2, 3, 4]), input('o', [2], 'i32')];
  it.each<[string, string, () => unknown]>([
    ['integers', 'dtype', () => ops.shift2d(input('i', [1, 2, 3, 4], 'i32'), offset)],
    ['rank 3', 'shape', () => ops.shift2d(input('r', [2, 3, 4]), offset)],
    ['an offset in f32', 'dtype', () => ops.shift2d(x, input('f', [2]))],
    ['an offset of three', 'dtype', () => ops.shift2d(x, input('t', [3], 'i32'))],
  ])('%s is the error %s', (_, code, call) => {
    expect(call).toThrow(expect.objectContaining({ code, message: expect.stringContaining('shift2d') as string }));
  });
});
