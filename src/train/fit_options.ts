/** Options of `fit`: what they mean, their defaults, and what is taken. */
import { WgradError } from '../errors.ts';
import {
  abortSignal,
  callback,
  choice,
  count,
  custom,
  finite,
  fraction,
  nonNegative,
  positive,
  required,
} from '../options.ts';
import type { Transform } from '../transforms/index.ts';
import type { Dataset } from './dataset.ts';
import type { ByteStore } from './feature_store.ts';
import type { DistillOptions } from './loss.ts';
import { mixes } from './mix.ts';
import type { Monitor } from './progress.ts';
import type { ClassWeights, Sampling } from './sampling.ts';
import { isSchedule, type Schedule } from './schedule.ts';
import { updateOptions, type UpdateOptions } from './step_options.ts';

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
  /**
   * Transforms of wgrad/transforms, on the device: `[resizedCrop([224, 224]), flip(), colourJitter({ brightness: 0.2 })]`.
   * Each picture has draws of its own in every epoch.
   */
  augment?: readonly Transform[];
  /**
   * So many different draws of a picture, one after the other, rather than new ones each epoch: their features are kept, so
   * that what is frozen runs so many times for each picture. Without, augmented pictures are not kept.
   */
  views?: number;
  /** alpha of mixup and of CutMix; with both, each picture has one of them. What is mixed is not kept. */
  mixup?: number;
  cutmix?: number;
  /** How the pictures of an epoch are chosen; default 'shuffle'. */
  sampling?: Sampling;
  /** How much each class counts in the loss; default: the same. */
  classWeights?: ClassWeights;
  /** Learns from the model as it is before training, too: `weight` of the loss (default 0.5), at `temperature` (2). */
  distill?: Partial<DistillOptions>;
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
  /**
   * Keeps the training on the host after so many steps, and after every epoch. When the device is lost, `engine.restore()`
   * is called, and the training goes on from there: at most so many steps are done again, to the same bits; three losses
   * without a snapshot between them end it. What is frozen comes from the model's file again, or from the copy that
   * `loadOnnx(..., { hostCopy: true })` keeps. Default: never; a loss ends the training.
   */
  snapshotEvery?: number;
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

export const cacheOptions = {
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

export const checkpointOptions = {
  write: required(callback<CheckpointOptions['write']>('takes the bytes')),
  everySteps: count(undefined, 'steps between two checkpoints within an epoch'),
};

export const distillOptions = {
  weight: fraction(0.5, "the teacher's share of the loss"),
  temperature: positive(2, 'by which logits are divided'),
};

const isObject = (value: unknown) => typeof value === 'object' && value !== null;
const isTransform = (v: unknown) => isObject(v) && ('build' in (v as object) || 'place' in (v as object));

export const fitOptions = {
  ...updateOptions,
  epochs: required(count(undefined, 'passes over the dataset')),
  batchSize: count(16, 'pictures in one run'),
  schedule: custom<Schedule>(
    'factor on the learning rate over time',
    "'constant', 'cosine', 'one-cycle', 'plateau', a schedule() or a function",
    isSchedule,
  ),
  augment: custom<readonly Transform[]>(
    'transforms of the training pictures',
    'a list of transforms of wgrad/transforms',
    (v) => Array.isArray(v) && v.every(isTransform),
  ),
  views: count(undefined, 'different draws of a picture whose features are kept'),
  mixup: positive(undefined, 'alpha of mixup'),
  cutmix: positive(undefined, 'alpha of CutMix'),
  sampling: choice(['shuffle', 'balanced'], 'shuffle', 'how the pictures of an epoch are chosen'),
  classWeights: custom<ClassWeights>('how much each class counts', "'balanced', a list or an object of numbers", (v) =>
    v === 'balanced' || isObject(v),
  ), // prettier-ignore
  distill: custom<Partial<DistillOptions>>('learning from the model before training', 'an object', isObject),
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
  snapshotEvery: count(undefined, 'steps between two snapshots, which a loss of the device costs at most'),
  resume: custom<Uint8Array>('a checkpoint', 'bytes', (v) => v instanceof Uint8Array),
  seed: finite(0, 'of the order of the pictures'),
  signal: abortSignal(),
};

/**
 * Whether what the frozen part makes of pictures may be kept: the same comes again, now or (with a store) another time.
 * @throws WgradError 'invalid-argument' for views of what is mixed, or of nothing.
 */
export function keeps({ augment = [], views, mixup, cutmix, epochs, cache }: Omit<FitOptions, 'optimizer'>): boolean {
  const isMixed = mixes({ mixup, cutmix });
  if (views !== undefined && (isMixed || augment.length === 0)) {
    const why = isMixed ? 'pictures that are mixed have no views that could be kept' : 'there is nothing that augments';
    throw new WgradError('invalid-argument', `fit: views is ${views}, but ${why}`, { remedy: 'Leave views out' });
  }
  if (isMixed || (augment.length > 0 && views === undefined)) return false;
  // One pass finds nothing that was kept, but in a store.
  return epochs > (views ?? 1) || (typeof cache === 'object' && cache.store !== undefined);
}
