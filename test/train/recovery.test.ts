/** A training whose device is lost goes on from its last snapshot, to the bits of one that lost nothing. */
import { describe, expect, it, vi } from 'vitest';
import type { Engine } from '../../src/engine.ts';
import { WgradError, type ErrorCode } from '../../src/errors.ts';
import type { Model } from '../../src/model/model.ts';
import { createEngine } from '../../src/node/index.ts';
import { loadOnnx } from '../../src/onnx/index.ts';
import type { Dataset } from '../../src/train/dataset.ts';
import type { EpochEvent, FitEvent, RestoreEvent } from '../../src/train/events.ts';
import { fit, type FitOptions } from '../../src/train/fit.ts';
import { adamw, sgd } from '../../src/train/optimizers.ts';
import { restoreEngine } from '../../src/train/recovery.ts';
import { schedule } from '../../src/train/schedule.ts';
import { testEngine } from '../support/engine.ts';
import { tinyClasses, tinyData, tinyOnnx } from '../support/tiny.ts';

const options: FitOptions = { optimizer: adamw({ lr: 0.01 }), epochs: 3, batchSize: 3, validation: tinyData(5) };
const head = (m: Model) => m.freeze().unfreeze('fc');
const whole = (m: Model) => m.freeze().unfreeze('layer2', 'fc').batchNorm('auto');

/** @param react is shown each event and the engine whose device it may destroy. */
async function train(
  engine: Engine,
  given: Partial<FitOptions>,
  prepare: (m: Model) => unknown,
  react?: (e: FitEvent, engine: Engine) => unknown,
  data: Dataset = tinyData(),
) {
  const model = await loadOnnx(engine, tinyOnnx, { labels: tinyClasses, hostCopy: true });
  prepare(model);
  const events: FitEvent[] = [];
  for await (const event of fit(model, data, { ...options, ...given } as FitOptions)) {
    events.push(event);
    await react?.(event, engine);
  }
  const state = await model.state();
  model.dispose();
  return { events, state };
}

/** Of the last telling of each epoch: what was done again is told again. */
const epochs = (events: readonly FitEvent[]) => {
  const last = new Map(events.filter((e): e is EpochEvent => e.type === 'epoch').map((e) => [e.epoch, e]));
  return [...last.values()].map((e) => [e.step, e.loss, e.accuracy, e.isBest, e.lr, e.validation?.loss]);
};
const restores = (events: readonly FitEvent[]) => events.filter((e): e is RestoreEvent => e.type === 'restore');

describe('a lost device', () => {
  it.each<[string, string[], Partial<FitOptions>, (m: Model) => unknown]>([
    ['AdamW, an average, a plateau, the best epoch, statistics of the batch', ['step 4 soon'], { ema: 0.8, keep: 'best', schedule: schedule('plateau', { patience: 0, threshold: 0.5, factor: 0.5 }), groups: [{ match: 'fc', lr: 0.05 }] }, whole], // prettier-ignore
    ['accumulated SGD, one-cycle, more unfrozen later, a kept prefix', ['epoch 2'], { optimizer: sgd({ lr: 0.05, momentum: 0.9 }), accumulate: 2, schedule: 'one-cycle', unfreeze: [{ epoch: 3, match: 'layer2' }] }, head], // prettier-ignore
  ])('changes no bit: %s', async (_, moments, given, prepare) => {
    const straight = await train(await testEngine(), given, prepare);
    await using engine = await createEngine();
    const left = new Set(moments);
    const { events, state } = await train(engine, { ...given, snapshotEvery: 2 }, prepare, (e, { gpuDevice }) => {
      const moment = `${e.type} ${e.type === 'step' ? e.step : e.type === 'epoch' ? e.epoch : ''}`;
      if (left.delete(moment)) gpuDevice.destroy();
      // In the middle of what comes then: a step, an evaluation.
      if (left.delete(`${moment} soon`)) setImmediate(() => gpuDevice.destroy());
    });
    expect([...left]).toEqual([]);
    expect(restores(events)).toHaveLength(moments.length);
    for (const { lost } of restores(events)) expect(lost).toBeLessThanOrEqual(2);
    expect(state).toEqual(straight.state);
    expect(epochs(events)).toEqual(epochs(straight.events));
    expect(events.filter((e) => e.type === 'unfreeze')).toEqual(straight.events.filter((e) => e.type === 'unfreeze'));
  });

  it('in the middle of loading pictures; over and over, without a step between, it ends the training', async () => {
    const engine = await testEngine();
    const straight = await train(engine, { epochs: 1, validation: undefined }, head);
    const lost = () => new WgradError('device-lost', 'the GPU device was lost');
    let losses = 0;
    const losing = (most: number): Dataset => ({ ...tinyData(), get: async (i) => (i === 5 && losses++ < most ? Promise.reject(lost()) : tinyData().get(i)) }); // prettier-ignore
    const run = (data: Dataset, more: Partial<FitOptions>) => {
      losses = 0;
      return train(engine, { epochs: 1, validation: undefined, ...more }, head, undefined, { ...data, checked: true });
    };
    const { state, events } = await run(losing(3), { snapshotEvery: 1 });
    expect(restores(events).map((e) => e.lost)).toEqual([0, 0, 0]);
    expect(state).toEqual(straight.state);
    await expect(run(losing(4), { snapshotEvery: 1 })).rejects.toMatchObject({ code: 'device-lost' });
    await expect(run(losing(1), {})).rejects.toMatchObject({ code: 'device-lost' });
  });

  it('is asked for again while there is none, and not at all where it was lent', async () => {
    vi.useFakeTimers();
    try {
      const loss = new WgradError('device-lost', 'lost');
      const restoring = (...codes: ErrorCode[]) => {
        const restore = vi.fn(() => {
          const code = codes.shift();
          return code ? Promise.reject(new WgradError(code, code)) : Promise.resolve();
        });
        const done = restoreEngine({ restore } as unknown as Engine, new Map(), loss).then(() => 'restored', (e: Error) => e); // prettier-ignore
        return { restore, done };
      };
      const late = restoring('no-adapter', 'device-lost', 'no-adapter');
      await vi.runAllTimersAsync();
      expect(await late.done).toBe('restored');
      expect(late.restore).toHaveBeenCalledTimes(4);
      const never = restoring(...Array<ErrorCode>(9).fill('no-adapter'));
      await vi.runAllTimersAsync();
      expect(await never.done).toMatchObject({ code: 'no-adapter' });
      expect(never.restore).toHaveBeenCalledTimes(6);
      const lent = restoring('invalid-argument');
      expect(await lent.done).toBe(loss);
    } finally {
      vi.useRealTimers();
    }
  });
});
