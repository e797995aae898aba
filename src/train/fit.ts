/** The training loop: shuffled batches, a learning-rate schedule, held-out accuracy after every epoch. */
import type { Model } from '../model/model.ts';
import { Random } from '../random.ts';
import { abortSignal, count, custom, finite, nonNegative, readOptions, required } from '../options.ts';
import { checkDataset, type Dataset } from './dataset.ts';
import { Evaluator } from './evaluate.ts';
import type { FitEvent } from './events.ts';
import type { ByteStore } from './feature_store.ts';
import { Inputs } from './inputs.ts';
import { factorAt, isSchedule, type Schedule } from './schedule.ts';
import type { Source } from './source.ts';
import { TrainStep, updateOptions, type UpdateOptions } from './step.ts';

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
  /** Order of the pictures; default 0. */
  seed?: number;
  signal?: AbortSignal;
}

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

function isStore(v: unknown): boolean {
  return typeof v === 'object' && v !== null && 'read' in v && 'write' in v;
}

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
  const { optimizer, epochs, validation, seed, signal, schedule = 'constant', batchSize, cache = {}, ...given } = o;
  const cached = cache && readOptions('fit, cache', cacheOptions, { ...cache });
  await checkDataset(model, data, 'fit', signal);
  if (validation) await checkDataset(model, validation, 'fit, validation', signal);
  const batch = Math.min(batchSize, data.length);
  // One epoch finds nothing that was kept, but in a store.
  const splitFrozen = cached !== false && data.fixed === true && (epochs > 1 || cached.store !== undefined);
  const step = await TrainStep.create(model, { ...given, optimizer, batch, splitFrozen, signal });
  let evaluator: Evaluator | undefined;
  const everything = Array.from({ length: data.length }, (_, i) => i);
  const size = step.pictures;
  const left = step.needsWholeBatches ? data.length % size : 0;
  const pictures = data.length - left;
  const perEpoch = Math.ceil(pictures / size);
  const steps = perEpoch * epochs;
  const losses: number[] = [];
  try {
    const { frozen } = step;
    const inputs = new Inputs(model, frozen, cached || undefined, batch);
    const source = inputs.of(data, frozen !== undefined);
    let held: Source | undefined;
    if (validation) {
      evaluator = await Evaluator.create(model, frozen ? batch : Math.min(batch, validation.length), {
        frozen,
        signal,
      });
      held = inputs.of(validation, evaluator.isSplit, evaluator.batch);
    }
    const trained = model.trainable().map((v) => v.name);
    yield { type: 'start', epochs, perEpoch, steps, pictures, left, trained, ...inputs.summary() };
    for (let epoch = 1; epoch <= epochs; epoch++) {
      const order = new Random(seed).fork(`epoch ${epoch}`).shuffle(everything);
      const [epochClock, epochSums, madeBefore] = [clock(), { loss: 0, correct: 0 }, inputs.made];
      const load = (k: number) => {
        const end = Math.min((k + 1) * size, pictures);
        const loading = source.load(order.slice(k * size, end), order.slice(end, end + size));
        // It may fail before it is waited for.
        loading.catch(() => undefined);
        return loading;
      };
      let lr = optimizer.lr;
      let next = load(0);
      for (let k = 0; k < perEpoch; k++) {
        signal?.throwIfAborted();
        const stepClock = clock();
        lr = optimizer.lr * factorAt(schedule, { step: step.steps, steps, perEpoch, losses });
        const micros = await next;
        // The next pictures are read while the device is busy with these.
        if (k + 1 < perEpoch) next = load(k + 1);
        const { loss, correct } = await step.runOn(micros, lr, { signal });
        const count = Math.min((k + 1) * size, pictures) - k * size;
        epochSums.loss += (loss * count) / pictures;
        epochSums.correct += correct;
        yield {
          ...{ type: 'step', epoch, step: step.steps, steps, loss, pictures: count, correct, lr },
          seconds: stepClock(),
          gradients: () => step.gradients(micros, { signal }),
        };
      }
      const evaluation =
        evaluator && (await step.averaged(() => evaluator!.run(validation!, signal ? { signal } : {}, held)));
      const { loss, correct } = epochSums;
      losses.push(evaluation?.loss ?? loss);
      yield {
        ...{ type: 'epoch', epoch, epochs, step: step.steps, loss, accuracy: correct / pictures, lr },
        seconds: epochClock(),
        ...(frozen && { computed: inputs.made - madeBefore }),
        ...(evaluation && { validation: evaluation }),
      };
    }
    await step.adoptAverage();
  } finally {
    step.dispose();
    evaluator?.dispose();
  }
}

/** Seconds since the call. */
function clock(): () => number {
  const began = performance.now();
  return () => (performance.now() - began) / 1000;
}
