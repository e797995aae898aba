export { inMemory, type Dataset, type Sample } from './dataset.ts';
export { evaluate, type Evaluation } from './evaluate.ts';
export { fit, type FitEvent, type FitOptions, type Schedule } from './fit.ts';
export { adam, adamw, sgd, type Optimizer } from './optimizers.ts';
export { TrainStep, type StepOptions } from './step.ts';
