export { inMemory, type Dataset, type Label, type Sample, type TargetKind } from './dataset.ts';
export { evaluate, type Evaluation } from './evaluate.ts';
export type {
  CheckpointEvent,
  EpochEvent,
  FitEvent,
  RestoreEvent,
  StartEvent,
  StepEvent,
  StopEvent,
  UnfreezeEvent,
} from './events.ts';
export type { ByteStore } from './feature_store.ts';
export { fit, type CacheOptions, type CheckpointOptions, type FitOptions, type Unfreezing } from './fit.ts';
export type { DistillOptions, LossData, LossName } from './loss.ts';
export type { ClassWeights, Sampling } from './sampling.ts';
export { findLr, type FindLrOptions, type FoundLr, type LrPoint } from './find_lr.ts';
export { layerwiseDecay, type ParameterGroup } from './groups.ts';
export { adam, adamw, rmsprop, sgd, type Optimizer } from './optimizers.ts';
export {
  product,
  schedule,
  sequence,
  warmup,
  type Schedule,
  type ScheduleData,
  type ScheduleUnit,
} from './schedule.ts';
export { TrainStep } from './step.ts';
export type { StepOptions } from './step_options.ts';
export * from './measures/index.ts';
export { kFold, split, subset, type Split, type SplitOptions } from './splits.ts';
