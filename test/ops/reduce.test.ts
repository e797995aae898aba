/** Reductions: values and gradients against PyTorch on both adapters, finite differences, long sums, refusals. */
import { describe, expect, it } from 'vitest';
import { input } from '../../src/graph/leaves.ts';
import * as ops from '../../src/ops/index.ts';
import { adapters } from '../support/adapters.ts';
import { gradcheck, spread, type GradCheck } from '../support/gradcheck.ts';
import { checkOracle, oracleCases, type OracleBuilder } from '../support/oracle.ts';
import { tolerance } from '../tolerance.ts';

const kinds = ['sum', 'mean', 'max', 'min', 'prod', 'l1', 'norm', 'sumSquare', 'logSum', 'logSumExp'] as const;

const builders: Record<string, OracleBuilder> = {
  ...Object.fromEntries(kinds.map((k): [string, OracleBuilder] => [k, ([x], a) => ops[k](x!, a.axes, a.keepdims)])),
  variance: ([x], a) => ops.variance(x!, a.axes, a.keepdims, a.correction),
  argmax: ([x], { axis, ...options }) => ops.argmax(x!, axis, options),
  argmin: ([x], { axis, ...options }) => ops.argmin(x!, axis, options),
};

const positive = (n: number) => [spread(n).map((v) => v + 1.5)];
const gradients: [string, GradCheck][] = [
  ['sum over an inner axis', { shapes: [[3, 4, 5]], f: (x) => ops.square(ops.sum(x!, [1])) }],
  ['mean over all', { shapes: [[3, 5]], f: (x) => ops.square(ops.mean(x!)) }],
  ['mean over pixels', { shapes: [[2, 3, 4, 5]], f: (x) => ops.square(ops.mean(x!, [2, 3])) }],
  ['max and min', { shapes: [[4, 9]], f: (x) => ops.add(ops.max(x!, [1]), ops.min(x!, [1])) }],
  ['variance', { shapes: [[5, 7]], f: (x) => ops.variance(x!, [0], true, 1) }],
  ['norm', { shapes: [[3, 4]], f: (x) => ops.norm(x!, [1]) }],
  ['prod', { shapes: [[3, 2, 3]], f: (x) => ops.prod(x!, [0, 2]), values: positive(18) }],
  ['l1 and sumSquare', { shapes: [[3, 5]], f: (x) => ops.mul(ops.l1(x!, [0]), ops.sumSquare(x!, [0])) }],
  ['logSum', { shapes: [[3, 4]], f: (x) => ops.logSum(x!, [1]), values: positive(12) }],
  ['logSumExp', { shapes: [[2, 3, 4]], f: (x) => ops.logSumExp(x!, [0, 2]) }],
];

describe.each(adapters)('on %s', (_, engine) => {
  it.each(oracleCases('reductions').map((c) => [`${c.op}: ${c.name}`, c] as const))('%s', async (_name, entry) => {
    await checkOracle(engine, builders[entry.op]!, entry);
  });

  it.each(gradients)('%s: finite differences', async (_name, check) => {
    await gradcheck(engine, { probes: 12, ...check });
  });

  it('adds up a million elements in parts, and 66,000 rows by themselves', async () => {
    const all = input('all', [1024, 1031]);
    const rows = input('rows', [66_000 * 64, 2]);
    const data = Float32Array.from({ length: all.size }, (__, i) => (i % 7) - 3 + (i === 777_777 ? 5000 : 0));
    const pairs = Float32Array.from({ length: rows.size }, (__, i) => i % 1000);
    const outputs = { sum: ops.sum(all), max: ops.max(all), arg: ops.argmax(all, 0), rows: ops.sum(rows, [1]) };
    const result = await engine.evaluate(outputs, { all: data, rows: pairs });
    const expected = data.reduce((n, v) => n + v, 0);
    expect(Math.abs(result.sum[0]! - expected) / expected).toBeLessThan(tolerance.op);
    expect(result.max[0]).toBe(Math.max(...Array.from({ length: 9 }, (__, i) => data[777_773 + i]!)));
    expect(result.arg[777_777 % 1031]).toBe(Math.floor(777_777 / 1031));
    expect(result.rows.every((v, i) => v === pairs[2 * i]! + pairs[2 * i + 1]!)).toBe(true);
  });
});

describe('refusals', () => {
  const x = input('x', [3, 0, 2]);
  const k = input('k', [3, 5], 'i32');
  it.each<[string, string, () => unknown]>([
    ...kinds.map((kind): [string, string, () => unknown] => [`${kind} of integers`, 'dtype', () => ops[kind](k, [0])]),
    ['argmax of integers', 'dtype', () => ops.argmax(k, 0)],
    ['max of nothing', 'shape', () => ops.max(x, [1])],
    ['min of nothing', 'shape', () => ops.min(x)],
    ['argmin of nothing', 'shape', () => ops.argmin(x, 1)],
    ['an axis outside', 'shape', () => ops.sum(x, [3])],
    ['half an axis', 'shape', () => ops.prod(x, [0.5])],
    ['an axis outside, argmax', 'shape', () => ops.argmax(x, -4)],
  ])('%s is the error %s', (_, code, call) => {
    expect(call).toThrow(expect.objectContaining({ code }));
  });

  it('takes the maximum of no rows', () => {
    expect(ops.max(x, [2]).shape).toEqual([3, 0]);
  });
});
