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

  it.each(gradients)('%s: finite differences', async (_name, check) => {
    await gradcheck(engine, { probes: 12, ...check });
  });
});
