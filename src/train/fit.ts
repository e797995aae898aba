/** The training loop: shuffled batches, a learning-rate schedule, held-out accuracy after every epoch. */
import type { Model } from '../model/model.ts';
import { Random } from '../random.ts';
import { abortSignal, count, custom, finite, readOptions, required } from '../options.ts';
import { checkDataset, loadBatch, type Dataset } from './dataset.ts';
import { Evaluator } from './evaluate.ts';
import type { FitEvent } from './events.ts';
import { factorAt, isSchedule, type Schedule } from './schedule.ts';
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
  /** Order of the pictures; default 0. */
  seed?: number;
  signal?: AbortSignal;
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
  const { optimizer, epochs, validation, seed, signal, schedule = 'constant', batchSize, ...given } = o;
  await checkDataset(model, data, 'fit', signal);
  if (validation) await checkDataset(model, validation, 'fit, validation', signal);
  const batch = Math.min(batchSize, data.length);
  const step = await TrainStep.create(model, { ...given, optimizer, batch, signal });
  let evaluator: Evaluator | undefined;
  const everything = Array.from({ length: data.length }, (_, i) => i);
  const size = step.pictures;
  const left = step.needsWholeBatches ? data.length % size : 0;
  const pictures = data.length - left;
  const perEpoch = Math.ceil(pictures / size);
  const steps = perEpoch * epochs;
  const losses: number[] = [];
  try {
    if (validation) evaluator = await Evaluator.create(model, Math.min(batch, validation.length), signal);
    const trained = model.trainable().map((v) => v.name);
    yield { type: 'start', epochs, perEpoch, steps, pictures, left, trained };
    for (let epoch = 1; epoch <= epochs; epoch++) {
      const order = new Random(seed).fork(`epoch ${epoch}`).shuffle(everything);
      const [epochClock, epochSums] = [clock(), { loss: 0, correct: 0 }];
      let lr = optimizer.lr;
      for (let k = 0; k < perEpoch; k++) {
        signal?.throwIfAborted();
        const stepClock = clock();
        lr = optimizer.lr * factorAt(schedule, { step: step.steps, steps, perEpoch, losses });
        const indices = order.slice(k * size, Math.min((k + 1) * size, pictures));
        const { pictures: inputs, targets } = await loadBatch(model, data, indices, size);
        const { loss, correct } = await step.run(inputs, targets, lr, { signal });
        epochSums.loss += (loss * indices.length) / pictures;
        epochSums.correct += correct;
        yield {
          ...{ type: 'step', epoch, step: step.steps, steps, loss, pictures: indices.length, correct, lr },
          seconds: stepClock(),
          gradients: () => step.gradients(inputs, targets, { signal }),
        };
      }
      const held = evaluator && (await step.averaged(() => evaluator!.run(validation!, signal ? { signal } : {})));
      const { loss, correct } = epochSums;
      losses.push(held?.loss ?? loss);
      yield {
        ...{ type: 'epoch', epoch, epochs, step: step.steps, loss, accuracy: correct / pictures, lr },
        seconds: epochClock(),
        ...(held && { validation: held }),
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
