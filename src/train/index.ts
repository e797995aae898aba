export { inMemory, type Dataset, type Sample } from './dataset.ts';
export { evaluate, type Evaluation } from './evaluate.ts';
export { fit, type FitEvent, type FitOptions, type Schedule } from './fit.ts';
export { layerwiseDecay, type ParameterGroup } from './groups.ts';
export { adam, adamw, rmsprop, sgd, type Optimizer } from './optimizers.ts';
export { TrainStep, type StepOptions } from './step.ts';
export * from './measures/index.ts';
