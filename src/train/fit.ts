/** The training loop: shuffled batches, a learning-rate schedule, held-out accuracy after every epoch. */
import { WgradError } from '../errors.ts';
import type { Model } from '../model/model.ts';
import { Random } from '../random.ts';
import { abortSignal, count, custom, finite, fraction, readOptions, required } from '../options.ts';
import { checkDataset, loadBatch, type Dataset } from './dataset.ts';
import { Evaluator, type Evaluation } from './evaluate.ts';
import { optimizerOption, type Optimizer } from './optimizers.ts';
import { TrainStep } from './step.ts';

/** Factor on the learning rate from the share of training that is done, in [0, 1). */
export type Schedule = 'constant' | 'cosine' | ((progress: number) => number);

export interface FitOptions {
  optimizer: Optimizer;
  epochs: number;
  /** Default 16, at most the dataset's length. */
  batchSize?: number;
  labelSmoothing?: number;
  /** Default 'constant'. 'cosine' falls to 0 (Loshchilov and Hutter, 2017). */
  schedule?: Schedule;
  /** Evaluated after every epoch, in eval mode. */
  validation?: Dataset;
  /** Order of the pictures; default 0. */
  seed?: number;
  signal?: AbortSignal;
}

export type FitEvent =
  | { type: 'step'; epoch: number; step: number; steps: number; loss: number; lr: number }
  | { type: 'epoch'; epoch: number; loss: number; accuracy: number; validation?: Evaluation };

const isObject = (value: unknown) => typeof value === 'object' && value !== null;

const fitOptions = {
  optimizer: required(optimizerOption),
  epochs: required(count(undefined, 'passes over the dataset')),
  batchSize: count(16, 'pictures a step'),
  labelSmoothing: fraction(0, 'share of the target that is spread over all classes'),
  schedule: custom<Schedule>(
    'factor on the learning rate over time',
    "'constant', 'cosine' or a function",
    (v) => typeof v === 'function' || (typeof v === 'string' && Object.hasOwn(schedules, v)),
  ),
  validation: custom<Dataset>('evaluated after every epoch', 'a dataset', isObject),
  seed: finite(0, 'of the order of the pictures'),
  signal: abortSignal(),
};

const schedules = { constant: () => 1, cosine: (p: number) => (1 + Math.cos(Math.PI * p)) / 2 };

/**
 * Trains the model's unfrozen parameters in place. Stop early by leaving the loop or through `signal`; the parameters
 * then are those after the last whole step. Before the first step every sample of both datasets is read and checked
 * (unless its dataset says that they are `checked`), so that a bad one does not end the training hours later.
 * @throws WgradError 'invalid-argument', 'dataset-empty'; 'shape', 'not-finite', 'unknown-name' naming a sample;
 *   'not-finite' for a loss (the parameters are those before that step); AbortError.
 */
export async function* fit(model: Model, data: Dataset, options: FitOptions): AsyncGenerator<FitEvent, void, void> {
  const { optimizer, epochs, validation, seed, signal, ...given } = readOptions('fit', fitOptions, { ...options });
  await checkDataset(model, data, 'fit', signal);
  if (validation) await checkDataset(model, validation, 'fit, validation', signal);
  const batch = Math.min(given.batchSize, data.length);
  const perEpoch = Math.floor(data.length / batch);
  const schedule = typeof given.schedule === 'function' ? given.schedule : schedules[given.schedule ?? 'constant'];
  const step = await TrainStep.create(model, { optimizer, batch, labelSmoothing: given.labelSmoothing, signal });
  let evaluator: Evaluator | undefined;
  const random = new Random(seed);
  const everything = Array.from({ length: data.length }, (_, i) => i);
  try {
    if (validation) evaluator = await Evaluator.create(model, Math.min(batch, validation.length), signal);
    for (let epoch = 1; epoch <= epochs; epoch++) {
      const order = random.shuffle(everything);
      let [loss, correct] = [0, 0];
      for (let k = 0; k < perEpoch; k++) {
        signal?.throwIfAborted();
        const lr = rate(optimizer, schedule, step.steps / (perEpoch * epochs));
        const { pictures, targets } = await loadBatch(model, data, order.slice(k * batch, (k + 1) * batch), batch);
        const result = await step.run(pictures, targets, lr, { signal });
        loss += result.loss;
        correct += result.correct;
        yield { type: 'step', epoch, step: step.steps, steps: perEpoch * epochs, loss: result.loss, lr };
      }
      const held = evaluator && (await evaluator.run(validation!, signal ? { signal } : {}));
      const accuracy = correct / (perEpoch * batch);
      yield { type: 'epoch', epoch, loss: loss / perEpoch, accuracy, ...(held && { validation: held }) };
    }
  } finally {
    step.dispose();
    evaluator?.dispose();
  }
}

function rate(optimizer: Optimizer, schedule: (progress: number) => number, progress: number): number {
  const lr = optimizer.lr * schedule(progress);
  if (Number.isFinite(lr) && lr >= 0) return lr;
  throw new WgradError(
    'invalid-argument',
    `fit: the schedule makes the learning rate ${lr} at ${progress} of the training`,
  );
}
