/** Tuning: what is wrong cannot win, what won is used by the next engine, and a damaged store costs nothing but itself. */
import { describe, expect, it, vi } from 'vitest';
import { Engine, type EngineOptions } from '../../src/engine.ts';
import type { Choices } from '../../src/gemm/choose.ts';
import { launch } from '../../src/gemm/families.ts';
import type { Choice, Pass } from '../../src/gemm/family.ts';
import { errorOf } from '../../src/gemm/measure.ts';
import { forwardProblem, type GemmProblem } from '../../src/gemm/problem.ts';
import { adapterKey, Records, type TuningStore } from '../../src/gemm/records.ts';
import { candidates, measure, TOLERANCE, type TuneRuntime } from '../../src/gemm/tune.ts';
import { input } from '../../src/graph/leaves.ts';
import type { Program } from '../../src/plan/program.ts';
import { convAttrs, convGeometry } from '../../src/ops/conv_geometry.ts';
import * as ops from '../../src/ops/index.ts';
import { testEngine } from '../support/engine.ts';
import { spread } from '../support/gradcheck.ts';

const shared = await testEngine();
const inside = (engine: Engine) => engine as unknown as { choices: Choices; runtime: TuneRuntime };
const { choices, runtime } = inside(shared);

/** An engine on the device of the shared one, with its pipelines. */
async function engineWith(tuning: EngineOptions['tuning']): Promise<Engine> {
  const engine = await Engine.create({ device: shared.gpuDevice, ...(tuning && { tuning }) });
  inside(engine).runtime.pipelines = runtime.pipelines;
  return engine;
}

function memory(text?: string): TuningStore & { text: string | undefined; writes: number } {
  const store = {
    name: 'a test',
    text,
    writes: 0,
    read: () => Promise.resolve(store.text),
    write(next: string) {
      [store.text, store.writes] = [next, store.writes + 1];
      return Promise.resolve();
    },
  };
  return store;
}

const shape = { x: [1, 64, 6, 5], w: [20, 64, 3, 3] };
const problem: GemmProblem = forwardProblem(convGeometry(shape.x, shape.w, convAttrs({ padding: 1 })));
const graph = () => ({ y: ops.conv2d(input('x', shape.x), input('w', shape.w), undefined, { padding: 1 }) });
const feeds = { x: spread(1920, 1), w: spread(11_520, 2) };
const kernelsOf = ({ plan }: Program) => plan.steps.map((step) => step.kernel.name);
const tile: Choice = { family: 'tile', tile: '8x2', parts: 1 };

describe('measure', () => {
  it('a candidate that computes something else cannot win, and is told of', async () => {
    const [right, broken] = [tile, { ...tile, parts: 2 }];
    // Of two parts only the first is added up.
    const launched = (p: GemmProblem, choice: Choice): Pass[] =>
      launch(p, choice).map((pass) => {
        const geometry = pass.bindings['geometry'] as Int32Array;
        return choice === broken && 'x' in pass.bindings
          ? {
              ...pass,
              bindings: { ...pass.bindings, geometry: Int32Array.of(...geometry.slice(0, 2), 1, geometry[3]!) },
            }
          : pass;
      });
    const found = await measure(runtime, problem, [broken, right], undefined, launched);
    expect(found.winner).toEqual(right);
    expect(found.wrong).toEqual([{ choice: broken, error: expect.closeTo(1, 0) as number }]);
    expect(found.gflops).toBeGreaterThan(0);
  });

  it('weights of half floats are measured on noise that is finite', async () => {
    const half = forwardProblem(convGeometry(shape.x, shape.w, convAttrs({ padding: 1 })), [], true);
    expect((await measure(runtime, half, [tile])).wrong).toEqual([]);
  });

  it('nor one that does not write its result', async () => {
    const lazy = { ...tile };
    const launched = (p: GemmProblem, choice: Choice): Pass[] =>
      choice === lazy
        ? launch(p, choice).map((pass) => ({ ...pass, bindings: { ...pass.bindings, y: 'residual' as const } }))
        : launch(p, choice);
    const { winner, wrong } = await measure(runtime, problem, [lazy], undefined, launched);
    expect(wrong).toEqual([{ choice: lazy, error: NaN }]);
    expect(winner).toEqual(tile);
  });

  it('missing values are an error however they are compared', () => {
    expect(errorOf(Float32Array.of(1, NaN, 2), Float32Array.of(1, 1, 2))).toBeNaN();
    expect(errorOf(Float32Array.of(1, 3), Float32Array.of(1, 4))).toBe(0.25);
  });

  it('candidates are distinct, fit, and begin with the cost model', () => {
    const all = candidates(problem, choices.device);
    expect(all[0]).toEqual(choices.of(problem));
    expect(new Set(all.map((c) => Object.values(c).join(' '))).size).toBe(all.length);
    expect(all.length).toBeGreaterThan(1);
  });
});

describe('records', () => {
  const info = { vendor: 'v', architecture: 'a', device: 'd', description: 'driver 1' } as GPUAdapterInfo;
  const key = adapterKey(info, choices.device);
  const kept = () => {
    const records = new Records(key);
    records.set(problem, tile, 12.345678);
    return records.mergedInto(undefined);
  };

  it('are of one adapter, one driver, and one source of the kernels', () => {
    expect(Records.of(kept(), key).of(problem, choices.device)).toEqual({ ...tile, gflops: 12.35 });
    const driver2 = adapterKey({ ...info, description: 'driver 2' } as GPUAdapterInfo, choices.device);
    expect(Records.of(kept(), driver2).of(problem, choices.device)).toBeUndefined();
    expect(Records.of(kept(), key, 'another source').of(problem, choices.device)).toBeUndefined();
  });

  it('join what the store has of others, and take the place of what an older source left', () => {
    const others = new Records('another adapter');
    others.set(problem, tile, 1);
    const stale = new Records(key, new Map([['stale', ['tile', '8x2', 1, 1]]]), 'old source');
    const text = Records.of(kept(), key).mergedInto(stale.mergedInto(others.mergedInto(undefined)));
    expect(Records.of(text, 'another adapter').of(problem, choices.device)).toBeDefined();
    expect(Records.of(text, key).of(problem, choices.device)).toBeDefined();
    expect(text).not.toContain('stale');
  });

  it.each([
    ['a tile that there is not', ['tile', '9x9', 1, 1]],
    ['a family that there is not', ['none', '8x2', 1, 1]],
    ['parts that are empty', ['tile', '8x2', 1000, 1]],
    ['no parts', ['tile', '8x2', 0, 1]],
  ])('%s is left out', (_, entry) => {
    const text = kept().replace(/\[\s*"tile"[^\]]*\]/, JSON.stringify(entry));
    expect(Records.of(text, key).of(problem, choices.device)).toBeUndefined();
  });
});

describe('engine.tune', () => {
  it('keeps the winner, which the next engine uses, to the same bits each time', async () => {
    const store = memory();
    const first = await engineWith({ store });
    const program = await first.compile({ outputs: graph() });
    const progress = vi.fn();
    const [tuned] = await first.tune(program, { onProgress: progress });
    expect(tuned).toMatchObject({ layers: ['conv2d'], role: 'forward', shape: { m: 30, n: 20, k: 576 }, wrong: [] });
    expect(tuned!.error).toBeLessThan(TOLERANCE);
    expect(progress).toHaveBeenCalledExactlyOnceWith(1, 1, tuned);
    expect(store.writes).toBe(1);
    const known = await first.tune(program);
    expect(known).toEqual([
      { ...tuned, gflops: expect.closeTo(tuned!.gflops, 0) as number, gain: undefined, error: undefined },
    ]);
    expect(store.writes).toBe(1);

    // Whatever won: another answer in its place, to see that it is the store that is asked.
    const [kept] = Object.values((JSON.parse(store.text!) as { adapters: object }).adapters) as { winners: object }[];
    const [won] = Object.values(kept!.winners) as [string, string, number, number][];
    expect(won!.slice(0, 3)).toEqual(Object.values(tuned!.winner));
    store.text = store.text!.replace(/"winners": \{[^}]*\}/, (all) =>
      all.replace(/\[[^\]]*\]/, '["tile", "8x2", 2, 1]'),
    );
    const next = await engineWith({ store });
    const cached = await next.compile({ outputs: graph() });
    expect(kernelsOf(cached)).toContain('gemm_tile 8');
    expect(kernelsOf(cached)).toContain('gemm_finish');
    const runs = [await cached.run(feeds), await cached.run(feeds)];
    expect(runs[1]).toEqual(runs[0]);
    const off = await engineWith({ mode: 'off', store });
    expect(kernelsOf(await off.compile({ outputs: graph() }))).toEqual(kernelsOf(program));
    for (const engine of [first, next, off]) await engine.dispose();
  });

  it("mode 'full' measures at compilation what is not known", async () => {
    const store = memory();
    const engine = await engineWith({ mode: 'full', store });
    await engine.compile({ outputs: graph() });
    expect(store.writes).toBe(1);
    await engine.compile({ outputs: graph() });
    expect(store.writes).toBe(1);
    await engine.dispose();
  });

  it('aborted, it keeps what was measured by then', async () => {
    const store = memory();
    const engine = await engineWith({ store });
    const { y } = graph();
    const second = ops.conv2d(y, input('v', [8, 20, 1, 1]));
    const program = await engine.compile({ outputs: { second } });
    const stop = new AbortController();
    const onProgress = () => stop.abort();
    await expect(engine.tune(program, { signal: stop.signal, onProgress })).rejects.toMatchObject({
      name: 'AbortError',
    });
    expect(
      Records.of(store.text, adapterKey(shared.adapterInfo, choices.device)).of(problem, choices.device),
    ).toBeDefined();
    await engine.dispose();
  });

  it.each(['no JSON', '{"version":2}', '{"version":1,"adapters":{"a":{"source":"s","winners":{"p":[1]}}}}'])(
    'a store that holds %s is told of, and counts as empty',
    async (text) => {
      const warn = vi.fn();
      const store = memory(text);
      const engine = await engineWith({ store, warn });
      expect(warn).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('a test is left out'));
      await engine.tune(await engine.compile({ outputs: graph() }));
      expect(JSON.parse(store.text!)).toMatchObject({ version: 1 });
      await engine.dispose();
    },
  );

  it('a mode that there is not is refused', async () => {
    await expect(engineWith({ mode: 'fast' as 'off' })).rejects.toMatchObject({ code: 'invalid-argument' });
  });
});
