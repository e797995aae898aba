/** Variables that begin as zeros: none of them on the host, and the same values as if they had been given. */
import { expect, it } from 'vitest';
import { input, Variable } from '../../src/graph/leaves.ts';
import * as ops from '../../src/ops/index.ts';
import { assign } from '../../src/ops/effects.ts';
import { sgd } from '../../src/train/optimizers.ts';
import { testEngine } from '../support/engine.ts';

it('are read, changed and read again like given ones, and nothing is uploaded for them', async () => {
  const engine = await testEngine();
  const z = new Variable('z', [2, 3], 'zeros');
  expect(z.isZero).toBe(true);
  expect(await engine.read(z)).toEqual(new Float32Array(6));
  const { queue } = engine.gpuDevice;
  const uploads: string[] = [];
  const write = queue.writeBuffer.bind(queue) as (...args: unknown[]) => undefined;
  queue.writeBuffer = ((...args: [GPUBuffer, ...unknown[]]) => {
    uploads.push(args[0].label);
    return write(...args);
  }) as typeof queue.writeBuffer;
  try {
    const x = input('x', [2, 3]);
    const y = ops.add(z.tensor, x);
    const program = await engine.compile({ outputs: { y }, updates: [assign(z, y)] });
    const data = Float32Array.of(1, 2, 3, 4, 5, 6);
    expect((await program.run({ x: data })).y).toEqual(data);
    expect((await program.run({ x: data })).y).toEqual(data.map((v) => 2 * v));
    expect(await engine.read(z)).toEqual(data.map((v) => 2 * v));
    program.dispose();
  } finally {
    queue.writeBuffer = write as typeof queue.writeBuffer;
  }
  expect(uploads).toContain('x');
  expect(uploads).not.toContain('z');
  engine.release([z]);
});

it("an optimiser's moments are such variables", () => {
  const p = new Variable('p', [4], Float32Array.of(1, 2, 3, 4));
  const { state } = sgd({ lr: 0.1, momentum: 0.9 }).slot(p);
  expect(state.map((v) => [v.name, v.isZero])).toEqual([['p.momentum', true]]);
});
