/** Gather with indices fed at run time; its gradient adds up in the order of the indices: the same bits every time. */
import { describe, expect, it } from 'vitest';
import { grad } from '../../src/autograd/grad.ts';
import { constant, input } from '../../src/graph/leaves.ts';
import { mul } from '../../src/ops/binary.ts';
import { gather } from '../../src/ops/gather.ts';
import { sum } from '../../src/ops/reduce.ts';
import { adapters } from '../support/adapters.ts';
import { spread } from '../support/gradcheck.ts';
import { checkOracle, oracleCases } from '../support/oracle.ts';

describe.each(adapters)('on %s', (_, engine) => {
  it.each(oracleCases('scatter').map((c) => [c.name, c] as const))('%s', async (_name, entry) => {
    await checkOracle(engine, ([x, index], { axis }) => gather(x!, index!, axis), entry);
  });

  it('many indices of one place give the same bits twice', async () => {
    const [x, index] = [input('x', [5, 3]), input('index', [400], 'i32')];
    const y = gather(x, index);
    const [g] = grad(sum(mul(y, constant(spread(1200), [400, 3]))), [x]);
    const program = await engine.compile({ outputs: { g: g! } });
    const at = Int32Array.from({ length: 400 }, (__, i) => (i * 7) % 3);
    const once = await program.run({ index: at });
    expect((await program.run({ index: at })).g).toEqual(once.g);
    program.dispose();
  });
});
