/** Gather by indices that come at run time, and its gradient scatter_add: repeated indices, the same bits each time. */
import { describe, expect, it } from 'vitest';
import { grad } from '../../src/autograd/grad.ts';
import { input } from '../../src/graph/leaves.ts';
import * as ops from '../../src/ops/index.ts';
import { adapters } from '../support/adapters.ts';
import { spread } from '../support/gradcheck.ts';
import { checkOracle, oracleCases } from '../support/oracle.ts';

describe.each(adapters)('on %s', (_, engine) => {
  it.each(oracleCases('scatter').map((c) => [c.name, c] as const))('%s: against PyTorch', async (_name, entry) => {
    await checkOracle(engine, ([x, index], { axis }) => ops.gather(x!, index!, axis as number), entry);
  });

  it('adds up many repeated indices in their order: the same bits twice, and as a loop in float32', async () => {
    const count = 999;
    const [x, index, seed] = [input('x', [3, 2]), input('index', [count], 'i32'), input('seed', [count, 2])];
    const [dx] = grad(ops.gather(x, index), [x], { seed });
    const program = await engine.compile({ outputs: { dx: dx! } });
    const feeds = { index: Int32Array.from({ length: count }, (_, i) => ((i * i) % 7) % 3), seed: spread(2 * count) };
    const expected = new Float32Array(6);
    feeds.index.forEach((k, j) => [0, 1].forEach((c) => (expected[2 * k + c]! += feeds.seed[2 * j + c]!)));
    const first = await program.run(feeds);
    const second = await program.run(feeds);
    program.dispose();
    expect(first.dx).toEqual(expected);
    expect(second.dx).toEqual(first.dx);
  });
});
