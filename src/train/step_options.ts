/** How parameters move, as options: what `fit` and a single step share. */
import {
  abortSignal,
  callback,
  choice,
  count,
  custom,
  flag,
  fraction,
  positive,
  readOptions,
  required,
  share,
} from '../options.ts';
import type { ClipOptions } from './clip.ts';
import { Entrance } from './entrance.ts';
import { lossTables, type DistillOptions, type LossData, type LossName } from './loss.ts';
import type { DecayOn, ParameterGroup } from './groups.ts';
import { optimizerOption, type Optimizer } from './optimizers.ts';
import type { Perturb } from './step_graph.ts';
import type { Teacher } from './teacher.ts';

/** How parameters move: options of `fit` and of a step. */
export interface UpdateOptions extends ClipOptions {
  optimizer: Optimizer;
  /** Rates and decay of parts of the model; the first group that matches a parameter is its own. */
  groups?: readonly ParameterGroup[] | undefined;
  /** Which parameters weight decay is for; default 'all', as in PyTorch. */
  decayOn?: DecayOn | undefined;
  /** Micro-batches whose mean gradient is one step; default 1. BatchNorm in train mode sees each by itself. */
  accumulate?: number | undefined;
  /** Keeps an exponential moving average of the parameters with this decay, for instance 0.999; default: none. */
  ema?: number | undefined;
  /** Share of the target that is spread over all classes; default 0. */
  labelSmoothing?: number | undefined;
  /** What is made small; default 'cross-entropy', for one logit or independent labels binary cross-entropy. */
  loss?: LossName | LossData | undefined;
}

/** What `fit` makes of its own options for a step. */
interface MadeOptions {
  /** One for each class of the model. */
  classWeights?: readonly number[] | undefined;
  teacher?: (DistillOptions & { model: Teacher }) | undefined;
}

/** Options of {@link TrainStep.create}. */
export interface StepOptions extends UpdateOptions, MadeOptions {
  /** Pictures in one run: of a step, or with `accumulate` of a micro-batch. */
  batch: number;
  /**
   * The pictures trained on in place of the given ones [batch,C,H,W], such as `adversarialPoints` of wgrad/explain.
   * @param loss of pictures, with the batch's targets and the statistics of evaluation.
   */
  perturb?: Perturb | undefined;
  /**
   * Splits the step at the frontier of what is frozen, so that `fit` can keep what the frozen part makes of a picture;
   * default false.
   */
  splitFrozen?: boolean | undefined;
  /** Where pictures come in; default: as they are. */
  entrance?: Entrance | undefined;
  /** For parameters by name, the steps that were done when they were unfrozen; default 0. */
  since?: Readonly<Record<string, number>> | undefined;
  /** Stops the compilation. */
  signal?: AbortSignal | undefined;
}

const isLoss = (v: unknown) => {
  const { name, ...rest } = typeof v === 'string' ? { name: v } : ((v ?? {}) as Partial<LossData>);
  return (
    typeof name === 'string' &&
    Object.hasOwn(lossTables, name) &&
    !!readOptions(`loss ${name}`, lossTables[name as LossName], rest)
  );
};

/** A loss with its options. */
export const lossData = (loss: LossName | LossData | undefined): LossData =>
  typeof loss === 'object' ? loss : { name: loss ?? 'cross-entropy' };

/** What `fit` and {@link TrainStep} share. */
export const updateOptions = {
  optimizer: required(optimizerOption),
  groups: custom<readonly ParameterGroup[]>('rates and decay of parts of the model', 'a list of groups', (v) =>
    Array.isArray(v) && v.every((g) => typeof g === 'object' && g !== null),
  ), // prettier-ignore
  decayOn: choice(['all', 'weights'], 'all', 'which parameters weight decay is for: weights: no biases, no BatchNorm'),
  clipNorm: positive(undefined, 'largest L2 norm of all gradients together'),
  clipValue: positive(undefined, "largest magnitude of a gradient's value"),
  accumulate: count(1, 'micro-batches whose mean gradient is one step'),
  ema: share(undefined, 'decay of the moving average of the parameters'),
  labelSmoothing: fraction(0, 'share of the target that is spread over all classes'),
  loss: custom<LossName | LossData>(
    'what is made small',
    `${Object.keys(lossTables).join(', ')}, or one with its options`,
    isLoss,
  ),
};

const isNumbers = (v: unknown) =>
  typeof v === 'object' && v !== null && Object.values(v).every((n) => Number.isSafeInteger(n) && n >= 0);

export const stepOptions = {
  ...updateOptions,
  batch: required(count(undefined, 'pictures in one run')),
  perturb: callback<Perturb>('makes the pictures trained on'),
  entrance: custom<Entrance>('where pictures come in', 'an entrance', (v) => v instanceof Entrance),
  classWeights: custom<readonly number[]>('of each class', 'a list of numbers', Array.isArray),
  teacher: custom<DistillOptions & { model: Teacher }>(
    'whom it learns from',
    'a teacher',
    (v) => typeof v === 'object',
  ),
  since: custom<Readonly<Record<string, number>>>('when parameters were unfrozen', 'an object of numbers', isNumbers),
  splitFrozen: flag(false, 'split at the frontier of what is frozen'),
  signal: abortSignal(),
};
