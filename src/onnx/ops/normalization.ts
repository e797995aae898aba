/** Normalisation: by the statistics of a sample, a group or a layer, by a norm. */
import { elements } from '../types.ts';
import type { Shaped } from './algebra.ts';
import { row, type OpContext, type Rows } from './row.ts';

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
  GroupNormalization: row(groupNormalization),
  InstanceNormalization: row(instanceNormalization),
  LayerNormalization: row(layerNormalization),
  LpNormalization: row(lpNormalization),
  RMSNormalization: row(rmsNormalization),
};
