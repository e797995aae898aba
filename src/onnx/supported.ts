/** Op types that the importer takes: those with a builder, and those that are folded away. */
import { FOLDED_OPS } from './fold.ts';

/** Ops that become nodes of the graph; import.ts has a builder for each. */
export const BUILT_OPS = [
  'Add',
  'AveragePool',
  'BatchNormalization',
  'Cast',
  'CastLike',
  'Clip',
  'Concat',
  'Conv',
  'Div',
  'Dropout',
  'Flatten',
  'Gemm',
  'GlobalAveragePool',
  'Identity',
  'LogSoftmax',
  'MatMul',
  'MaxPool',
  'Mul',
  'Pad',
  'ReduceMean',
  'Relu',
  'Reshape',
  'Sigmoid',
  'Slice',
  'Softmax',
  'Squeeze',
  'Sub',
  'Transpose',
  'Unsqueeze',
  'Expand',
] as const;

export type BuiltOp = (typeof BUILT_OPS)[number];

export const SUPPORTED_OPS: ReadonlySet<string> = new Set([...BUILT_OPS, ...FOLDED_OPS]);
