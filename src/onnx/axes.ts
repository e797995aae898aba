/**
 * Where an axis of a value goes: from a node's input to its output. The class axis behind a head, the batch, the channels
 * of a feature map are all followed with this one function, by position and never by extent.
 */
import { attrInt, attrInts } from './attributes.ts';
import type { OnnxNode, OnnxTensor } from './types.ts';

export interface AxisQuestion {
  node: OnnxNode;
  /** Which of the node's inputs. */
  slot: number;
  axis: number;
  /** Dims of that input and of the node's first output. */
  from: readonly number[];
  to: readonly number[];
  /** A constant input, where it is one. */
  constant(slot: number): OnnxTensor | undefined;
}

/**
 * contracted: summed over with weights (Gemm, MatMul, Conv). reduced: summed or averaged away. joined, cut: the extent
 * is no longer that of the axis alone. unknown: an op that is not listed here.
 */
export type AxisFate = number | 'contracted' | 'reduced' | 'joined' | 'cut' | 'unknown';

/** Ops that work on each element, or along other axes without moving any. */
const STAYS = new Set(
  // prettier-ignore
  [
    'Identity', 'Cast', 'CastLike', 'Dropout', 'Relu', 'LeakyRelu', 'PRelu', 'Elu', 'Selu', 'Celu', 'ThresholdedRelu',
    'Sigmoid', 'HardSigmoid', 'HardSwish', 'Mish', 'Gelu', 'Softplus', 'Softsign', 'Erf', 'Tanh', 'Exp', 'Log', 'Sqrt',
    'Abs', 'Neg', 'Sign', 'Reciprocal', 'Floor', 'Ceil', 'Round', 'Clip', 'Sin', 'Cos', 'Softmax', 'LogSoftmax',
    'Add', 'Sub', 'Mul', 'Div', 'Pow', 'Sum', 'Max', 'Min', 'Mean', 'Where', 'Expand',
    'BatchNormalization', 'InstanceNormalization', 'GroupNormalization', 'LayerNormalization', 'LpNormalization', 'LRN',
    'MaxPool', 'AveragePool', 'GlobalAveragePool', 'GlobalMaxPool', 'LpPool', 'GlobalLpPool', 'Resize', 'Upsample', 'Pad',
    'Slice', 'Tile',
  ],
);

const product = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);

/** Row-major reinterpretation: the axis whose stride and extent are those of `axis` before. */
function reinterpreted({ from, to, axis }: AxisQuestion): AxisFate {
  const before = product(from.slice(0, axis));
  const fits = (j: number) => j < to.length && to[j] === from[axis] && product(to.slice(0, j)) === before;
  if (fits(axis)) return axis;
  const candidates = [...to.keys()].filter(fits);
  // An axis of extent 1 may stand at several places; the batch stays the first.
  return candidates.find((j) => axis === 0 || j > 0) ?? candidates[0] ?? 'joined';
}

function reducedAxes({ node, from, constant }: AxisQuestion): number[] {
  const axes = attrInts(node, 'axes') ?? (node.inputs[1] ? [...(constant(1)?.data ?? [])] : []);
  if (axes.length === 0) return attrInt(node, 'noop_with_empty_axes', 0) ? [] : [...from.keys()];
  return axes.map((axis) => (axis < 0 ? axis + from.length : axis));
}

export function followAxis(question: AxisQuestion): AxisFate {
  const { node, slot, axis, from, to } = question;
  const { opType } = node;
  if (opType === 'Transpose') {
    const perm = attrInts(node, 'perm') ?? [...from.keys()].reverse();
    return perm.indexOf(axis);
  }
  if (opType === 'Reshape' || opType === 'Flatten' || opType === 'Squeeze' || opType === 'Unsqueeze')
    return slot === 0 ? reinterpreted(question) : 'unknown';
  if (opType === 'Conv' || opType === 'ConvTranspose')
    return slot === 0 && axis !== 1 ? axis : slot === 0 ? 'contracted' : 'unknown';
  if (opType === 'Gemm') {
    if (slot !== 0) return 'unknown';
    return axis === (attrInt(node, 'transA', 0) ? 1 : 0) ? 0 : 'contracted';
  }
  if (opType === 'MatMul') {
    if (slot !== 0) return 'unknown';
    return axis === from.length - 1 ? 'contracted' : axis + to.length - from.length;
  }
  if (/^Reduce|^ArgM/.test(opType)) {
    const gone = opType.startsWith('Arg') ? [attrInt(node, 'axis', 0)] : reducedAxes(question);
    if (gone.includes(axis)) return 'reduced';
    return to.length === from.length ? axis : axis - gone.filter((other) => other < axis).length;
  }
  if (opType === 'Concat') {
    const along = attrInt(node, 'axis', 0);
    return (along < 0 ? along + from.length : along) === axis ? 'joined' : axis;
  }
  if (!STAYS.has(opType)) return 'unknown';
  // Broadcasting aligns at the end.
  const at = axis + to.length - from.length;
  if (/Pool$/.test(opType) && axis > 1) return at;
  return to[at] === from[axis] ? at : 'cut';
}
