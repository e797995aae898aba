/** `updateIf`: a run in which anything that the updates depend on is NaN or infinite changes nothing, and says what it was. */
import { describe, expect, it } from 'vitest';
import { grad } from '../../src/autograd/grad.ts';
import { constant, input, Variable } from '../../src/graph/leaves.ts';
import * as ops from '../../src/ops/index.ts';
import { sgd, SETTINGS } from '../../src/train/optimizers.ts';
import { adapters } from '../support/adapters.ts';

describe.each(adapters)('on %s', (_, engine) => {
  const bad = [NaN, Infinity, -Infinity];

  it('nothing changes while a guard is no number', async () => {
    const [guard, x] = [input('guard', []), input('x', [3])];
    const [v, w] = [new Variable('v', [3], Float32Array.of(1, 2, 3)), new Variable('w', [], Float32Array.of(0))];
    const updates = [ops.assign(v, x), ops.assign(w, constant([7], []))];
    const program = await engine.compile({ outputs: {}, updates, updateIf: guard });
    const values = async () => [...(await engine.read(v)), ...(await engine.read(w))];
    for (const value of bad) {
      const run = program.run({ guard: [value], x: [4, 5, 6] });
      await expect(run).rejects.toMatchObject({ code: 'not-finite', message: expect.stringContaining('the guard') });
      expect(await values()).toEqual([1, 2, 3, 0]);
    }
    await program.run({ guard: [1], x: [4, 5, 6] });
    expect(await values()).toEqual([4, 5, 6, 7]);
    program.dispose();
  });

  it('what an update reads counts too, at any place in it, and is named', async () => {
    // Thirteen tensors are three dispatches; sizes that end inside a group of four lanes, and one of many workgroups.
    const sizes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 70_001];
    const variables = sizes.map((n, i) => new Variable(`v${i}`, [n], new Float32Array(n)));
    const values = sizes.map((n, i) => input(`x${i}`, [n]));
    const updates = variables.map((v, i) => ops.assign(v, values[i]!));
    const loss = input('loss', []);
    const program = await engine.compile({ outputs: { loss }, updates, updateIf: loss });
    const feeds = () => ({
      loss: [0],
      ...Object.fromEntries(sizes.map((n, i) => [`x${i}`, new Float32Array(n).fill(1)])),
    });
    for (const [at, where] of [
      [0, 0],
      [4, 4],
      [6, 6],
      [11, 0],
      [12, 70_000],
      [12, 33_333],
    ] as const) {
      const some: Record<string, any> = feeds();
      some[`x${at}`][where] = -Infinity;
      await expect(program.run(some)).rejects.toMatchObject({
        code: 'not-finite',
        message: `the new value of v${at} is NaN or infinite: nothing was updated`,
      });
    }
    const first: Record<string, any> = feeds();
    first['x9'][3] = first['x2'][1] = NaN;
    await expect(program.run(first)).rejects.toThrow('the new value of v2');
    for (const v of variables) expect((await engine.read(v)).every((x: number) => x === 0)).toBe(true);
    await program.run(feeds());
    for (const v of variables) expect((await engine.read(v)).every((x: number) => x === 1)).toBe(true);
    program.dispose();
  });

  it('a finite loss with an infinite gradient leaves parameters, moments and statistics', async () => {
    const p = new Variable('p', [2], Float32Array.of(0, 4));
    const statistic = new Variable('running_mean', [], Float32Array.of(2));
    const optimizer = sgd({ lr: 1, momentum: 0.9 });
    // d sqrt(p) / dp at 0 is infinite, sqrt(0) is not.
    const loss = ops.sum(ops.sqrt(p.tensor));
    const [gradient] = grad(loss, [p.tensor]);
    const slot = optimizer.slot(p);
    const settings = input('settings', [SETTINGS]);
    const updates = [slot.update(gradient!, settings), ops.emaUpdate(statistic, loss, 0.5)];
    const program = await engine.compile({ outputs: { loss }, updates, updateIf: loss });
    const run = () => program.run({ settings: optimizer.settings(1, 1) });
    const values = async () => [
      ...(await engine.read(p)),
      ...(await engine.read(slot.state[0]!)),
      ...(await engine.read(statistic)),
    ];
    await expect(run()).rejects.toMatchObject({
      code: 'not-finite',
      message: expect.stringContaining('the gradient of p'),
    });
    expect(await values()).toEqual([0, 4, 0, 0, 2]);
    await engine.write(p, Float32Array.of(4, 4));
    expect((await run()).loss[0]).toBe(4);
    expect(await values()).toEqual([3.75, 3.75, 0.25, 0.25, 3]);
    await expect(program.run({ settings: optimizer.settings(1, NaN) })).rejects.toThrow('the learning rate of p');
    expect(await values()).toEqual([3.75, 3.75, 0.25, 0.25, 3]);
    program.dispose();
  });

  it('a variable may be its own guard: its value before the run counts', async () => {
    const w = new Variable('w', [], Float32Array.of(NaN));
    const program = await engine.compile({
      outputs: {},
      updates: [ops.assign(w, input('x', []))],
      updateIf: [w.tensor],
    });
    await expect(program.run({ x: [7] })).rejects.toThrow('the w is NaN');
    expect(await engine.read(w)).toEqual(Float32Array.of(NaN));
    await expect(engine.compile({ outputs: {}, updates: [], updateIf: input('i', [], 'i32') })).rejects.toMatchObject({
      code: 'dtype',
    });
    program.dispose();
  });
});
