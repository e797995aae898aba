/** Ops that move elements: values and gradients against PyTorch on both adapters, finite differences, refusals. */
import { describe, expect, it } from 'vitest';
import { constant, input } from '../../src/graph/leaves.ts';
import * as ops from '../../src/ops/index.ts';
import { adapters } from '../support/adapters.ts';
import { gradcheck, type GradCheck } from '../support/gradcheck.ts';
import { checkOracle, oracleCases, oracleConstant, type OracleBuilder } from '../support/oracle.ts';

const builders: Record<string, OracleBuilder> = {
  gather: ([x], a) => ops.gather(x!, Array.isArray(a.index) ? a.index : oracleConstant(a.index), a.axis),
  pad: ([x], a) => ops.pad(x!, a.before, a.after, Number(a.value ?? 0), a.mode),
  split: ([x], a) => ops.split(x!, a.sizes, a.axis),
  tile: ([x], a) => ops.tile(x!, a.repeats),
  concat: (parts, a) => ops.concat(parts.length === 2 && a.axis === 1 ? [...parts, parts[0]!] : parts, a.axis),
  slice: ([x], a) => ops.slice(x!, a.starts, a.sizes, a.steps),
  transpose: ([x], a) => ops.transpose(x!, a.perm),
  broadcastTo: ([x], a) => ops.broadcastTo(x!, a.shape),
};

const gradients: [string, Omit<GradCheck, 'probes'>][] = [
  ['reshape', { shapes: [[2, 3, 4]], f: (x) => ops.square(ops.reshape(x!, [4, -1])) }],
  ['transpose', { shapes: [[2, 3, 4]], f: (x) => ops.square(ops.transpose(x!, [2, 0, 1])) }],
  ['slice with steps', { shapes: [[7, 9]], f: (x) => ops.square(ops.slice(x!, [1, 8], [3, 4], [2, -2])) }],
  ['concat', { shapes: [[2, 3, 2], [2, 1, 2]], f: (a, b) => ops.square(ops.concat([a!, b!, a!], 1)) }], // prettier-ignore
  ['broadcastTo', { shapes: [[3, 1]], f: (x) => ops.square(ops.broadcastTo(x!, [2, 3, 4])) }],
  ['gather', { shapes: [[3, 5]], f: (x) => ops.square(ops.gather(x!, [4, 0, -1, 0], 1)) }],
  [
    'gather by a tensor',
    { shapes: [[4, 3]], f: (x) => ops.square(ops.gather(x!, constant(Int32Array.of(3, 3, 1, 0), [2, 2]))) },
  ],
  [
    'pad reflect',
    { shapes: [[1, 2, 4, 3]], f: (x) => ops.square(ops.pad(x!, [0, 0, 3, 1], [0, 0, 1, 2], 0, 'reflect')) },
  ],
  ['pad edge', { shapes: [[5]], f: (x) => ops.square(ops.pad(x!, [2], [3], 0, 'edge')) }],
  ['pad wrap', { shapes: [[3, 4]], f: (x) => ops.square(ops.pad(x!, [4, 1], [2, 9], 0, 'wrap')) }],
  ['pad and crop', { shapes: [[4, 5]], f: (x) => ops.square(ops.pad(x!, [1, -2], [-2, 1], 0.5)) }],
  [
    'split',
    {
      shapes: [[2, 7]],
      f: (x) => {
        const [a, , c] = ops.split(x!, [2, 3, 2], 1);
        return ops.mul(a!, ops.square(c!));
      },
    },
  ],
  ['tile', { shapes: [[2, 3]], f: (x) => ops.square(ops.tile(x!, [3, 2])) }],
];

describe.each(adapters)('on %s', (_, engine) => {
  it.each(oracleCases('shapes').map((c) => [`${c.op}: ${c.name}`, c] as const))('%s', async (_name, entry) => {
    await checkOracle(engine, builders[entry.op]!, entry);
  });

  it('whole groups of four are moved as such: padded, sliced and joined as single elements are', async () => {
    const [x, groups] = [input('x', [2, 3, 8]), input('g', [2, 3, 8], 'i32')];
    const data = Float32Array.from({ length: 48 }, (_, i) => i + 0.5);
    const y = ops.pad(ops.slice(x, [0, 1, 4], [2, 2, 4]), [0, 1, 4], [0, 0, 4], -7.25);
    const joined = ops.concat([groups, ops.slice(groups, [0, 0, 0], [2, 3, 4])], 2);
    const values = await engine.evaluate({ y, joined }, { x: data, g: Int32Array.from(data) });
    const at = (n: number, r: number, c: number) =>
      r < 0 || c < 0 || c > 3 ? -7.25 : data[n * 24 + (r + 1) * 8 + 4 + c]!;
    const index = (i: number, ...dims: number[]) => dims.map((d, k) => Math.floor(i / dims.slice(k + 1).reduce((a, b) => a * b, 1)) % d); // prettier-ignore
    expect([...values.y]).toEqual(
      Array.from({ length: 72 }, (_, i) => index(i, 2, 3, 12)).map(([n, r, c]) => at(n!, r! - 1, c! - 4)),
    );
    expect([...values.joined]).toEqual(
      Array.from({ length: 72 }, (_, i) => index(i, 6, 12)).map(([r, c]) => r! * 8 + (c! < 8 ? c! : c! - 8)),
    );
  });

  it.each(gradients)('%s: finite differences', async (_name, check) => {
    await gradcheck(engine, { probes: 12, ...check });
  });
});

describe('refusals', () => {
  const x = input('x', [3, 5]);
  const k = input('k', [3, 5], 'i32');
  it.each<[string, string, () => unknown]>([
    ['gather: a float index', 'dtype', () => ops.gather(x, input('i', [2]))],
    ['gather: an index outside', 'invalid-argument', () => ops.gather(x, [0, 5], 1)],
    ['gather: an index outside, negative', 'invalid-argument', () => ops.gather(x, constant(Int32Array.of(-4)), 0)],
    ['gather: half an index', 'invalid-argument', () => ops.gather(x, [0.5])],
    ['gather: an axis outside', 'shape', () => ops.gather(x, [0], 2)],
    ['pad: too few amounts', 'shape', () => ops.pad(x, [1], [1])],
    ['pad: half an element', 'shape', () => ops.pad(x, [0.5, 0], [0, 0])],
    ['pad: more cropped than there is', 'shape', () => ops.pad(x, [-2, 0], [-2, 0])],
    ['pad: a fraction into integers', 'dtype', () => ops.pad(k, [1, 0], [0, 0], 0.5)],
    ['pad: an unknown mode', 'invalid-argument', () => ops.pad(x, [1, 0], [0, 0], 0, 'mirror' as 'reflect')],
    ['pad: reflection of nothing', 'shape', () => ops.pad(input('e', [0, 2]), [1, 0], [0, 0], 0, 'reflect')],
    ['concat: unlike types', 'dtype', () => ops.concat([x, k], 0)],
    ['concat: nothing', 'shape', () => ops.concat([], 0)],
    ['concat: unlike extents', 'shape', () => ops.concat([x, input('z', [3, 4])], 0)],
    ['concat: an axis outside', 'shape', () => ops.concat([x, x], 2)],
    ['split: sizes that do not add up', 'shape', () => ops.split(x, [2, 2], 1)],
    ['split: parts that come out negative', 'shape', () => ops.split(x, 4, 1)],
    ['split: no part', 'shape', () => ops.split(x, 0, 0)],
    ['tile: too few repeats', 'shape', () => ops.tile(x, [2])],
    ['tile: negative repeats', 'shape', () => ops.tile(x, [2, -1])],
    ['slice: beyond the end', 'shape', () => ops.slice(x, [0, 3], [3, 3])],
    ['slice: step 0', 'shape', () => ops.slice(x, [0, 0], [3, 2], [1, 0])],
    ['slice: too few sizes', 'shape', () => ops.slice(x, [0, 0], [3])],
    ['transpose: an axis twice', 'shape', () => ops.transpose(x, [1, 1])],
    ['broadcastTo: another extent', 'shape', () => ops.broadcastTo(x, [3, 4])],
  ])('%s is the error %s', (name, code, call) => {
    expect(call).toThrow(expect.objectContaining({ code, message: expect.stringContaining(name.split(':')[0]!.replace('broadcastTo', 'broadcast_to')) as string })); // prettier-ignore
  });
});
