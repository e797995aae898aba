/** An engine behind a port gives what it gives beside one: values, events, errors, aborts. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resnetGraph } from '../../scripts/resnet.ts';
import type { Engine as LocalEngine } from '../../src/engine.ts';
import { explain as explainHere } from '../../src/explain/index.ts';
import { loadOnnx as loadHere } from '../../src/onnx/index.ts';
import { encodeOnnx } from '../../src/onnx/export.ts';
import { fit as fitHere, inMemory, sgd as sgdHere } from '../../src/train/index.ts';
import { host } from '../../src/worker/host.ts';
import { ascend, Engine, explain, expose, fit, loadOnnx, sgd, transfer, type Model, type Port } from '../../src/worker/index.ts'; // prettier-ignore
import { testEngine } from '../support/engine.ts';
import { spread } from '../support/gradcheck.ts';

const side = 16;
const file = encodeOnnx(resnetGraph({ widths: [4, 8], blocks: [1, 1], strides: [1, 2], stem: 4, side, classes: ['a', 'b', 'c'], mean: [0, 0, 0], std: [1, 1, 1], seed: 3 })); // prettier-ignore
const picture = Float32Array.from(spread(3 * side * side));
const data = inMemory(
  [0, 1, 2, 1].map((label, i) => ({ input: picture.map((v) => v * (i + 1) * 0.3), label })),
  ['a', 'b', 'c'],
);

let here: LocalEngine;
let engine: Engine;
let model: Model;
let ports: MessageChannel;

beforeAll(async () => {
  here = await testEngine();
  ports = new MessageChannel();
  // It is the tests' own engine, which a disposal must not end.
  const lent = Object.assign(Object.create(here) as LocalEngine, { dispose: () => Promise.resolve() });
  expose(
    host(() => Promise.resolve(lent)),
    ports.port2 as Port,
  );
  engine = await Engine.create({ worker: ports.port1 as Port });
  model = await loadOnnx(engine, file);
});

afterAll(() => {
  ports.port1.close();
});

const options = { epochs: 1, batchSize: 2 };

describe('a model in a Worker', () => {
  it('knows what the one here knows', async () => {
    const local = await loadHere(here, file);
    expect(engine.description).toBe(here.description);
    expect(model.labels).toEqual(local.labels);
    expect([model.classes, model.pictureShape, model.layers.children.length]).toEqual([3, [3, side, side], local.network.root.children.length]); // prettier-ignore
    expect(model.parameters.map(({ name }) => name)).toEqual([...local.network.parameters.keys()]);
  });

  it('classifies, runs, explains and saves to the same bits', async () => {
    const local = await loadHere(here, file);
    expect(await model.classify(picture, { top: 2 })).toEqual(await local.classify(picture, { top: 2 }));
    expect(await model.run(picture)).toEqual(await local.run(picture));
    const asked = { method: 'integrated-gradients', steps: 4, target: 'b' } as const;
    const seen: number[] = [];
    const map = await explain(model, picture, { ...asked, onProgress: ({ done }) => seen.push(done) });
    expect(map).toEqual(await explainHere(local, picture, asked));
    expect(seen.length).toBeGreaterThan(1);
    const { method, steps } = asked;
    const both = await explain(model, picture, { method, steps, targets: ['a', 'b'] });
    expect(both.map(({ label }) => label)).toEqual(['a', 'b']);
    expect(await model.saveOnnx()).toEqual(await local.saveOnnx());
  });

  it('moves pixels that are marked, and copies others', async () => {
    const pixels = picture.slice();
    const { logits } = await model.run(pixels);
    expect(pixels.length).toBe(picture.length);
    expect((await model.run(transfer(pixels))).logits).toEqual(logits);
    expect(pixels.length).toBe(0);
  });

  it('trains to the same bits on data of the page, with a new head', async () => {
    const [there, local] = [await loadOnnx(engine, file), await loadHere(here, file)];
    const losses: number[] = [];
    const expected: number[] = [];
    there
      .replaceHead('fc', { classes: ['x', 'y', 'z'], seed: 4 })
      .freeze()
      .unfreeze('fc');
    local
      .replaceHead('fc', { classes: ['x', 'y', 'z'], seed: 4 })
      .freeze()
      .unfreeze('fc');
    const renamed = { ...data, classes: ['x', 'y', 'z'] };
    for await (const event of fit(there, renamed, { ...options, optimizer: sgd({ lr: 0.1 }) })) {
      if (event.type !== 'step') continue;
      losses.push(event.loss);
      expect([...(await event.gradients()).keys()]).toEqual(['fc.weight', 'fc.bias']);
    }
    for await (const event of fitHere(local, renamed, { ...options, optimizer: sgdHere({ lr: 0.1 }) }))
      if (event.type === 'step') expected.push(event.loss);
    expect(losses).toHaveLength(2);
    expect(losses).toEqual(expected);
    expect(there.labels).toEqual(['x', 'y', 'z']);
    expect(await there.state()).toEqual(await local.state());
  });

  it('draws frames until the loop is left, and keeps the best', async () => {
    const ascent = ascend(model, { objective: 'channel(layer2,1)', steps: 9, seed: 2 });
    for await (const frame of ascent) {
      expect((await frame.image()).length).toBe(picture.length);
      if (frame.step === 2) break;
    }
    expect((await ascent.best()).step).toBeLessThanOrEqual(2);
  });

  it('gives errors with code and remedy; those of a change at the next call', async () => {
    await expect(loadOnnx(engine, Uint8Array.of(1, 2, 3))).rejects.toMatchObject({ name: 'WgradError', code: 'onnx-parse' }); // prettier-ignore
    const refused = explain(model, picture, { method: 'grad-cam', layer: 'lair2' });
    await expect(refused).rejects.toMatchObject({ code: 'unknown-name' });
    model.unfreeze('nothing*');
    await expect(model.run(picture)).rejects.toMatchObject({ code: 'unknown-name', remedy: expect.any(String) });
    expect((await model.run(picture)).logits).toHaveLength(3);
    const asked = explain(model, picture, { method: 'gradient', target: () => { throw new Error('called'); } }); // prettier-ignore
    await expect(asked).rejects.toThrow(/cannot go to a Worker/);
  });

  it('rejects at once with the reason of the signal, and stops there', async () => {
    const reason = new Error('enough');
    const controller = new AbortController();
    const asked = explain(model, picture, { method: 'smoothgrad', samples: 4000, signal: controller.signal, onProgress: () => controller.abort(reason) }); // prettier-ignore
    await expect(asked).rejects.toBe(reason);
    expect(await model.classify(picture)).toHaveLength(3);
    const stopped = new AbortController();
    const steps = async () => {
      for await (const { type } of fit(model, data, {
        epochs: 1000,
        optimizer: sgd({ lr: 1e-9 }),
        signal: stopped.signal,
      }))
        // prettier-ignore
        if (type === 'step') stopped.abort(reason);
    };
    await expect(steps()).rejects.toThrow('enough');
  });

  it('ends with its engine', async () => {
    await engine.dispose();
    await expect(model.run(picture)).rejects.toMatchObject({ code: 'worker-failed' });
  });
});
