/** Softmax and log-softmax: values and gradients against PyTorch on both adapters, finite differences, refusals. */
import { describe, expect, it } from 'vitest';
import { input } from '../../src/graph/leaves.ts';
import { logSoftmax, softmax } from '../../src/ops/softmax.ts';
import { adapters } from '../support/adapters.ts';
import { gradcheck, type GradCheck } from '../support/gradcheck.ts';
import { checkOracle, oracleCases, type OracleBuilder } from '../support/oracle.ts';

const builders: Record<string, OracleBuilder> = {
  softmax: ([x], a) => softmax(x!, a.axis),
  logSoftmax: ([x], a) => logSoftmax(x!, a.axis),
};

const gradients: [string, GradCheck][] = [
  ['softmax on an inner axis', { shapes: [[2, 5, 3]], f: (x) => softmax(x!, 1) }],
  ['log-softmax', { shapes: [[3, 6]], f: (x) => logSoftmax(x!) }],
];

describe.each(adapters)('on %s', (_, engine) => {
  it.each(oracleCases('softmax').map((c) => [`${c.op}: ${c.name}`, c] as const))('%s', async (_name, entry) => {
    await checkOracle(engine, builders[entry.op]!, entry);
  });

  it.each(gradients)('%s: finite differences', async (_name, check) => {
    await gradcheck(engine, check);
  });

  it('takes more lines than one row of workgroups holds', async () => {
    const x = input('x', [2, 2_100_000]);
    const data = Float32Array.from({ length: x.size }, (__, i) => (i < 2_100_000 ? 0 : Math.log(1 + (i % 3))));
    const { y } = await engine.evaluate({ y: softmax(input('x', [2, 2_100_000]), 0) }, { x: data });
    const wrong = y.findIndex((v, i) => {
      const odds = 1 + ((i + 2_100_000 * Number(i < 2_100_000)) % 3);
      return Math.abs(v - (i < 2_100_000 ? 1 : odds) / (1 + odds)) > 1e-6;
    });
    expect(wrong).toBe(-1);
  });
});

describe('refusals', () => {
  it.each<[string, string, () => unknown]>([
    ['integers', 'dtype', () => softmax(input('k', [2, 3], 'i32'))],
    ['integers, log', 'dtype', () => logSoftmax(input('k', [2, 3], 'i32'))],
    ['an axis outside', 'shape', () => softmax(input('x', [2, 3]), 2)],
    ['a scalar', 'shape', () => logSoftmax(input('x', []))],
  ])('%s is the error %s', (_, code, call) => {
    expect(call).toThrow(expect.objectContaining({ code, message: expect.stringContaining('softmax') as string }));
  });
});
