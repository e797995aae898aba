/** Parameters on the device alone: what the host holds, and how they come back where they are needed again. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { resnetGraph } from '../../scripts/resnet.ts';
import type { Engine } from '../../src/engine.ts';
import { Model } from '../../src/model/model.ts';
import { createEngine } from '../../src/node/index.ts';
import { encodeOnnx } from '../../src/onnx/export.ts';
import { importOnnx, loadOnnx } from '../../src/onnx/index.ts';
import { spread } from '../support/gradcheck.ts';

const shape = { blocks: [1], strides: [1], stem: 8, side: 16, classes: ['a', 'b', 'c'], mean: [0, 0, 0], std: [1, 1, 1] }; // prettier-ignore
const small = encodeOnnx(resnetGraph({ ...shape, widths: [4], seed: 3 }));
const picture = Float32Array.from(spread(3 * 16 * 16));
const blob = (bytes: Uint8Array) => new Blob([bytes as Uint8Array<ArrayBuffer>]);

async function lose(engine: Engine): Promise<void> {
  engine.gpuDevice.destroy();
  await engine.lost;
}

async function held(): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  // What a turn of the event loop still holds goes with the next one.
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    collect();
  }
  return process.memoryUsage().arrayBuffers;
}

it('after the first run the host holds no weights, unless asked to', async () => {
  const file = blob(encodeOnnx(resnetGraph({ ...shape, widths: [192], seed: 3 })));
  const engine = await createEngine();
  for (const hostCopy of [false, true]) {
    const before = await held();
    const model = await loadOnnx(engine, file, { hostCopy });
    const weights = [...model.network.parameters.values()].reduce((n, p) => n + 4 * p.variable.tensor.size, 0);
    expect(weights).toBeGreaterThan(1_900_000);
    await model.run(picture);
    const more = (await held()) - before;
    if (hostCopy) expect(more).toBeGreaterThan(0.95 * weights);
    else expect(more).toBeLessThan(0.05 * weights);
    model.dispose();
  }
  await engine.dispose();
});

it('after a loss they are read again, once for all of them, and are the same', async () => {
  const engine = await createEngine();
  let reads = 0;
  const again = () => (reads++, Promise.resolve(small));
  const model = new Model(engine, await importOnnx(small, { again }));
  const { logits } = await model.run(picture);
  const state = await model.state();
  await lose(engine);
  await engine.restore();
  expect((await model.run(picture)).logits).toEqual(logits);
  expect(await model.state()).toEqual(state);
  expect(reads).toBe(1);

  // Another engine has them from there too; a head of its own comes from the host.
  const other = await createEngine();
  expect((await new Model(other, model.network).run(picture)).logits).toEqual(logits);
  expect(reads).toBe(2);
  await other.dispose();
  model.replaceHead('fc', { classes: 5, seed: 1 });
  const changed = await model.run(picture);
  await lose(engine);
  await engine.restore();
  expect((await model.run(picture)).logits).toEqual(changed.logits);
  await engine.dispose();
});

it('what is written while they are read stays, and a read waits for them', async () => {
  const engine = await createEngine();
  const opened: (() => void)[] = [];
  const again = () => new Promise<Uint8Array>((resolve) => opened.push(() => resolve(small)));
  const model = new Model(engine, await importOnnx(small, { again }));
  const { logits } = await model.run(picture);
  const { variable: bias } = model.parameter('fc.bias');
  const { variable: weight } = model.parameter('fc.weight');
  const first = await engine.read(weight);
  await lose(engine);
  const restored = engine.restore();
  await expect.poll(() => opened.length).toBe(1);
  const written = engine.write(bias, Float32Array.of(100, 0, 0));
  const read = engine.read(weight);
  const running = model.run(picture);
  opened[0]!();
  await Promise.all([restored, written]);
  expect(await read).toEqual(first);
  expect((await running).logits[0]! - logits[0]!).toBeGreaterThan(99);
  expect([...(await engine.read(bias))]).toEqual([100, 0, 0]);
  await engine.dispose();
});

it('bytes cannot be read twice, nor a file that has changed: the error says so, and values of one’s own are taken', async () => {
  const engine = await createEngine();
  const model = await loadOnnx(engine, small);
  const { logits } = await model.run(picture);
  const state = await model.state();
  expect(() => model.parameter('fc.bias').variable.initial).toThrow(/not in memory any more/);
  await lose(engine);
  await expect(engine.restore()).rejects.toMatchObject({
    code: 'file-missing',
    remedy: expect.stringMatching(/hostCopy/),
  });
  await engine.restore({ values: (v) => state.get(v.name) });
  expect((await model.run(picture)).logits).toEqual(logits);
  model.dispose();

  const trained = encodeOnnx(resnetGraph({ ...shape, widths: [4], seed: 4 }));
  const changing = new Model(engine, await importOnnx(small, { again: () => Promise.resolve(trained) }));
  await changing.run(picture);
  await lose(engine);
  await expect(engine.restore()).rejects.toMatchObject({ code: 'file-format' });
  await engine.dispose();
});
