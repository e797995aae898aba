/** The training loop: shuffled batches, a learning-rate schedule, held-out accuracy after every epoch. */
import type { Model } from '../model/model.ts';
import { Random } from '../random.ts';
import {
  abortSignal,
  callback,
  choice,
  count,
  custom,
  finite,
  nonNegative,
  readOptions,
  required,
} from '../options.ts';
import { checkDataset, type Dataset } from './dataset.ts';
import type { CheckpointEvent, FitEvent } from './events.ts';
import type { ByteStore } from './feature_store.ts';
import type { Optimizer } from './optimizers.ts';
import { isStuck, lossesOf, type Monitor } from './progress.ts';
import { factorAt, isSchedule, scheduleData, type Schedule } from './schedule.ts';
import { updateOptions, type UpdateOptions } from './step.ts';
import { Training } from './training.ts';

/** Options of `fit`. */
export interface FitOptions extends UpdateOptions {
  epochs: number;
  /**
   * Pictures in one run, which is a step unless `accumulate` makes one of several; default 16, at most the dataset's
   * length. The last step of an epoch has what is left, unless BatchNorm uses the statistics of the batch: then it is
   * left out, and the 'start' event says so.
   */
  batchSize?: number;
  /** Factor on the learning rate over time; default 'constant'. */
  schedule?: Schedule;
  /** Evaluated after every epoch, in eval mode; with `ema`, the average is. */
  validation?: Dataset;
  /**
   * Keeps what the frozen part makes of each picture, so that later epochs cost the unfrozen part only; the result is the
   * same to the bit. Default: in 512 MB of memory, for datasets that are `fixed`; false: nothing.
   */
  cache?: CacheOptions | false;
  /** What is unfrozen later, at the beginning of an epoch (from 1). */
  unfreeze?: readonly Unfreezing[];
  /** What the best epoch is judged by, held out where there is held-out data; default 'accuracy'. */
  monitor?: Monitor;
  /** Which parameters the model holds at the end; default 'last'. */
  keep?: 'last' | 'best';
  /** Ends the training after so many epochs without a better one; default: never. */
  patience?: number;
  /** Writes the training to where it can be taken up again, after every epoch. */
  checkpoint?: CheckpointOptions;
  /** A checkpoint of this same training: model, data and settings must be as they were, but for `epochs`. */
  resume?: Uint8Array;
  /** Order of the pictures; default 0. */
  seed?: number;
  signal?: AbortSignal;
}

/** Layers that begin to train at an epoch. */
export interface Unfreezing {
  /** At whose beginning, from 1. */
  epoch: number;
  /** Names of parameters or layers, as of `model.unfreeze`. */
  match: string | readonly string[];
}

/** Where and how often a training is saved. */
export interface CheckpointOptions {
  /** Takes the bytes: `(bytes) => writeWhole(path, bytes)` in Node. Awaited. */
  write: (bytes: Uint8Array) => Promise<void> | void;
  /** Writes one after so many steps too. */
  everySteps?: number;
}

/** Where features of the frozen part are kept, and how many of them. */
export interface CacheOptions {
  /** Bytes in memory for the features of both datasets; default 512e6. What finds no room is computed each time. */
  memory?: number;
  /** Where features are kept for later trainings too: `byteFolder` of wgrad/node, or a store of your own. */
  store?: ByteStore;
}

const cacheOptions = {
  memory: nonNegative(512e6, 'bytes for features'),
  store: custom<ByteStore>('keeps features for later trainings', 'an object with read and write', isStore),
};

function isUnfreezing(v: unknown): boolean {
  const { epoch, match } = (isObject(v) ? v : {}) as Partial<Unfreezing>;
  return Number.isSafeInteger(epoch) && epoch! >= 1 && (typeof match === 'string' || Array.isArray(match));
}

function isStore(v: unknown): boolean {
  return typeof v === 'object' && v !== null && 'read' in v && 'write' in v;
}

const checkpointOptions = {
  write: required(callback<CheckpointOptions['write']>('takes the bytes')),
  everySteps: count(undefined, 'steps between two checkpoints within an epoch'),
};

const isObject = (value: unknown) => typeof value === 'object' && value !== null;

const fitOptions = {
  ...updateOptions,
  epochs: required(count(undefined, 'passes over the dataset')),
  batchSize: count(16, 'pictures in one run'),
  schedule: custom<Schedule>(
    'factor on the learning rate over time',
    "'constant', 'cosine', 'one-cycle', 'plateau', a schedule() or a function",
    isSchedule,
  ),
  validation: custom<Dataset>('evaluated after every epoch', 'a dataset', isObject),
  cache: custom<CacheOptions | false>('keeps the work of what is frozen', 'false or an object', (v) =>
    v === false || isObject(v),
  ), // prettier-ignore
  unfreeze: custom<readonly Unfreezing[]>(
    'what is unfrozen later',
    'a list of { epoch, match }',
    (v) => Array.isArray(v) && v.every(isUnfreezing),
  ),
  monitor: choice(['accuracy', 'loss'], 'accuracy', 'what the best epoch is judged by'),
  keep: choice(['last', 'best'], 'last', 'which parameters the model holds at the end'),
  patience: count(undefined, 'epochs without a better one that end the training'),
  checkpoint: custom<CheckpointOptions>('writes checkpoints', 'an object with write', isObject),
  resume: custom<Uint8Array>('a checkpoint', 'bytes', (v) => v instanceof Uint8Array),
  seed: finite(0, 'of the order of the pictures'),
  signal: abortSignal(),
};

/**
 * Trains the model's unfrozen parameters in place. Stop early by leaving the loop or through `signal`; the parameters
 * then are those after the last whole step. Before the first step every sample of both datasets is read and checked
 * (unless its dataset says that they are `checked`), so that a bad one does not end the training hours later.
 * With `ema` the model holds the moving average at the end.
 * @throws WgradError 'invalid-argument', 'dataset-empty'; 'shape', 'not-finite', 'unknown-name' naming a sample;
 *   'not-finite' for a loss (the parameters are those before that step); AbortError.
 */
export async function* fit(model: Model, data: Dataset, options: FitOptions): AsyncGenerator<FitEvent, void, void> {
  const o = readOptions('fit', fitOptions, { ...options });
  const { optimizer, epochs, validation, seed, signal, schedule = 'constant', cache = {}, unfreeze = [] } = o;
  const cached = cache && readOptions('fit, cache', cacheOptions, { ...cache });
  const checkpoint = o.checkpoint && readOptions('fit, checkpoint', checkpointOptions, { ...o.checkpoint });
  await checkDataset(model, data, 'fit', signal);
  if (validation) await checkDataset(model, validation, 'fit, validation', signal);
  const batch = Math.min(o.batchSize, data.length);
  const { groups, decayOn, clipNorm, clipValue, accumulate, ema, labelSmoothing } = o;
  const training = new Training(model, data, {
    step: { optimizer, batch, groups, decayOn, clipNorm, clipValue, accumulate, ema, labelSmoothing },
    // One epoch finds nothing that was kept, but in a store.
    cache: cached !== false && (epochs > 1 || cached.store !== undefined) ? cached : undefined,
    ...{ validation, monitor: o.monitor, signal },
    keepBest: o.keep === 'best' || checkpoint !== undefined,
  });
  const settings = settingsOf(model, data, { ...o, schedule, batch });
  const everything = Array.from({ length: data.length }, (_, i) => i);
  const size = batch * accumulate;
  /** Unfreezes what the epoch begins with. @returns the names of what was frozen before. */
  const begin = (epoch: number): string[] => {
    const before = new Set(model.trainable());
    for (const u of unfreeze) if (u.epoch === epoch) model.unfreeze(...[u.match].flat());
    return model.trainable().filter((v) => !before.has(v)).map((v) => v.name); // prettier-ignore
  };
  try {
    if (o.resume) await training.restore(o.resume, settings);
    else await training.prepare();
    const { progress } = training;
    const left = training.step.needsWholeBatches ? data.length % size : 0;
    const pictures = data.length - left;
    const perEpoch = Math.ceil(pictures / size);
    const steps = perEpoch * epochs;
    const trained = model.trainable().map((v) => v.name);
    const done = progress.history.length;
    yield {
      ...{ type: 'start', epochs, perEpoch, steps, pictures, left, trained },
      ...(o.resume && { resumed: { step: progress.step, epoch: done } }),
      ...training.inputs.summary(),
    };
    const write = async (epoch: number): Promise<CheckpointEvent> => {
      const bytes = await training.save(settings);
      await checkpoint!.write(bytes);
      return { type: 'checkpoint', epoch, step: progress.step, bytes: bytes.length };
    };
    for (let epoch = done + 1; epoch <= epochs; epoch++) {
      if (o.patience !== undefined && isStuck(progress, o.patience)) {
        yield { type: 'stop', epoch: epoch - 1, patience: o.patience, best: progress.best + 1 };
        break;
      }
      const joined = begin(epoch);
      if (joined.length > 0) {
        await training.prepare();
        yield { type: 'unfreeze', epoch, joined };
      }
      const { source, inputs } = training;
      const order = new Random(seed).fork(`epoch ${epoch}`).shuffle(everything);
      const [epochClock, madeBefore] = [clock(), inputs.made];
      const load = (k: number) => {
        const end = Math.min((k + 1) * size, pictures);
        const loading = source.load(order.slice(k * size, end), order.slice(end, end + size));
        // It may fail before it is waited for.
        loading.catch(() => undefined);
        return loading;
      };
      const first = progress.step - (epoch - 1) * perEpoch;
      const losses = lossesOf(progress.history);
      const rateOf = (step: number) => optimizer.lr * factorAt(schedule, { step, steps, perEpoch, losses });
      let next = first < perEpoch ? load(first) : undefined;
      for (let k = first; k < perEpoch; k++) {
        signal?.throwIfAborted();
        const stepClock = clock();
        const lr = rateOf(progress.step);
        const micros = (await next)!;
        // The next pictures are read while the device is busy with these.
        if (k + 1 < perEpoch) next = load(k + 1);
        const { loss, correct } = await training.run(micros, lr);
        const count = Math.min((k + 1) * size, pictures) - k * size;
        progress.sums.loss += (loss * count) / pictures;
        progress.sums.correct += correct;
        yield {
          ...{ type: 'step', epoch, step: progress.step, steps, loss, pictures: count, correct, lr },
          seconds: stepClock(),
          gradients: () => training.step.gradients(micros, { signal }),
        };
        if (checkpoint?.everySteps && progress.step % checkpoint.everySteps === 0) yield await write(epoch);
      }
      const { loss, correct } = progress.sums;
      const accuracy = correct / pictures;
      const { held, isBest } = await training.endEpoch({ loss, accuracy });
      yield {
        ...{ type: 'epoch', epoch, epochs, step: progress.step, loss, accuracy, isBest, lr: rateOf(progress.step - 1) },
        seconds: epochClock(),
        ...(training.step.frozen && { computed: inputs.made - madeBefore }),
        ...(held && { validation: held }),
      };
      if (checkpoint) yield await write(epoch);
    }
    await training.finish(o.keep);
  } finally {
    training.dispose();
  }
}

/** What makes the training the same training when it is taken up again. */
function settingsOf(model: Model, data: Dataset, o: Readonly<Record<string, unknown>> & { optimizer: Optimizer }) {
  const { optimizer, validation, schedule } = o as typeof o & { validation?: Dataset; schedule: Schedule };
  const { batch, accumulate, epochs, seed, groups, decayOn, clipNorm, clipValue, ema, labelSmoothing } = o;
  return {
    ...{ batch, accumulate, epochs, seed, groups, decayOn, clipNorm, clipValue, ema, labelSmoothing },
    ...{ unfreeze: o['unfreeze'], monitor: o['monitor'] },
    optimizer: [optimizer.name, ...optimizer.settings(1, 1), ...optimizer.settings(2, 1), optimizer.lr],
    schedule: typeof schedule === 'function' ? 'function' : scheduleData(schedule),
    ...{ pictures: data.length, classes: data.classes, heldOut: validation?.length },
    ...{ trained: model.trainable().map((v) => v.name), parameters: model.network.parameters.size },
  };
}

/** Seconds since the call. */
function clock(): () => number {
  const began = performance.now();
  return () => (performance.now() - began) / 1000;
}
