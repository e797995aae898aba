/** Several engines, shared devices, lost ones, full ones; what is disposed of stays disposed of. */
import { describe, expect, it } from 'vitest';
import { Engine } from '../src/engine.ts';
import { grad } from '../src/autograd/grad.ts';
import { input, Variable } from '../src/graph/leaves.ts';
import { createEngine } from '../src/node/index.ts';
import * as ops from '../src/ops/index.ts';
import { adapters } from './support/adapters.ts';
import { spread } from './support/gradcheck.ts';

/** A training step with all that a plan has: frozen and trained variables, constants, hoisted values, a guard. */
function step() {
  const x = input('x', [2, 4, 6, 6]);
  const w = new Variable('w', [4, 4, 3, 3], spread(144, 3), 'hwio');
  const head = new Variable('head', [4, 3], spread(12, 5));
  const y = ops.relu(ops.conv2d(x, w.tensor, undefined, { pads: [1, 1, 1, 1] }));
  const scale = ops.exp(ops.affine(head.tensor, 0.1));
  const loss = ops.mean(ops.square(ops.matmul(ops.mean(y, [2, 3]), scale)));
  const [g] = grad(loss, [w.tensor]);
  const updates = [ops.assign(w, ops.sub(w.tensor, ops.affine(g!, 0.1)))];
  return { w, head, request: { outputs: { loss, g: g! }, updates, updateIf: loss }, feeds: { x: spread(288) } };
}

const disposed = { code: 'disposed' };

describe.each(adapters)('on %s', (_, engine) => {
  it('a plan compiled once runs on two engines with the same bits', async () => {
    const { w, head, request, feeds } = step();
    const other = await Engine.create({ device: engine.gpuDevice });
    const first = await engine.compile(request);
    const second = await other.instantiate(first.plan);
    for (let i = 0; i < 3; i++) expect(await second.run(feeds)).toEqual(await first.run(feeds));
    expect(await other.read(w)).toEqual(await engine.read(w));
    // Their variables are their own.
    await other.write(w, new Float32Array(144));
    expect((await second.run(feeds)).loss[0]).toBe(0);
    expect((await first.run(feeds)).loss[0]).toBeGreaterThan(0);
    first.dispose();
    engine.release([w, head]);
    expect((await second.run(feeds)).loss[0]).toBe(0);
    await other.dispose();
  });

  it('a plan that counts on another width of subgroups is refused', async () => {
    const { w, head, request } = step();
    const { plan } = engine.prepare(request);
    await expect(engine.instantiate({ ...plan, subgroup: 3 })).rejects.toMatchObject({ code: 'limit-exceeded' });
    engine.release([w, head]);
  });

  it('engines on one device: one goes, the device and the others stay', async () => {
    const device = engine.gpuDevice;
    const [a, b] = [await Engine.create({ device, description: 'shared' }), await Engine.create({ device })];
    expect([a.description, a.gpuDevice === device, b.adapterInfo.vendor]).toEqual([
      'shared',
      true,
      engine.adapterInfo.vendor,
    ]);
    const x = input('x', [8]);
    const [p, q] = [await a.compile({ outputs: { y: ops.neg(x) } }), await b.compile({ outputs: { y: ops.neg(x) } })];
    const runs = [p, q, p, q].map((program, i) => program.run({ x: new Float32Array(8).fill(i) }));
    expect((await Promise.all(runs)).map((r) => r.y[7])).toEqual([-0, -1, -2, -3]);
    expect(b.description.length).toBeGreaterThan(0);
    const theirs = device.createBuffer({ size: 16, usage: GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST });
    await a.dispose();
    expect(a.memory).toEqual({ buffers: 0, bytes: 0 });
    await expect(p.run({ x: new Float32Array(8) })).rejects.toMatchObject(disposed);
    expect((await q.run({ x: new Float32Array(8).fill(5) })).y[0]).toBe(-5);
    device.queue.writeBuffer(theirs, 0, new Float32Array(4));
    await b.dispose();
    theirs.destroy();
    await expect(Engine.create({ device, adapter: {} as GPUAdapter })).rejects.toMatchObject({
      code: 'invalid-argument',
    });
  });

  it('takes no error of another user of the device, and gives none', async () => {
    const own = await createOn(engine);
    const { gpuDevice } = own;
    const heard: string[] = [];
    gpuDevice.addEventListener('uncapturederror', (event) => heard.push(event.error.message));
    const program = await own.compile({ outputs: { y: ops.neg(input('x', [1])) } });
    const runs = [program.run({ x: [1] })];
    // A usage that does not exist with mapping: invalid, and the other user's to hear of.
    gpuDevice.createBuffer({ size: 16, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.STORAGE, label: 'theirs' });
    runs.push(program.run({ x: [2] }));
    expect((await Promise.all(runs)).map((r) => r.y[0])).toEqual([-1, -2]);
    await expect.poll(() => heard.length).toBe(1);
    expect(heard[0]).toContain('theirs');
    (program as any).instance.places[0].buffer.destroy();
    await expect(program.run({ x: [1] })).rejects.toMatchObject({ code: 'kernel-invalid' });
    expect(heard).toHaveLength(1);
    await own.dispose();
  });

  describe('a device that is lost', () => {
    it('rejects what is under way with device-lost, never with an AbortError', { timeout: 30_000 }, async () => {
      const own = await createOn(engine);
      const v = new Variable('v', [4], new Float32Array(4));
      const x = input('x', [64, 64]);
      let y = x;
      for (let i = 0; i < 12; i++) y = ops.tanh(ops.matmul(y, x));
      const program = await own.compile({
        outputs: { y },
        updates: [ops.assign(v, ops.slice(ops.reshape(y, [-1]), [0], [4]))],
      });
      const works: Promise<unknown>[] = [
        ...Array.from({ length: 4 }, () => program.run({ x: new Float32Array(64 * 64) })),
        own.read(v),
        own.write(v, new Float32Array(4)),
        own.compile({ outputs: { y: ops.log(ops.affine(x, 0.123)) } }),
      ];
      own.gpuDevice.destroy();
      const outcomes = await Promise.allSettled(works);
      for (const outcome of outcomes.slice(0, 6)) {
        expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'device-lost' } });
      }
      expect(outcomes[6]).toMatchObject({ reason: { code: 'device-lost' } });
      expect(await own.lost).toMatchObject({ code: 'device-lost' });
      await expect(program.run({ x: new Float32Array(64 * 64) })).rejects.toMatchObject({ code: 'device-lost' });
      await own.dispose();
      await expect(program.run({ x: new Float32Array(64 * 64) })).rejects.toMatchObject(disposed);
    });
  });

  describe('an engine that is disposed of', () => {
    it('ends what was asked for before, and refuses everything after', async () => {
      const own = await createOn(engine);
      const { w, request, feeds } = step();
      const program = await own.compile(request);
      const works = [program.run(feeds), program.run(feeds), program.run(feeds), own.read(w)];
      const end = own.dispose();
      expect(own.dispose()).toBe(end);
      for (const late of [
        () => program.run(feeds),
        () => own.read(w),
        () => own.write(w, new Float32Array(144)),
        () => own.compile(request),
        () => own.instantiate(program.plan),
        () => own.evaluate({ y: ops.neg(input('x', [1])) }, { x: [1] }),
      ]) {
        await expect(late()).rejects.toMatchObject(disposed);
      }
      await Promise.all(works);
      await end;
      expect(own.memory).toEqual({ buffers: 0, bytes: 0 });
      program.dispose();
      own.release([w]);
    });

    it('is free at once where nothing is under way', async () => {
      const own = await createOn(engine);
      await own.compile({ outputs: { y: ops.neg(input('x', [1])) } });
      void own.dispose();
      expect(own.memory).toEqual({ buffers: 0, bytes: 0 });
    });
  });

  describe('without memory', () => {
    const outOfMemory = { code: 'out-of-memory' };

    /** Has the driver refuse the buffers called `label`, by asking it for more than there is. */
    function refuse(label: RegExp): () => void {
      const gpu = engine.gpuDevice;
      const create = gpu.createBuffer.bind(gpu);
      gpu.createBuffer = (d) => create(label.test(d.label ?? '') ? { ...d, size: gpu.limits.maxBufferSize } : d);
      return () => void Reflect.deleteProperty(gpu, 'createBuffer');
    }

    it.each(['intermediates', 'results', 'v'])(
      'for %s, a compilation rejects and leaves nothing; a retry works',
      async (label) => {
        const before = engine.memory;
        const v = new Variable('v', [2], Float32Array.of(3, 4));
        const request = { outputs: { y: ops.exp(ops.mul(v.tensor, input('x', [2]))) } };
        const restore = refuse(new RegExp(`^${label}`));
        await expect(engine.compile(request)).rejects.toMatchObject(outOfMemory);
        restore();
        expect(engine.memory).toEqual(before);
        const program = await engine.compile(request);
        expect([...(await program.run({ x: [0, 0] })).y]).toEqual([1, 1]);
        program.dispose();
        engine.release([v]);
        expect(engine.memory).toEqual(before);
      },
    );

    it('a variable in use is as before, and a failed write rejects', async () => {
      const v = new Variable('v', [2], Float32Array.of(3, 4));
      await engine.write(v, Float32Array.of(5, 6));
      const { queue } = engine.gpuDevice;
      const upload = queue.writeBuffer.bind(queue);
      queue.writeBuffer = () =>
        void engine.gpuDevice.createBuffer({ size: engine.gpuDevice.limits.maxBufferSize, usage: 8 });
      const failed = engine.write(v, Float32Array.of(7, 8));
      queue.writeBuffer = upload;
      await expect(failed).rejects.toMatchObject({ ...outOfMemory, message: expect.stringContaining('a write of v') });
      expect([...(await engine.read(v))]).toEqual([5, 6]);
      await engine.write(v, Float32Array.of(7, 8));
      expect([...(await engine.read(v))]).toEqual([7, 8]);
      const restore = refuse(/^a read of v/);
      await expect(engine.read(v)).rejects.toMatchObject(outOfMemory);
      restore();
      expect([...(await engine.read(v))]).toEqual([7, 8]);
      engine.release([v]);
    });

    it('a run that wants room for a second result rejects alone', async () => {
      const program = await engine.compile({ outputs: { y: ops.neg(input('x', [2])) } });
      const restore = refuse(/^results/);
      const runs = [program.run({ x: [1, 2] }), program.run({ x: [3, 4] })];
      restore();
      await expect(runs[1]).rejects.toMatchObject(outOfMemory);
      expect([...(await runs[0]!).y]).toEqual([-1, -2]);
      expect([...(await program.run({ x: [5, 6] })).y]).toEqual([-5, -6]);
      program.dispose();
    });
  });
});

/** Another engine on an adapter like that of `engine`. */
const createOn = (engine: Engine) =>
  createEngine(/swiftshader/i.test(engine.description) ? { adapter: 'swiftshader' } : {});
