/**
 * One row an ONNX op: how it becomes ops of `src/ops`. Differences between operator sets (an attribute that became an
 * input, an axis that changed its meaning) are settled here and nowhere else.
 */
import { WgradError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { variableOf } from '../graph/leaves.ts';
import { batchNorm, batchNormTrain } from '../ops/batch_norm.ts';
import { add, div, mul, sub } from '../ops/binary.ts';
import { broadcastTo } from '../ops/broadcast.ts';
import { concat } from '../ops/concat.ts';
import { conv2d } from '../ops/conv2d.ts';
import { emaUpdate } from '../ops/effects.ts';
import { matmul } from '../ops/matmul.ts';
import { pad } from '../ops/pad.ts';
import { avgPool2d, maxPool2d } from '../ops/pool.ts';
import { mean } from '../ops/reduce.ts';
import { reshape } from '../ops/reshape.ts';
import { slice } from '../ops/slice.ts';
import { logSoftmax, softmax } from '../ops/softmax.ts';
import { transpose } from '../ops/transpose.ts';
import { affine, clamp, relu, sigmoid } from '../ops/unary.ts';
import {
  attrFloat,
  attrInt,
  attrInts,
  attrIntsOf,
  attrString,
  axesOf,
  nodeError,
  normalizeAxis,
} from './attributes.ts';
import { broadcastDims, reshapeDims, sliceRanges, squeezeDims, unsqueezeDims } from './dims.ts';
import { dtypeOfCode, elements, isFloat, type OnnxNode, type OnnxTensor } from './types.ts';
import { readWindow } from './windows.ts';

export interface NodeContext {
  node: OnnxNode;
  opset: number;
  /** Whether input `i` is given. */
  has(i: number): boolean;
  /** Input `i` as a tensor. @throws 'onnx-invalid' where it is missing. */
  tensor(i: number): Tensor;
  /** Input `i` where it is known on the host. */
  known(i: number): OnnxTensor | undefined;
  /** Input `i`, which must be known on the host. @throws 'onnx-unsupported' */
  constant(i: number): OnnxTensor;
  /** BatchNormalization only: normalise by the batch. */
  trainBatchNorm(): boolean;
  /** Registers an effect on running statistics. */
  update(effect: Tensor): void;
}

type Builder = (c: NodeContext) => Tensor;

const unsupported = ({ node }: NodeContext, what: string) =>
  new WgradError('onnx-unsupported', `node '${node.name}' (${node.opType}): ${what}`);

/** Input 0 as a batch of pictures. */
function picture(c: NodeContext): Tensor {
  const x = c.tensor(0);
  if (x.rank !== 4) throw unsupported(c, `an input of rank ${x.rank}; pictures have rank 4`);
  return x;
}

function conv(c: NodeContext): Tensor {
  const x = picture(c);
  const w = c.tensor(1);
  if (w.rank !== 4) throw unsupported(c, `a weight of rank ${w.rank}`);
  const { strides, pads, dilations } = readWindow(c.node, x.shape.slice(2), w.shape.slice(2));
  // Exporters that keep a separate BatchNormalization may still write the zeros that a missing bias stands for.
  const zero = c.known(2)?.data.every((value) => value === 0) ?? !c.has(2);
  return conv2d(x, w, zero ? undefined : c.tensor(2), {
    strides,
    pads,
    dilations,
    groups: attrInt(c.node, 'group', 1),
  });
}

/**
 * ONNX's momentum weighs the old statistic, PyTorch's the new one: running = m * running + (1 - m) * batch.
 * The exported `training_mode` is not followed: the caller's choice of mode is.
 */
function batchNormalization(c: NodeContext): Tensor {
  const x = c.tensor(0);
  const [weight, bias, runningMean, runningVar] = [1, 2, 3, 4].map((i) => c.tensor(i)) as [Tensor, Tensor, Tensor, Tensor]; // prettier-ignore
  if (attrInt(c.node, 'spatial', 1) === 0) throw unsupported(c, 'statistics per element (spatial = 0)');
  const eps = attrFloat(c.node, 'epsilon', 1e-5);
  if (!c.trainBatchNorm()) return batchNorm(x, { weight, bias, mean: runningMean, variance: runningVar }, eps);
  const count = x.size / weight.size;
  if (count < 2) throw new WgradError('shape', `one value a channel in ${x} has no batch statistics`);
  const trained = batchNormTrain(x, weight, bias, eps);
  const momentum = 1 - attrFloat(c.node, 'momentum', 0.9);
  const [meanVariable, varianceVariable] = [variableOf(runningMean), variableOf(runningVar)];
  if (meanVariable) c.update(emaUpdate(meanVariable, trained.mean, momentum));
  // The batch is normalised by its biased variance; the running one is kept unbiased, as PyTorch does.
  if (varianceVariable) c.update(emaUpdate(varianceVariable, trained.variance, momentum, count / (count - 1)));
  return trained.y;
}

function gemm(c: NodeContext): Tensor {
  const { node } = c;
  const alpha = attrFloat(node, 'alpha', 1);
  const beta = attrFloat(node, 'beta', 1);
  const product = matmul(c.tensor(0), c.tensor(1), {
    transposeA: attrInt(node, 'transA', 0) !== 0,
    transposeB: attrInt(node, 'transB', 0) !== 0,
  });
  const scaled = alpha === 1 ? product : affine(product, alpha);
  if (!c.has(2)) return scaled;
  return add(scaled, beta === 1 ? c.tensor(2) : affine(c.tensor(2), beta));
}

/** [..., m, k] x [k, n] is one product over all rows; other ranks broadcast as in numpy. */
function matMul(c: NodeContext): Tensor {
  const [a, b] = [c.tensor(0), c.tensor(1)];
  if (a.rank < 2 || b.rank < 2) throw unsupported(c, `[${a.shape.join(', ')}] x [${b.shape.join(', ')}]`);
  if (a.rank === 2 || b.rank > 2) return matmul(a, b);
  const rows = elements(a.shape.slice(0, -1));
  return reshape(matmul(reshape(a, [rows, a.shape.at(-1)!]), b), [...a.shape.slice(0, -1), b.shape[1]!]);
}

/** Bounds are attributes before opset 11, constant inputs from then on. */
function clip(c: NodeContext): Tensor {
  const bound = (index: number, key: string, fallback: number) => {
    if (c.opset < 11) return attrFloat(c.node, key, fallback);
    return c.has(index) ? (c.constant(index).data[0] ?? fallback) : fallback;
  };
  return clamp(c.tensor(0), bound(1, 'min', -Infinity), bound(2, 'max', Infinity));
}

function maxPool(c: NodeContext): Tensor {
  const x = picture(c);
  const { kernel, strides, pads, dilations, ceil } = readWindow(c.node, x.shape.slice(2));
  return maxPool2d(x, { kernel, strides, pads, dilations, ceilMode: ceil });
}

function averagePool(c: NodeContext): Tensor {
  const x = picture(c);
  const { kernel, strides, pads, dilations, ceil } = readWindow(c.node, x.shape.slice(2));
  const countIncludePad = attrInt(c.node, 'count_include_pad', 0) !== 0;
  return avgPool2d(x, { kernel, strides, pads, dilations, ceilMode: ceil, countIncludePad });
}

/** Mean over all axes behind the channels, which stay as 1. */
function globalAveragePool(c: NodeContext): Tensor {
  const x = c.tensor(0);
  return mean(x, x.shape.map((_, axis) => axis).slice(2), true); // prettier-ignore
}

/** Axes are an attribute before opset 18. */
function reduceMean(c: NodeContext): Tensor {
  const x = c.tensor(0);
  const axes = axesOf(c.node, c.has(1) ? c.constant(1) : undefined, c.opset, 18);
  if (!axes?.length && attrInt(c.node, 'noop_with_empty_axes', 0)) return x;
  const all = axes?.length ? axes.map((axis) => normalizeAxis(c.node, axis, x.rank)) : x.shape.map((_, axis) => axis);
  return mean(x, all, attrInt(c.node, 'keepdims', 1) !== 0);
}

/** Before opset 13 the axis splits the tensor into a matrix, whose rows are normalised; since then it is one axis. */
function softmaxLike(compute: (x: Tensor, axis: number) => Tensor): Builder {
  return (c) => {
    const x = c.tensor(0);
    const axis = normalizeAxis(c.node, attrInt(c.node, 'axis', c.opset < 13 ? 1 : -1), x.rank);
    if (c.opset >= 13 || axis === x.rank - 1) return compute(x, axis);
    const rows = reshape(x, [elements(x.shape.slice(0, axis)), elements(x.shape.slice(axis))]);
    return reshape(compute(rows, 1), x.shape);
  };
}

function flatten(c: NodeContext): Tensor {
  const x = c.tensor(0);
  const axis = attrInt(c.node, 'axis', 1);
  const at = axis === x.rank ? axis : normalizeAxis(c.node, axis, x.rank);
  return reshape(x, [elements(x.shape.slice(0, at)), elements(x.shape.slice(at))]);
}

/** Pads and value are attributes before opset 11; axes can be chosen since opset 18. */
function padding(c: NodeContext): Tensor {
  const x = c.tensor(0);
  const mode = attrString(c.node, 'mode', 'constant');
  const amounts = c.opset < 11 ? (attrInts(c.node, 'pads') ?? []) : [...c.constant(1).data];
  const axes = c.has(3)
    ? [...c.constant(3).data].map((axis) => normalizeAxis(c.node, axis, x.rank))
    : [...x.shape.keys()];
  if (amounts.length !== 2 * axes.length) throw nodeError(c.node, `${amounts.length} pads for ${axes.length} axes`);
  const value = c.opset < 11 ? attrFloat(c.node, 'value', 0) : c.has(2) ? (c.constant(2).data[0] ?? 0) : 0;
  const before = x.shape.map(() => 0);
  const after = x.shape.map(() => 0);
  axes.forEach((axis, i) => {
    before[axis] = amounts[i]!;
    after[axis] = amounts[axes.length + i]!;
  });
  if ([...before, ...after].every((amount) => amount === 0)) return x;
  if (mode !== 'constant') throw unsupported(c, `mode '${mode}'`);
  if (amounts.some((amount) => amount < 0)) throw unsupported(c, `negative pads [${amounts.join(', ')}]`);
  return pad(x, before, after, value);
}

function cropping(c: NodeContext): Tensor {
  const x = c.tensor(0);
  const known = c.node.inputs.map((_, i) => (i > 0 && c.has(i) ? c.constant(i) : undefined));
  const starts = x.shape.map(() => 0);
  const sizes = [...x.shape];
  const steps = x.shape.map(() => 1);
  for (const { axis, start, count, step } of sliceRanges(c.node, x.shape, known, c.opset))
    [starts[axis], sizes[axis], steps[axis]] = [start, count, step];
  return slice(x, starts, sizes, steps);
}

const NO_FLOAT = 'casts what is computed to a type that is not float; only constants can be';

function cast(c: NodeContext): Tensor {
  const dtype = dtypeOfCode(attrInt(c.node, 'to', 1));
  if (!dtype || !isFloat(dtype)) throw unsupported(c, NO_FLOAT);
  return c.tensor(0);
}

/** Tensors are float32 all, so that only a constant of whole numbers can ask for another type. */
function castLike(c: NodeContext): Tensor {
  const like = c.known(1);
  if (like && !isFloat(like.dtype)) throw unsupported(c, NO_FLOAT);
  return c.tensor(0);
}

function concatenation(c: NodeContext): Tensor {
  const parts = c.node.inputs.map((_, i) => c.tensor(i));
  if (!c.node.attributes.has('axis')) throw nodeError(c.node, "attribute 'axis' is missing");
  return concat(parts, normalizeAxis(c.node, attrInt(c.node, 'axis', 0), parts[0]?.rank ?? 0));
}

function transposition(c: NodeContext): Tensor {
  const x = c.tensor(0);
  const order = attrIntsOf(c.node, 'perm', x.rank, 0, 0);
  const perm = c.node.attributes.has('perm') ? order : [...x.shape.keys()].reverse();
  if (new Set(perm).size !== x.rank || perm.some((axis) => axis >= x.rank)) throw nodeError(c.node, `perm [${perm.join(', ')}]`); // prettier-ignore
  return transpose(x, perm);
}

const passOn: Builder = (c) => c.tensor(0);
const binary =
  (compute: (a: Tensor, b: Tensor) => Tensor): Builder =>
  (c) =>
    compute(c.tensor(0), c.tensor(1));

export const BUILDERS: Readonly<Record<string, Builder>> = {
  Add: binary(add),
  AveragePool: averagePool,
  BatchNormalization: batchNormalization,
  Cast: cast,
  CastLike: castLike,
  Clip: clip,
  Concat: concatenation,
  Conv: conv,
  Div: binary(div),
  // Inference semantics, also in graphs that are trained: fine-tuning here is without dropout.
  Dropout: passOn,
  Expand: (c) => broadcastTo(c.tensor(0), broadcastDims(c.node, c.tensor(0).shape, [...c.constant(1).data])),
  Flatten: flatten,
  Gemm: gemm,
  GlobalAveragePool: globalAveragePool,
  Identity: passOn,
  LogSoftmax: softmaxLike(logSoftmax),
  MatMul: matMul,
  MaxPool: maxPool,
  Mul: binary(mul),
  Pad: padding,
  ReduceMean: reduceMean,
  Relu: (c) => relu(c.tensor(0)),
  Reshape: (c) => reshape(c.tensor(0), reshapeDims(c.node, c.tensor(0).shape, [...c.constant(1).data])),
  Sigmoid: (c) => sigmoid(c.tensor(0)),
  Slice: cropping,
  Softmax: softmaxLike(softmax),
  Squeeze: (c) => {
    const axes = axesOf(c.node, c.has(1) ? c.constant(1) : undefined, c.opset, 13);
    return reshape(c.tensor(0), squeezeDims(c.node, c.tensor(0).shape, axes));
  },
  Sub: binary(sub),
  Transpose: transposition,
  Unsqueeze: (c) => {
    const axes = axesOf(c.node, c.has(1) ? c.constant(1) : undefined, c.opset, 13) ?? [];
    return reshape(c.tensor(0), unsqueezeDims(c.node, c.tensor(0).shape, axes));
  },
};

export const BUILT_OPS: ReadonlySet<string> = new Set(Object.keys(BUILDERS));
