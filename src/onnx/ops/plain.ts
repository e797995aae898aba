/**
 * The ops of a plain classifier, such as a ResNet: those that are there at once. All others come with the first model
 * that has one of them (index.ts).
 */
import { reshapeDims } from '../dims.ts';
import { elements } from '../types.ts';
import { readWindow } from '../windows.ts';
import type { Shaped } from './algebra.ts';
import { bias, likeInput, picture, spatial } from './pictures.ts';
import { row, type OpContext, type Row, type Rows } from './row.ts';

export function conv<T extends Shaped>(c: OpContext<T>): T {
  const [x, w] = [picture(c, c.x(0)), picture(c, c.x(1))];
  if (c.operand(1).shape.length !== c.operand(0).shape.length)
    throw c.unsupported(`a weight of rank ${c.operand(1).shape.length}`);
  const { strides, pads, dilations } = readWindow(c.node, spatial(c.operand(0).shape), spatial(c.operand(1).shape));
  const y = c.ops.conv2d(x, w, bias(c), { strides, pads, dilations, groups: c.int('group', 1) });
  return likeInput(c, y);
}

const maxPool: Row = row((c) => {
  if (c.wants(1)) throw c.unsupported('the output of indices');
  const { kernel, strides, pads, dilations, ceil } = readWindow(c.node, spatial(c.operand(0).shape));
  return likeInput(c, c.ops.maxPool2d(picture(c, c.x(0)), { kernel, strides, pads, dilations, ceilMode: ceil }));
});

/** Over all axes behind the channels, which stay as 1. */
export const globalPool = (kind: 'mean' | 'max'): Row =>
  row((c) => {
    const x = c.x(0);
    return c.ops.reduce(kind, x, [...x.shape.keys()].slice(2), true);
  });

/**
 * By the statistics given, or by the batch's: where the model is in that mode, or where the file says so
 * (`training_mode`, as weight-standardised networks have it). ONNX's momentum weighs the old statistic, PyTorch's the
 * new one: running = m * running + (1 - m) * batch.
 */
function batchNormalization<T extends Shaped>(c: OpContext<T>): T | T[] {
  const { ops } = c;
  const x = c.x(0);
  const [weight, bias, mean, variance] = [c.x(1), c.x(2), c.x(3), c.x(4)];
  if (!c.flag('spatial', true)) throw c.unsupported('statistics per element (spatial = 0)');
  const eps = c.float('epsilon', 1e-5);
  if (!c.statistics.useBatch) return ops.batchNorm(x, { weight, bias, mean, variance }, eps);
  const count = elements(x.shape) / elements(weight.shape);
  if (count < 2) throw c.invalid(`one value a channel in [${x.shape.join(', ')}] has no batch statistics`);
  const batch = ops.batchNormTrain(x, weight, bias, eps);
  const momentum = c.float('momentum', 0.9);
  // The batch is normalised by its biased variance; the running one is kept unbiased, as PyTorch does.
  c.statistics.update(3, batch.mean, 1 - momentum, 1);
  c.statistics.update(4, batch.variance, 1 - momentum, count / (count - 1));
  if (!c.wants(1) && !c.wants(2)) return batch.y;
  const moved = (old: T, now: T) =>
    ops.binary('add', ops.unary('affine', old, momentum, 0), ops.unary('affine', now, 1 - momentum, 0));
  return [batch.y, moved(mean, batch.mean), moved(variance, batch.variance)];
}

function gemm<T extends Shaped>(c: OpContext<T>): T {
  const { ops } = c;
  const scaled = (x: T, factor: number) => (factor === 1 ? x : ops.unary('affine', x, factor, 0));
  const product = ops.matmul(c.x(0), c.x(1), c.flag('transA'), c.flag('transB'));
  const y = scaled(product, c.float('alpha', 1));
  return c.has(2) ? ops.binary('add', y, scaled(c.x(2), c.float('beta', 1))) : y;
}

function flatten<T extends Shaped>(c: OpContext<T>): T {
  const x = c.x(0);
  const axis = c.int('axis', 1);
  const at = axis === x.shape.length ? axis : c.axis(axis, x.shape.length);
  return c.ops.reshape(x, [elements(x.shape.slice(0, at)), elements(x.shape.slice(at))]);
}

/** Inference semantics, also in graphs that are trained: fine-tuning here is without dropout. The mask is all true. */
function dropout<T extends Shaped>(c: OpContext<T>): T | T[] {
  const x = c.x(0);
  // Whether it drops is said by the file (and warned of), not computed.
  if (c.has(2)) c.constant(2);
  return c.wants(1) ? [x, c.ops.broadcastTo(c.number(1), x.shape)] : x;
}

/**
 * Before opset 13 the axis splits the tensor into a matrix, whose rows are normalised; since then it is one axis.
 */
export const softmax = (log: boolean): Row =>
  row((c) => {
    const x = c.x(0);
    const axis = c.axis(c.int('axis', c.opset < 13 ? 1 : -1), x.shape.length);
    if (c.opset >= 13 || axis === x.shape.length - 1) return c.ops.softmax(x, axis, log);
    const size = (dims: readonly number[]) => dims.reduce((n, d) => n * d, 1);
    const rows = c.ops.reshape(x, [size(x.shape.slice(0, axis)), size(x.shape.slice(axis))]);
    return c.ops.reshape(c.ops.softmax(rows, 1, log), x.shape);
  });

/** The rows, which compute with {@link PLAIN_GRAPH} alone. */
export const PLAIN: Rows = {
  Add: row((c) => c.ops.binary('add', c.x(0), c.x(1))),
  BatchNormalization: row(batchNormalization),
  Conv: row(conv),
  Dropout: row(dropout, { constants: [2], dtype: (c, output) => (output === 1 ? 'bool' : c.operand(0).dtype) }),
  Flatten: row(flatten),
  Gemm: row(gemm),
  GlobalAveragePool: globalPool('mean'),
  Identity: row((c) => c.x(0)),
  MatMul: row((c) => c.ops.matmul(c.x(0), c.x(1))),
  MaxPool: maxPool,
  Relu: row((c) => c.ops.unary('relu', c.x(0))),
  Reshape: row((c) => c.ops.reshape(c.x(0), reshapeDims(c.node, c.operand(0).shape, c.numbers(1) ?? [])), {
    constants: [1],
  }),
  Sigmoid: row((c) => c.ops.unary('sigmoid', c.x(0))),
  Softmax: softmax(false),
};
