/** A lost device: what was under way is told at once, and everything comes back on another one. */
import { describe, expect, it } from 'vitest';
import { resnetGraph } from '../scripts/resnet.ts';
import type { Engine } from '../src/engine.ts';
import { constant, input, Variable } from '../src/graph/leaves.ts';
import { Model } from '../src/model/model.ts';
import { createEngine } from '../src/node/index.ts';
import { OnnxNetwork } from '../src/onnx/network.ts';
import { assign } from '../src/ops/effects.ts';
import { add, mul } from '../src/ops/binary.ts';
import { sgd } from '../src/train/optimizers.ts';
import { TrainStep } from '../src/train/step.ts';
import { spread } from './support/gradcheck.ts';

const graph = () => resnetGraph({ widths: [4], blocks: [1], strides: [1], stem: 8, side: 16, classes: ['a', 'b', 'c'], mean: [0, 0, 0], std: [1, 1, 1], seed: 3 }); // prettier-ignore
const picture = Float32Array.from(spread(3 * 16 * 16));

/** Waits for the news of it. */
async function lose(engine: Engine): Promise<void> {
  engine.gpuDevice.destroy();
  await engine.lost;
}

const counter = () => {
  const v = new Variable('v', [2], Float32Array.of(1, 2), 'row');
  const next = add(v.tensor, constant(Float32Array.of(1), []));
  return { v, request: { outputs: { v: v.tensor }, updates: [assign(v, next)] } };
};

describe('after a loss of the device', () => {
  it('the same logits, over and over; no memory is left behind', async () => {
    const engine = await createEngine();
    const model = new Model(engine, new OnnxNetwork(graph()));
    const before = await model.run(picture);
    const { memory } = engine;
    for (let i = 0; i < 3; i++) {
      const pending = model.run(picture).catch((e: { code: string }) => e.code);
      await lose(engine);
      expect(await Promise.race([pending, new Promise((r) => setTimeout(r, 500, 'late'))])).toMatch(/device-lost/);
      await expect(model.run(picture)).rejects.toMatchObject({ code: 'device-lost' });
      await engine.restore();
      expect((await model.run(picture)).logits).toEqual(before.logits);
      expect(engine.memory).toEqual(memory);
    }
    model.dispose();
    expect(engine.memory.buffers).toBe(0);
    await engine.dispose();
    await expect(engine.restore()).rejects.toMatchObject({ code: 'disposed' });
  });

  it('variables have the snapshot, else the last write, else the initial value', async () => {
    const engine = await createEngine();
    const { v, request } = counter();
    const program = await engine.compile(request);
    const lost = async (of: Variable) => {
      await lose(engine);
      await engine.restore();
      return [...(await engine.read(of))];
    };
    await program.run();
    expect(await lost(v)).toEqual([1, 2]);
    await engine.write(v, Float32Array.of(10, 20));
    await program.run();
    expect(await lost(v)).toEqual([10, 20]);
    await program.run();
    await engine.snapshot();
    await program.run();
    expect(await lost(v)).toEqual([11, 21]);
    // It goes on from there, and the updates too.
    await program.run();
    expect([...(await engine.read(v))]).toEqual([12, 22]);
    await lose(engine);
    await engine.restore({ values: (of) => (of === v ? Float32Array.of(7, 8) : undefined) });
    expect([...(await engine.read(v))]).toEqual([7, 8]);
    await engine.dispose();
  });

  it('a released variable is still its program’s, and nobody else’s', async () => {
    const engine = await createEngine();
    const w = new Variable('w', [1], Float32Array.of(3), 'row');
    const program = await engine.compile({ outputs: { y: mul(w.tensor, input('x', [1])) } });
    engine.release([w]);
    await lose(engine);
    await engine.restore();
    expect([...(await program.run({ x: [2] })).y]).toEqual([6]);
    await expect(engine.read(w)).rejects.toMatchObject({ code: 'disposed' });
    program.dispose();
    expect(engine.memory.buffers).toBe(0);
    await engine.dispose();
  });

  it('training goes on from the snapshot as if nothing had happened', async () => {
    const train = async (losses: boolean) => {
      const engine = await createEngine();
      const model = new Model(engine, new OnnxNetwork(graph()));
      const step = await TrainStep.create(model, { optimizer: sgd({ lr: 0.1, momentum: 0.9 }), batch: 1 });
      const seen: number[] = [];
      for (let i = 0; i < 3; i++) {
        if (losses && i === 2) {
          await engine.snapshot();
          await step.run(picture, Int32Array.of(1));
          await lose(engine);
          await engine.restore();
        }
        seen.push((await step.run(picture, Int32Array.of(1))).loss);
      }
      await engine.dispose();
      return seen;
    };
    expect(await train(true)).toEqual(await train(false));
  });

  it('by itself, so often and no more', async () => {
    const engine = await createEngine({ restores: 2 });
    const model = new Model(engine, new OnnxNetwork(graph()));
    const { logits } = await model.run(picture);
    for (let i = 0; i < 2; i++) {
      await lose(engine);
      await engine.restore();
      expect((await model.run(picture)).logits).toEqual(logits);
    }
    await lose(engine);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await expect(model.run(picture)).rejects.toMatchObject({ code: 'device-lost' });
    await engine.dispose();
  });
});
