/** Where a program's time goes: every dispatch, with its layer, role and work; and nothing else changes. */
import { describe, expect, it } from 'vitest';
import { grad } from '../../src/autograd/grad.ts';
import { Engine } from '../../src/engine.ts';
import { input, Variable } from '../../src/graph/leaves.ts';
import { withName, withRole } from '../../src/graph/tensor.ts';
import { openAdapter } from '../../src/node/adapter.ts';
import * as ops from '../../src/ops/index.ts';
import { assign } from '../../src/ops/effects.ts';
import { chromeTrace } from '../../src/plan/trace.ts';
import { adapters } from '../support/adapters.ts';
import { spread } from '../support/gradcheck.ts';

/** A convolution in a layer of its own, and a step on its weights. */
function step() {
  const x = input('x', [2, 8, 6, 6]);
  const w = new Variable('w', [8, 8, 3, 3], spread(8 * 8 * 9), 'hwio');
  const y = withName('layer', () => ops.conv2d(x, w.tensor, undefined, { pads: [1, 1, 1, 1] }));
  const loss = ops.sum(ops.square(y));
  const [g] = grad(loss, [w.tensor]);
  const update = withRole('update', () => assign(w, ops.add(w.tensor, ops.affine(g!, -0.01))));
  return { w, request: { outputs: { loss }, updates: [update] } };
}

const feeds = { x: spread(2 * 8 * 36) };

describe.each(adapters)('a profile on %s', (_, engine) => {
  it.each(['timestamps', 'submissions'] as const)('has every dispatch, by %s', async (method) => {
    const { request } = step();
    const program = await engine.compile(request);
    const seen: number[] = [];
    const profile = await program.profile(feeds, { method, rounds: 2, onProgress: (done) => seen.push(done) });
    expect(profile.method).toBe(method);
    expect(seen).toEqual([1, 2]);
    const { dispatches, flops } = program.stats;
    const roles = profile.dispatches.map((d) => d.role);
    for (const [role, count] of Object.entries(dispatches)) {
      expect(roles.filter((r) => r === role)).toHaveLength(count);
    }
    expect(profile.dispatches.map((d) => d.name)).toContain('layer');
    const total = (of: 'flops' | 'ms') => profile.dispatches.reduce((sum, d) => sum + d[of], 0);
    expect(total('flops')).toBeCloseTo(flops, 3);
    expect(total('ms')).toBeCloseTo(profile.ms, 6);
    expect(profile.ms).toBeGreaterThan(0);
    expect(profile.wallMs).toBeGreaterThan(0);
    const [convolution] = profile.dispatches.filter((d) => d.op === 'conv2d' && d.flops > 0);
    // Read: picture and weights; written: the result; sizes and parameters are small.
    const least = 4 * (2 * 8 * 36 + 8 * 8 * 9 + 2 * 8 * 36);
    expect(convolution!.bytes).toBeGreaterThanOrEqual(least);
    expect(convolution!.bytes).toBeLessThan(2 * least);
    expect(convolution!.flops).toBeGreaterThanOrEqual(2 * 2 * 36 * 8 * 8 * 9);
    program.dispose();
  });

  it('leaves variables and memory as they were, and keeps its place among the runs', async () => {
    const { w, request } = step();
    const program = await engine.compile(request);
    await program.run(feeds);
    const [before, { memory }] = [await engine.read(w), engine];
    const profiled = program.profile(feeds, { rounds: 1 });
    const later = program.run(feeds);
    await profiled;
    const { loss } = await later;
    const after = await engine.read(w);
    await engine.write(w, before);
    expect([...(await program.run(feeds)).loss]).toEqual([...loss]);
    expect(await engine.read(w)).toEqual(after);
    expect(after).not.toEqual(before);
    expect(engine.memory).toEqual(memory);
    program.dispose();
  });

  it('can be aborted, and takes back what it did', async () => {
    const { w, request } = step();
    const program = await engine.compile(request);
    await program.run(feeds);
    const before = await engine.read(w);
    const abort = new AbortController();
    const options = { rounds: 1000, signal: abort.signal, onProgress: () => abort.abort() };
    await expect(program.profile(feeds, options)).rejects.toMatchObject({ name: 'AbortError' });
    expect(await engine.read(w)).toEqual(before);
    program.dispose();
  });

  it('refuses feeds and options that are none', async () => {
    const program = await engine.compile(step().request);
    await expect(program.profile({})).rejects.toMatchObject({ code: 'missing-feed' });
    await expect(program.profile(feeds, { rounds: 0 })).rejects.toMatchObject({ code: 'invalid-argument' });
    program.dispose();
    await expect(program.profile(feeds)).rejects.toMatchObject({ code: 'disposed' });
  });
});

it('goes by submissions where the device has no timestamps', async () => {
  const { adapter } = await openAdapter();
  const engine = await Engine.create({ device: await adapter.requestDevice() });
  const program = await engine.compile({ outputs: { y: ops.exp(input('x', [3])) } });
  const one = { x: [1, 2, 3] };
  expect((await program.profile(one, { rounds: 1 })).method).toBe('submissions');
  await expect(program.profile(one, { method: 'timestamps' })).rejects.toMatchObject({ code: 'limit-exceeded' });
  await engine.dispose();
});

it('becomes a trace: dispatches end to end, within a bar for each layer and role', () => {
  const one = { op: 'conv2d', workgroups: [1, 2, 3], samples: [], flops: 4, bytes: 8, gflops: 1, gbs: 2 } as const;
  const dispatches = [
    { ...one, name: 'a', role: 'forward', kernel: 'gemm', ms: 2 },
    { ...one, name: 'a', role: 'forward', kernel: 'finish', ms: 1 },
    { ...one, name: 'a', role: 'input-gradient', kernel: 'gemm', ms: 3 },
  ] as const;
  const profile = { method: 'timestamps', ms: 6, wallMs: 7, dispatches: [...dispatches] } as const;
  const trace = chromeTrace(profile, { model: 'm' });
  const bars = trace.traceEvents.filter((e) => e.ph === 'X').map(({ name, cat, ts, dur }) => [name, cat, ts, dur]);
  expect(bars).toEqual([
    ['a', 'forward', 0, 3000],
    ['gemm', 'forward', 0, 2000],
    ['finish', 'forward', 2000, 1000],
    ['a', 'input-gradient', 3000, 3000],
    ['gemm', 'input-gradient', 3000, 3000],
  ]);
  expect(trace.otherData).toEqual({ model: 'm', method: 'timestamps', ms: 6, wallMs: 7 });
  expect(trace.traceEvents.at(-1)!.args).toMatchObject({ workgroups: '1 x 2 x 3', 'GFLOP/s': 1 });
});
