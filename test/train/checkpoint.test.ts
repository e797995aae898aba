/** A training that is taken up again goes on to the same bits; the best epoch is kept; nothing better ends it. */
import { describe, expect, it } from 'vitest';
import { decodeCheckpoint } from '../../src/train/checkpoint.ts';
import type { EpochEvent, FitEvent } from '../../src/train/events.ts';
import { fit, type FitOptions } from '../../src/train/fit.ts';
import { adamw, sgd } from '../../src/train/optimizers.ts';
import { isBetter, isStuck, newProgress } from '../../src/train/progress.ts';
import { schedule } from '../../src/train/schedule.ts';
import type { Model } from '../../src/model/model.ts';
import { tinyData, tinyModel } from '../support/tiny.ts';

const whole = (m: Model) => m.unfreeze('layer2', 'fc').batchNorm('auto');

const options: FitOptions = {
  optimizer: adamw({ lr: 0.01 }),
  epochs: 4,
  batchSize: 3,
  ema: 0.8,
  validation: tinyData(5),
  schedule: schedule('plateau', { patience: 0, threshold: 0.5, factor: 0.5 }),
  groups: [{ match: 'fc', lr: 0.05 }],
};

async function train(given: Partial<FitOptions>, prepare = whole, until?: (e: FitEvent) => boolean) {
  using model = await tinyModel();
  prepare(model);
  const events: FitEvent[] = [];
  for await (const event of fit(model, tinyData(), { ...options, ...given })) {
    events.push(event);
    if (until?.(event)) break;
  }
  const epochs = events.filter((e): e is EpochEvent => e.type === 'epoch');
  return { events, epochs, state: await model.state() };
}

const same = (e: EpochEvent) => [e.epoch, e.step, e.loss, e.accuracy, e.lr, e.isBest, e.validation?.loss];

describe('a checkpoint', () => {
  it.each<[string, Partial<FitOptions>, (m: Model) => unknown]>([
    ['AdamW, an average, a plateau, statistics of the batch', {}, whole],
    ['accumulated SGD, one-cycle, more unfrozen later', { optimizer: sgd({ lr: 0.05, momentum: 0.9 }), accumulate: 2, schedule: 'one-cycle', unfreeze: [{ epoch: 3, match: 'layer2' }] }, (m) => m.unfreeze('fc')], // prettier-ignore
  ])('goes on to the same bits from any step: %s', async (_, given, prepare) => {
    const saved: Uint8Array[] = [];
    const write = (bytes: Uint8Array) => void saved.push(bytes);
    const straight = await train({ ...given, checkpoint: { write, everySteps: 1 } }, prepare as typeof whole);
    const unwatched = await train(given, prepare as typeof whole);
    expect(straight.state).toEqual(unwatched.state);
    // Within an epoch, at an epoch's end, and just after.
    for (const at of [1, Math.floor(saved.length / 2), saved.length - 3]) {
      const from = decodeCheckpoint(saved[at]!).progress;
      const resumed = await train({ ...given, resume: saved[at]! }, prepare as typeof whole);
      expect(resumed.events[0]).toMatchObject({ resumed: { step: from.step, epoch: from.history.length } });
      expect(resumed.state).toEqual(straight.state);
      expect(resumed.epochs.map(same)).toEqual(straight.epochs.slice(from.history.length).map(same));
    }
  });

  it('holds what training changes, and no more', async () => {
    let bytes = new Uint8Array();
    await train({ epochs: 1, checkpoint: { write: (b) => void (bytes = b as typeof bytes) } });
    const { state, progress } = decodeCheckpoint(bytes);
    const names = [...state.model.keys()];
    expect(names.filter((n) => !/^(layer2|fc)/.test(n))).toEqual([]);
    expect(names).toContain('layer2.0.bn1.running_mean');
    expect([state.optimizer.size, state.average.size, state.best.size]).toEqual([22, 11, names.length]);
    expect(progress).toMatchObject({ step: 4, best: 0 });
  });

  it.each<[string, Partial<FitOptions>, RegExp]>([
    ['another rate', { optimizer: adamw({ lr: 0.02 }) }, /of another training: optimizer was .*is/],
    ['another batch', { batchSize: 4 }, /batch was 3, is 4/],
    ['another seed', { seed: 1 }, /seed was 0, is 1/],
    ['another schedule', { schedule: 'cosine' }, /schedule was/],
    ['no average', { ema: undefined }, /ema was 0.8, is none/],
    ['bytes of something else', { resume: new Uint8Array(9) }, /safetensors|checkpoint/],
  ])('is refused for %s', async (_, given, message) => {
    let bytes = new Uint8Array();
    await train({ epochs: 1, checkpoint: { write: (b) => void (bytes = b as typeof bytes) } });
    await expect(train({ resume: bytes, ...given })).rejects.toThrow(message);
  });

  it('is refused for other frozen weights', async () => {
    let bytes = new Uint8Array();
    await train({ epochs: 1, checkpoint: { write: (b) => void (bytes = b as typeof bytes) } });
    const other = (m: Model) => {
      void m.engine.write(m.parameter('conv1.weight').variable, new Float32Array(108).fill(0.1));
      return whole(m);
    };
    await expect(train({ resume: bytes }, other)).rejects.toThrow(/frozen was/);
  });

  it('lets a training be made longer', async () => {
    let bytes = new Uint8Array();
    const short = { schedule: 'constant' } as const;
    await train({ ...short, epochs: 2, checkpoint: { write: (b) => void (bytes = b as typeof bytes) } });
    const longer = await train({ ...short, epochs: 4, resume: bytes });
    expect(longer.epochs.map((e) => e.epoch)).toEqual([3, 4]);
    expect(longer.state).toEqual((await train({ ...short, epochs: 4 })).state);
  });
});

describe('the best epoch', () => {
  it('is kept where asked for, and training ends where nothing better comes', async () => {
    // A rate that destroys what was learnt.
    const wild: Partial<FitOptions> = { optimizer: sgd({ lr: 0.1 }), ema: undefined, schedule: (p) => (p < 0.1 ? 1 : 300), epochs: 8, monitor: 'loss', patience: 2 }; // prettier-ignore
    const { events, epochs, state } = await train({ ...wild, keep: 'best' }, (m) => m.unfreeze('fc'));
    const bests = epochs.filter((e) => e.isBest);
    expect(events.at(-1)).toMatchObject({ type: 'stop', patience: 2, best: bests.at(-1)!.epoch });
    expect(epochs.length).toBe(bests.at(-1)!.epoch + 2);
    const first = await train({ ...wild, patience: undefined, epochs: 8 }, (m) => m.unfreeze('fc'), (e) => e.type === 'epoch' && e.epoch === bests.at(-1)!.epoch); // prettier-ignore
    expect(state).toEqual(first.state);
  });

  it('is the one of higher accuracy, then of smaller loss, held out where there is held-out data', () => {
    const record = (accuracy: number, loss: number) => ({ accuracy: 0, loss: 0, heldOut: { accuracy, loss } });
    expect(isBetter(record(0.6, 2), record(0.5, 1), 'accuracy')).toBe(true);
    expect(isBetter(record(0.5, 0.9), record(0.5, 1), 'accuracy')).toBe(true);
    expect(isBetter(record(0.5, 1), record(0.5, 1), 'accuracy')).toBe(false);
    expect(isBetter(record(0.6, 2), record(0.5, 1), 'loss')).toBe(false);
    expect(isBetter({ accuracy: 1, loss: 1 }, { accuracy: 0.5, loss: 0 }, 'accuracy')).toBe(true);
    const history = [record(1, 1), record(0, 2), record(0, 2)];
    expect([1, 2, 3].map((patience) => isStuck({ ...newProgress(), history, best: 0 }, patience))).toEqual([true, true, false]); // prettier-ignore
  });
});
