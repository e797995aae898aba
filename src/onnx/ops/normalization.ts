/** Normalisation: by given statistics, by the batch's, by those of a sample, a group or a layer, by a norm. */
import { elements } from '../types.ts';
import type { Shaped } from './algebra.ts';
import { row, type OpContext, type Rows } from './row.ts';

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

/** (x - mean) / sqrt(variance + eps) over some axes, in two passes: E[x^2] - E[x]^2 would cancel. */
function normalized<T extends Shaped>(c: OpContext<T>, x: T, axes: readonly number[], eps: number) {
  const { ops } = c;
  const mean = ops.reduce('mean', x, axes, true);
  const centred = ops.binary('sub', x, mean);
  const variance = ops.reduce('mean', ops.binary('mul', centred, centred), axes, true);
  const inverse = ops.unary('reciprocal', ops.unary('sqrt', ops.unary('affine', variance, 1, eps)));
  return { y: ops.binary('mul', centred, inverse), mean, inverse };
}

/** y * scale + shift */
function scaled<T extends Shaped>(c: OpContext<T>, y: T, scale: T, shift: T | undefined): T {
  const product = c.ops.binary('mul', y, scale);
  return shift ? c.ops.binary('add', product, shift) : product;
}

/** A vector along axis 1 of a tensor of this rank. */
const along = <T extends Shaped>(c: OpContext<T>, v: T, rank: number): T =>
  c.ops.reshape(v, [elements(v.shape), ...new Array<number>(Math.max(0, rank - 2)).fill(1)]);

function instanceNormalization<T extends Shaped>(c: OpContext<T>): T {
  const x = c.x(0);
  const rank = x.shape.length;
  const { y } = normalized(c, x, [...x.shape.keys()].slice(2), c.float('epsilon', 1e-5));
  return scaled(c, y, along(c, c.x(1), rank), along(c, c.x(2), rank));
}

/** Scale and bias are one a group in opset 18, one a channel since opset 21. */
function groupNormalization<T extends Shaped>(c: OpContext<T>): T {
  const x = c.x(0);
  const [n, channels] = x.shape as [number, number];
  const groups = c.int('num_groups', 0);
  if (groups < 1 || channels % groups) throw c.invalid(`${groups} groups of ${channels} channels`);
  const parts = c.ops.reshape(x, [n, groups, elements(x.shape.slice(1)) / groups]);
  const { y } = normalized(c, parts, [2], c.float('epsilon', 1e-5));
  const [scale, shift] = [c.x(1), c.x(2)];
  if (c.opset < 21) return c.ops.reshape(scaled(c, y, along(c, scale, 3), along(c, shift, 3)), x.shape);
  const rank = x.shape.length;
  return scaled(c, c.ops.reshape(y, x.shape), along(c, scale, rank), along(c, shift, rank));
}

/** Over `axis` and all behind it; the mean and 1 / standard deviation are further outputs. */
function layerNormalization<T extends Shaped>(c: OpContext<T>): T[] {
  const x = c.x(0);
  const axes = [...x.shape.keys()].slice(c.axis(c.int('axis', -1), x.shape.length));
  const { y, mean, inverse } = normalized(c, x, axes, c.float('epsilon', 1e-5));
  return [scaled(c, y, c.x(1), c.has(2) ? c.x(2) : undefined), mean, inverse];
}

function rmsNormalization<T extends Shaped>(c: OpContext<T>): T {
  const { ops } = c;
  const x = c.x(0);
  const axes = [...x.shape.keys()].slice(c.axis(c.int('axis', -1), x.shape.length));
  const square = ops.reduce('mean', ops.binary('mul', x, x), axes, true);
  const root = ops.unary('sqrt', ops.unary('affine', square, 1, c.float('epsilon', 1e-5)));
  return ops.binary('mul', ops.binary('div', x, root), c.x(1));
}

/** x over its L1 or L2 norm along an axis; a line of zeros stays. */
function lpNormalization<T extends Shaped>(c: OpContext<T>): T {
  const { ops } = c;
  const x = c.x(0);
  const p = c.int('p', 2);
  if (p !== 1 && p !== 2) throw c.unsupported(`the norm of order ${p}`);
  const axes = [c.axis(c.int('axis', -1), x.shape.length)];
  const size = p === 1 ? ops.unary('abs', x) : ops.binary('mul', x, x);
  const sum = ops.reduce('sum', size, axes, true);
  // Zeros are divided by 1, before the root, whose gradient at 0 is infinite.
  const positive = ops.where(ops.binary('greater', sum, c.number(0)), sum, c.number(1));
  return ops.binary('div', x, p === 1 ? positive : ops.unary('sqrt', positive));
}

export const NORMALIZATION: Rows = {
  BatchNormalization: row(batchNormalization),
  GroupNormalization: row(groupNormalization),
  InstanceNormalization: row(instanceNormalization),
  LayerNormalization: row(layerNormalization),
  LpNormalization: row(lpNormalization),
  RMSNormalization: row(rmsNormalization),
};
