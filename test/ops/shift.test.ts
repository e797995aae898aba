/** Cyclic shifts: values and gradients against torch.roll on both adapters. */
import { describe, it } from 'vitest';
import { constant } from '../../src/graph/leaves.ts';
import { shift2d } from '../../src/ops/shift.ts';
import { adapters } from '../support/adapters.ts';
import { checkOracle, oracleCases } from '../support/oracle.ts';

describe.each(adapters)('on %s', (_, engine) => {
  it.each(oracleCases('shift').map((c) => [c.name, c] as const))('%s', async (_name, entry) => {
    await checkOracle(engine, ([x], { offset }) => shift2d(x!, constant(Int32Array.from(offset as number[]))), entry);
  });
});
