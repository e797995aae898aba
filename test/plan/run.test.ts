/** What a run means: the order of the calls, data copied at the call, errors of its own, ends, aborts, nothing that grows. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import type { Engine } from '../../src/engine.ts';
import { unary } from '../../src/gpu/kernels.gen.ts';
import { input, Variable } from '../../src/graph/leaves.ts';
import type { Op } from '../../src/graph/op.ts';
import { apply1, type Tensor } from '../../src/graph/tensor.ts';
import * as ops from '../../src/ops/index.ts';
import { adapters } from '../support/adapters.ts';

/** Enough work to be under way for a while. */
const slow = (x: Tensor, times = 12) => {
  for (let i = 0; i < times; i++) x = ops.tanh(ops.matmul(x, x));
  return x;
};

const disposed = { code: 'disposed' };
const aborted = { name: 'AbortError' };

/** A memory baseline: destroyed buffers are counted out at once. */
const flat = async (engine: Engine, work: () => Promise<unknown>) => {
  const before = engine.memory;
  await work();
  expect(engine.memory).toEqual(before);
};

describe.each(adapters)('on %s', (_, engine) => {
  describe('feeds', () => {
    it('are copied at the call: refilling their buffer changes no run that was asked for', async () => {
      const program = await engine.compile({ outputs: { y: ops.affine(input('x', [3]), 2) } });
      const buffer = new Float32Array(3);
      const runs: Promise<{ y: Float32Array }>[] = [];
      for (let i = 0; i < 9; i++) runs.push(program.run({ x: buffer.fill(i) }));
      buffer.fill(NaN);
      expect((await Promise.all(runs)).map((r) => r.y[2])).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16]);
      program.dispose();
    });

    it('are copied for a program that still compiles', async () => {
      const program = engine.prepare({ outputs: { y: ops.affine(input('x', [2]), 3, 0.125) } });
      const buffer = Float32Array.of(1, 2);
      const run = program.run({ x: buffer });
      buffer.fill(NaN);
      expect([...(await run).y]).toEqual([3.125, 6.125]);
      program.dispose();
    });

    it('are refused where they are no numbers for the input', async () => {
      const outputs = { y: ops.concat([input('i', [2], 'i32'), input('j', [2], 'i32')], 0) };
      const program = await engine.compile({ outputs });
      await expect(program.run({ i: [1.5, 2], j: [0, 0] })).rejects.toMatchObject({ code: 'dtype' });
      await expect(program.run({ i: [1, NaN], j: [0, 0] })).rejects.toMatchObject({ code: 'dtype' });
      await expect(program.run({ i: null as any, j: [0, 0] })).rejects.toMatchObject({ code: 'shape' });
      program.dispose();
    });
  });

  describe('run, write, read and update', () => {
    it('happen in the order of the calls, across programs', async () => {
      const v = new Variable('v', [], Float32Array.of(1));
      const show = await engine.compile({ outputs: { v: ops.affine(v.tensor, 10) } });
      const next = await engine.compile({ outputs: {}, updates: [ops.assign(v, ops.affine(v.tensor, 1, 1))] });
      const value = (n: number) => Float32Array.of(n);
      const seen: Promise<unknown>[] = [];
      const note = (work: Promise<Float32Array | { v: Float32Array }>) =>
        seen.push(work.then((r) => ('v' in r ? r.v[0] : r[0])));
      const buffer = value(7);
      note(show.run());
      void next.run();
      note(engine.read(v));
      const writes = [engine.write(v, buffer)];
      buffer.fill(NaN);
      note(show.run());
      note(engine.read(v));
      void next.run();
      void next.run();
      note(show.run());
      writes.push(engine.write(v, value(0)));
      note(engine.read(v));
      expect(await Promise.all(seen)).toEqual([10, 2, 70, 7, 90, 0]);
      await Promise.all(writes);
      show.dispose();
      next.dispose();
      engine.release([v]);
    });

    it('keep that order while an earlier program compiles', async () => {
      const v = new Variable('v', [], Float32Array.of(1));
      const program = engine.prepare({ outputs: { v: ops.affine(v.tensor, 5, 0.5) } });
      const first = program.run();
      const write = engine.write(v, Float32Array.of(2));
      expect([(await first).v[0], (await program.run()).v[0]]).toEqual([5.5, 10.5]);
      await write;
      program.dispose();
    });
  });

  describe('an error', () => {
    /** WGSL that does not compile. */
    const broken: Op<object> = {
      name: 'broken',
      infer: ([x]) => [{ shape: x!.shape, dtype: 'f32' }],
      lower(ctx, { inputs: [x], outputs: [y] }) {
        const kernel = { ...unary, name: 'broken', code: `${unary.code}\nfn oops() -> u32 { return 1.5; }` } as const;
        const [source, target] = [ctx.read(x!), ctx.write(y!)];
        const bindings = Object.fromEntries(Object.keys(unary.bindings).map((name, i) => [name, i ? target : source]));
        ctx.dispatch(kernel, { bindings: bindings as any, workgroups: [1] });
      },
    };

    it('of a compilation is its own, with kernel and line', async () => {
      await flat(engine, async () => {
        const x = input('x', [4]);
        const [bad, good] = [
          engine.compile({ outputs: { y: apply1(broken, [x], {}) } }),
          engine.compile({ outputs: { y: ops.neg(x) } }),
        ];
        await expect(bad).rejects.toMatchObject({
          code: 'kernel-invalid',
          message: expect.stringMatching(/kernel broken does not compile: line \d+/),
        });
        expect([...(await (await good).run({ x: [1, 2, 3, 4] })).y]).toEqual([-1, -2, -3, -4]);
        (await good).dispose();
      });
    });

    it('of a run is its own, and no other program hears of it', async () => {
      const x = input('x', [2]);
      const [bad, good] = [
        await engine.compile({ outputs: { y: ops.exp(x) } }),
        await engine.compile({ outputs: { y: ops.neg(x) } }),
      ];
      (bad as any).instance.places[0].buffer.destroy();
      const runs = [good, bad, good, good].map((p) => p.run({ x: [1, 2] }));
      await expect(runs[1]).rejects.toMatchObject({
        code: 'kernel-invalid',
        message: expect.stringContaining('a run'),
      });
      for (const i of [0, 2, 3]) expect([...(await runs[i]!).y]).toEqual([-1, -2]);
      bad.dispose();
      good.dispose();
    });
  });

  describe('the end', () => {
    it('of a program waits for the runs that were asked for', async () => {
      await flat(engine, async () => {
        const program = await engine.compile({ outputs: { y: slow(input('x', [32, 32])) } });
        const runs = Array.from({ length: 5 }, () => program.run({ x: new Float32Array(32 * 32) }));
        program.dispose();
        program.dispose();
        await expect(program.run({ x: new Float32Array(32 * 32) })).rejects.toMatchObject(disposed);
        expect((await Promise.all(runs)).every((r) => r.y.every((v) => v === 0))).toBe(true);
      });
    });

    it('of a program that still compiles comes after its runs', async () => {
      await flat(engine, async () => {
        const program = engine.prepare({ outputs: { y: ops.affine(input('x', [1]), 4, 0.25) } });
        const run = program.run({ x: [1] });
        program.dispose();
        expect((await run).y[0]).toBe(4.25);
      });
    });

    it('of a variable is not that of the programs that use it', async () => {
      await flat(engine, async () => {
        const v = new Variable('v', [2], Float32Array.of(1, 2));
        const read = await engine.compile({ outputs: { y: ops.affine(v.tensor, 2) } });
        const add = await engine.compile({ outputs: {}, updates: [ops.assign(v, ops.affine(v.tensor, 1, 1))] });
        const before = engine.read(v);
        engine.release([v]);
        engine.release([v]);
        await add.run();
        expect([...(await read.run()).y]).toEqual([4, 6]);
        expect([...(await before)]).toEqual([1, 2]);
        const gone = { ...disposed, message: expect.stringContaining('the variable v was released') };
        await expect(engine.read(v)).rejects.toMatchObject(gone);
        await expect(engine.write(v, new Float32Array(2))).rejects.toMatchObject(gone);
        await expect(engine.compile({ outputs: { y: ops.neg(v.tensor) } })).rejects.toMatchObject(gone);
        add.dispose();
        expect([...(await read.run()).y]).toEqual([4, 6]);
        read.dispose();
      });
    });
  });

  describe('an abort', () => {
    const x = input('x', [96, 96]);
    const feeds = { x: new Float32Array(96 * 96).fill(1e-3) };

    it('rejects runs under way and runs that wait, at once, and leaves nothing', async () => {
      await flat(engine, async () => {
        const program = await engine.compile({ outputs: { y: slow(x, 20) } });
        await program.run(feeds);
        const control = new AbortController();
        const runs = Array.from({ length: 6 }, () => program.run(feeds, { signal: control.signal }));
        let gpuDone = false;
        const done = engine.gpuDevice.queue.onSubmittedWorkDone().then(() => (gpuDone = true));
        control.abort();
        for (const run of runs) await expect(run).rejects.toMatchObject(aborted);
        expect(gpuDone, 'they waited for the GPU').toBe(false);
        await done;
        await expect(program.run(feeds, { signal: control.signal })).rejects.toMatchObject(aborted);
        // Two were with the GPU; the four that waited were never begun, so that the next one is third in line.
        expect((await program.run(feeds)).y).toHaveLength(96 * 96);
        program.dispose();
      });
    });

    it('stops compilations and evaluations, with the reason given', async () => {
      await flat(engine, async () => {
        const reason = new Error('no longer needed');
        const control = new AbortController();
        // Pipelines that no other test has made.
        const fresh = Array.from({ length: 24 }, (_, i) => ops.mean(ops.softmax(ops.affine(x, 1, i)), [0]));
        const y = fresh.reduce((a, b) => ops.add(a, b));
        const works = [
          engine.compile({ outputs: { y } }, { signal: control.signal }),
          engine.evaluate({ y }, feeds, { signal: control.signal }),
        ];
        control.abort(reason);
        for (const work of works) await expect(work).rejects.toBe(reason);
        await expect(engine.compile({ outputs: { y } }, { signal: control.signal })).rejects.toBe(reason);
      });
      expect((await engine.evaluate({ y: ops.neg(input('x', [1])) }, { x: [2] })).y[0]).toBe(-2);
    });

    it('of a read leaves the variable', async () => {
      const v = new Variable('v', [2], Float32Array.of(1, 2));
      await engine.write(v, Float32Array.of(3, 4));
      const control = new AbortController();
      const read = engine.read(v, { signal: control.signal });
      control.abort();
      await expect(read).rejects.toMatchObject(aborted);
      expect([...(await engine.read(v))]).toEqual([3, 4]);
      engine.release([v]);
    });
  });
});

it('a thousand runs leave buffers, bytes and the heap as they were', { timeout: 60_000 }, async () => {
  const [, engine] = adapters[0]!;
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const v = new Variable('v', [4], new Float32Array(4));
  const y = ops.affine(input('x', [4]), 2);
  const program = await engine.compile({ outputs: { y }, updates: [ops.assign(v, y)], updateIf: y });
  const { signal } = new AbortController();
  const rounds = async (count: number) => {
    for (let i = 0; i < count; i += 4) {
      await Promise.all(Array.from({ length: 4 }, () => program.run({ x: [i, 1, 2, 3] }, { signal })));
      await engine.read(v, { signal });
    }
    await new Promise((resolve) => setTimeout(resolve));
    collect();
    return process.memoryUsage().heapUsed;
  };
  const heap = [await rounds(400)];
  const before = engine.memory;
  heap.push(await rounds(1000));
  expect(engine.memory).toEqual(before);
  // 620 bytes a run, kept by a promise that every run raced, would be 620,000.
  // Noise of the collector; what a run left behind before was 1.7 MB.
  expect(heap[1]! - heap[0]!).toBeLessThan(400_000);
  program.dispose();
  engine.release([v]);
});
