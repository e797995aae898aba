/** The training loop: shuffled batches, a learning-rate schedule, held-out accuracy after every epoch. */
import type { Model } from '../model/model.ts';
import { Random } from '../random.ts';
import { readOptions } from '../options.ts';
import { augmentationName, type AugmentOptions } from './augment.ts';
import { checkDataset, type Dataset } from './dataset.ts';
import type { CheckpointEvent, FitEvent, RestoreEvent } from './events.ts';
import { cacheOptions, checkpointOptions, distillOptions, fitOptions, keeps, type FitOptions } from './fit_options.ts';
import type { Optimizer } from './optimizers.ts';
import { isStuck, lossesOf } from './progress.ts';
import { isLoss, MOST_LOSSES } from './recovery.ts';
import { classIndices, epochOrder, resolveWeights } from './sampling.ts';
import { factorAt, scheduleData, type Schedule } from './schedule.ts';
import { Training } from './training.ts';

export type { CacheOptions, CheckpointOptions, FitOptions, Unfreezing } from './fit_options.ts';

/**
 * Trains the model's unfrozen parameters in place. Stop early by leaving the loop or through `signal`; the parameters
 * then are those after the last whole step. Before the first step every sample of both datasets is read and checked
 * (unless its dataset says that they are `checked`), so that a bad one does not end the training hours later.
 * With `ema` the model holds the moving average at the end, also when it is stopped early.
 * @throws WgradError 'invalid-argument', 'dataset-empty'; 'shape', 'not-finite', 'unknown-name' naming a sample;
 *   'not-finite' for a loss (the parameters are those before that step); 'device-lost' (see `snapshotEvery`); AbortError.
 */
export async function* fit(model: Model, data: Dataset, options: FitOptions): AsyncGenerator<FitEvent, void, void> {
  const o = readOptions('fit', fitOptions, { ...options });
  const { optimizer, epochs, validation, seed, signal, schedule = 'constant', cache = {}, unfreeze = [] } = o;
  const cached = cache && readOptions('fit, cache', cacheOptions, { ...cache });
  const checkpoint = o.checkpoint && readOptions('fit, checkpoint', checkpointOptions, { ...o.checkpoint });
  await checkDataset(model, data, 'fit', signal);
  if (validation) await checkDataset(model, validation, 'fit, validation', signal);
  const batch = Math.min(o.batchSize, data.length);
  const { groups, decayOn, clipNorm, clipValue, accumulate, ema, labelSmoothing, loss } = o;
  const { augment, mixup, cutmix, views, sampling } = o;
  const distill = o.distill && readOptions('fit, distill', distillOptions, { ...o.distill });
  const classWeights = o.classWeights && (await resolveWeights(model, data, o.classWeights));
  const labels = sampling === 'balanced' ? await classIndices(data, 'balanced sampling') : [];
  const training = new Training(model, data, {
    step: {
      optimizer,
      batch,
      groups,
      decayOn,
      clipNorm,
      clipValue,
      accumulate,
      ema,
      labelSmoothing,
      loss,
      classWeights,
    },
    ...{ augment: { augment, mixup, cutmix, seed }, distill },
    cache: keeps(o) && cached !== false ? { ...cached, views } : undefined,
    ...{ validation, monitor: o.monitor, signal },
    keepBest: o.keep === 'best' || checkpoint !== undefined,
  });
  const settings = settingsOf(model, data, { ...o, schedule, batch, classWeights, distill });
  const size = batch * accumulate;
  /** Unfreezes what the epoch begins with. @returns the names of what its programs do not train yet. */
  const begin = (epoch: number): string[] => {
    for (const u of unfreeze) if (u.epoch === epoch) model.unfreeze(...[u.match].flat());
    const before = new Set(training.step.changes);
    return model.trainable().filter((v) => !before.has(v)).map((v) => v.name); // prettier-ignore
  };
  /** Losses of the device since the last snapshot. */
  let inARow = 0;
  const keep = async () => {
    if (o.snapshotEvery === undefined) return;
    await training.keep();
    inARow = 0;
  };
  const recover = async (error: unknown, step = training.progress.step): Promise<RestoreEvent> => {
    if (o.snapshotEvery === undefined || !isLoss(error) || ++inARow > MOST_LOSSES) throw error;
    signal?.throwIfAborted();
    try {
      await training.recover(error);
    } catch (again) {
      return recover(again, step);
    }
    const { progress } = training;
    return { type: 'restore', epoch: progress.history.length + 1, step: progress.step, lost: step - progress.step };
  };
  try {
    if (o.resume) await training.restore(o.resume, settings);
    else await training.prepare();
    const left = training.step.needsWholeBatches ? data.length % size : 0;
    const pictures = data.length - left;
    const perEpoch = Math.ceil(pictures / size);
    const steps = perEpoch * epochs;
    const trained = model.trainable().map((v) => v.name);
    yield {
      ...{ type: 'start', epochs, perEpoch, steps, pictures, left, trained },
      ...(o.resume && { resumed: { step: training.progress.step, epoch: training.progress.history.length } }),
      ...training.inputs.summary(),
    };
    const write = async (epoch: number): Promise<CheckpointEvent> => {
      const bytes = await training.save(settings);
      await checkpoint!.write(bytes);
      return { type: 'checkpoint', epoch, step: training.progress.step, bytes: bytes.length };
    };
    const goOn = async function* (): AsyncGenerator<FitEvent, void, void> {
      const { progress } = training;
      for (let epoch = progress.history.length + 1; epoch <= epochs; epoch++) {
        if (o.patience !== undefined && isStuck(progress, o.patience)) {
          yield { type: 'stop', epoch: epoch - 1, patience: o.patience, best: progress.best + 1 };
          break;
        }
        const joined = begin(epoch);
        if (joined.length > 0) {
          await training.prepare();
          await keep();
          yield { type: 'unfreeze', epoch, joined };
        }
        const { source, inputs } = training;
        const pass = views === undefined ? epoch - 1 : (epoch - 1) % views;
        const order = epochOrder(data.length, sampling, labels, new Random(seed).fork(`epoch ${epoch}`));
        const [epochClock, madeBefore] = [clock(), inputs.made];
        const load = (k: number) => {
          const end = Math.min((k + 1) * size, pictures);
          const loading = source.load(order.slice(k * size, end), { upcoming: order.slice(end, end + size), pass });
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
          if (progress.step % (o.snapshotEvery ?? Infinity) === 0) await keep();
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
        await keep();
        yield {
          ...{
            type: 'epoch',
            epoch,
            epochs,
            step: progress.step,
            loss,
            accuracy,
            isBest,
            lr: rateOf(progress.step - 1),
          },
          seconds: epochClock(),
          ...(training.step.frozen && { computed: inputs.made - madeBefore }),
          ...(held && { validation: held }),
          averaged: (use) => training.step.averaged(use),
        };
        if (checkpoint) yield await write(epoch);
      }
      await training.finish(o.keep);
    };
    await keep();
    for (;;) {
      try {
        return yield* goOn();
      } catch (error) {
        yield await recover(error);
      }
    }
  } finally {
    await training.end();
  }
}

/** What makes the training the same training when it is taken up again. */
function settingsOf(model: Model, data: Dataset, o: Readonly<Record<string, unknown>> & { optimizer: Optimizer }) {
  const { optimizer, validation, schedule } = o as typeof o & { validation?: Dataset; schedule: Schedule };
  const { batch, accumulate, epochs, seed, groups, decayOn, clipNorm, clipValue, ema, labelSmoothing } = o;
  return {
    ...{ batch, accumulate, epochs, seed, groups, decayOn, clipNorm, clipValue, ema, labelSmoothing },
    ...{ unfreeze: o['unfreeze'], monitor: o['monitor'], loss: o['loss'], classWeights: o['classWeights'] },
    ...{ distill: o['distill'], augment: augmentationName(o as AugmentOptions) || undefined, views: o['views'] },
    sampling: o['sampling'] === 'shuffle' ? undefined : o['sampling'],
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
