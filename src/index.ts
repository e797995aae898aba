/** wgrad: the engine, the graph, its ops, gradients, and models. */
export { WgradError, type ErrorCode } from './errors.ts';
export { Engine, type CompileOptions, type EngineOptions, type PictureDecoder, type RestoreOptions } from './engine.ts';
export { SOFTWARE_NOTE } from './gpu/adapter.ts';
export { grad, type GradOptions } from './autograd/grad.ts';
export { constant, input, scalar, Variable } from './graph/leaves.ts';
export { apply, apply1, Tensor, type DType, type Node } from './graph/tensor.ts';
export type { LowerContext } from './graph/lower.ts';
export type { Kernel } from './gpu/kernel.ts';
export { grid } from './gpu/grid.ts';
export type { Op, PlanNode, TensorSpec, Vjp, VjpThunk } from './graph/op.ts';
export type { Plan, PlanRequest, ProgramStats } from './plan/plan.ts';
export type { TuningMode, TuningOptions } from './gemm/choose.ts';
export type { Choice } from './gemm/family.ts';
export type { TuningStore } from './gemm/records.ts';
export type { TunedGemm, TuneOptions } from './gemm/tune.ts';
export type { DispatchTime, Profile, ProfileOptions } from './plan/profile.ts';
export { chromeTrace, type ChromeTrace, type TraceEvent } from './plan/trace.ts';
export { Program, type Feed, type Feeds, type RunOptions } from './plan/program.ts';
export { Model, type BatchNormMode, type GraphOptions, type ModelGraph } from './model/model.ts';
export type {
  ClassScore,
  ModelBuffers,
  ModelInput,
  ModelOutputs,
  RunOptions as ModelRunOptions,
} from './model/model.ts';
export type { PictureOptions, PictureSource } from './model/pictures.ts';
export type { Preprocess } from './image/preprocess_spec.ts';
export { Random } from './random.ts';
export * from './ops/index.ts';
