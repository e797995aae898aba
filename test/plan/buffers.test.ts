/** Inputs and outputs that stay on the device: the same values, copied at the call, owned by who the docs say. */
import { describe, expect, it } from 'vitest';
import { resnetGraph } from '../../scripts/resnet.ts';
import type { Engine } from '../../src/engine.ts';
import { GPU_USAGE } from '../../src/gpu/device.ts';
import { input, Variable } from '../../src/graph/leaves.ts';
import { Model } from '../../src/model/model.ts';
import { encodeOnnx } from '../../src/onnx/export.ts';
import { importOnnx } from '../../src/onnx/network.ts';
import * as ops from '../../src/ops/index.ts';
import { adapters } from '../support/adapters.ts';
import { freshEngine } from '../support/engine.ts';
import { spread } from '../support/gradcheck.ts';

const { COPY_SRC, COPY_DST, STORAGE, MAP_READ } = GPU_USAGE;

function bufferOf({ gpuDevice }: Engine, values: ArrayLike<number>, usage = STORAGE | COPY_SRC | COPY_DST): GPUBuffer {
  const buffer = gpuDevice.createBuffer({ size: 4 * values.length, usage, label: 'mine' });
  gpuDevice.queue.writeBuffer(buffer, 0, Float32Array.from(values));
  return buffer;
}

const code = (work: Promise<unknown>) => work.then(() => 'none', (e: { code: string }) => e.code); // prettier-ignore

describe.each(adapters)('on %s', (_, engine) => {
  describe('a feed in a buffer', () => {
    it('is that of the host: whole, and a part', async () => {
      const program = await engine.compile({ outputs: { y: ops.affine(input('x', [2, 2]), 2, 1) } });
      const buffer = bufferOf(engine, [9, 9, 1, 2, 3, 4, 9]);
      expect([...(await program.run({ x: { buffer, offset: 8, size: 16 } })).y]).toEqual([3, 5, 7, 9]);
      const whole = bufferOf(engine, [1, 2, 3, 4]);
      expect([...(await program.run({ x: whole })).y]).toEqual([3, 5, 7, 9]);
      expect((await program.profile({ x: whole }, { rounds: 1 })).dispatches).toHaveLength(1);
      for (const b of [buffer, whole]) b.destroy();
      program.dispose();
    });

    it('is copied at the call, also for a program that still compiles and where runs wait', async () => {
      const before = engine.memory;
      const program = engine.prepare({ outputs: { y: ops.affine(input('x', [2]), 3, 0.375) } });
      const buffer = bufferOf(engine, [0, 0]);
      const runs: Promise<{ y: Float32Array }>[] = [];
      for (let i = 0; i < 6; i++) {
        engine.gpuDevice.queue.writeBuffer(buffer, 0, Float32Array.of(i, -i));
        runs.push(program.run({ x: buffer }));
      }
      engine.gpuDevice.queue.writeBuffer(buffer, 0, Float32Array.of(NaN, NaN));
      buffer.destroy();
      const results = await Promise.all(runs);
      expect(results.map(({ y }) => y[0])).toEqual([0, 1, 2, 3, 4, 5].map((i) => 3 * i + 0.375));
      program.dispose();
      expect(engine.memory).toEqual(before);
    });

    it('is refused by name where it does not fit, and the engine goes on', async () => {
      const counter = new Variable('counter', [], Float32Array.of(0));
      const x = input('x', [4]);
      const updates = [ops.assign(counter, ops.affine(counter.tensor, 1, 1))];
      const program = await engine.compile({ outputs: { y: ops.affine(x, 2) }, updates });
      const good = bufferOf(engine, [1, 2, 3, 4]);
      const refused = (x: GPUBuffer | GPUBufferBinding) => code(program.run({ x }));
      expect(await refused(bufferOf(engine, [1, 2]))).toBe('shape');
      expect(await refused(bufferOf(engine, [1, 2, 3, 4, 5]))).toBe('shape');
      expect(await refused(bufferOf(engine, [1, 2, 3, 4], STORAGE | COPY_DST))).toBe('invalid-argument');
      expect(await refused({ buffer: good, offset: 8, size: 16 })).toBe('invalid-argument');
      expect(await refused({ buffer: good, offset: 2, size: 12 })).toBe('invalid-argument');
      const mapped = engine.gpuDevice.createBuffer({ size: 16, usage: COPY_SRC, mappedAtCreation: true });
      expect(await refused(mapped)).toBe('invalid-argument');
      mapped.destroy();
      const gone = bufferOf(engine, [1, 2, 3, 4]);
      gone.destroy();
      expect(await refused(gone)).toBe('invalid-argument');
      // The same where it is copied for later.
      const held = [program.run({ x: good }), program.run({ x: good })];
      expect(await refused(gone)).toBe('invalid-argument');
      await Promise.all(held);
      // Nothing was computed, nor updated, with what could not be read.
      expect([...(await program.run({ x: good })).y]).toEqual([2, 4, 6, 8]);
      expect((await engine.read(counter))[0]).toBe(3);
      program.dispose();
    });
  });

  describe('outputs in buffers', () => {
    it('hold what run gives, row-major and no more, and feed the next program', async () => {
      const x = input('x', [2, 3]);
      const first = await engine.compile({ outputs: { y: ops.transpose(x, [1, 0]), at: ops.argmax(x, 1) } });
      const before = engine.memory;
      const values = [1, 5, 2, 7, 0, 3];
      const { y, at } = await first.runToBuffers({ x: values });
      expect([...(await engine.readBuffer(y))]).toEqual([1, 7, 5, 0, 2, 3]);
      const bits = await engine.readBuffer(at);
      expect([...new Int32Array(bits.buffer)]).toEqual([1, 0]);
      expect([y.size, at.size, y.usage & STORAGE]).toEqual([24, 8, STORAGE]);
      const next = await engine.compile({ outputs: { z: ops.affine(input('y', [3, 2]), 10) } });
      expect([...(await next.run({ y })).z]).toEqual([10, 70, 50, 0, 20, 30]);
      next.dispose();
      // They are the caller's: no program or engine counts or destroys them.
      expect(engine.memory).toEqual(before);
      first.dispose();
      expect((await engine.readBuffer(y))[1]).toBe(7);
      y.destroy();
      at.destroy();
      expect(await code(engine.readBuffer(y))).toBe('invalid-argument');
    });

    it('are not there where the run was held back, or could not begin', async () => {
      const v = new Variable('v', [1], Float32Array.of(1));
      const loss = ops.div(input('x', [1]), v.tensor);
      const program = await engine.compile({ outputs: { loss }, updates: [ops.assign(v, loss)], updateIf: loss });
      expect(await code(program.runToBuffers({ x: [Infinity] }))).toBe('not-finite');
      const { loss: buffer } = await program.runToBuffers({ x: [6] });
      expect((await engine.readBuffer(buffer))[0]).toBe(6);
      expect((await engine.read(v))[0]).toBe(6);
      buffer.destroy();
      expect(await code(program.runToBuffers({ y: [1] }))).toBe('unknown-name');
      program.dispose();
      expect(await code(program.runToBuffers({ x: [1] }))).toBe('disposed');
    });
  });
});

it('an engine leaves outputs in buffers to whoever has them', async () => {
  const engine = await freshEngine();
  const program = await engine.compile({ outputs: { y: ops.affine(input('x', [1]), 2) } });
  const { y } = await program.runToBuffers({ x: [4] });
  await engine.dispose();
  const other = await freshEngine();
  expect((await other.readBuffer(y))[0]).toBe(8);
  y.destroy();
  await other.dispose();
});

it('buffers of another device are refused', async () => {
  const [own, other] = adapters.map(([, engine]) => engine);
  if (!own || !other) return;
  const program = await own.compile({ outputs: { y: ops.affine(input('x', [1]), 2) } });
  const foreign = bufferOf(other, [1]);
  expect(await code(program.run({ x: foreign }))).toBe('invalid-argument');
  expect(await code(own.readBuffer(foreign))).toBe('invalid-argument');
  foreign.destroy();
  program.dispose();
});

it('a model runs on them, classifies them and gives its outputs in them', async () => {
  const engine = adapters[0]![1];
  const file = resnetGraph({ widths: [4], blocks: [1], strides: [1], stem: 8, side: 16, classes: ['a', 'b', 'c'], mean: [0.5, 0.4, 0.3], std: [0.2, 0.25, 0.3], seed: 3 }); // prettier-ignore
  const model = new Model(engine, await importOnnx(encodeOnnx(file)));
  const two = spread(2 * 3 * 16 * 16);
  const one = two.subarray(0, two.length / 2);
  const buffer = bufferOf(engine, two);
  const first = { buffer, size: one.byteLength };
  expect(await model.run(buffer)).toEqual(await model.run(two));
  expect(await model.classify(first)).toEqual(await model.classify(one));
  expect(await model.pixels(first)).toEqual(one);
  const { logits, probabilities } = await model.runToBuffers(first);
  const expected = await model.run(one);
  expect(await engine.readBuffer(logits)).toEqual(expected.logits);
  expect(await engine.readBuffer(probabilities)).toEqual(expected.probabilities);
  expect(await code(model.run({ buffer, size: 16 }))).toBe('shape');
  expect(await code(model.classify(buffer))).toBe('shape');
  const unread = engine.gpuDevice.createBuffer({ size: one.byteLength, usage: MAP_READ | COPY_DST });
  expect(await code(model.classify(unread))).toBe('invalid-argument');
  for (const b of [buffer, logits, probabilities, unread]) b.destroy();
  model.dispose();
});
