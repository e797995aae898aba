/** The algebra whose values are tensors of a graph: each operation adds nodes of `src/ops`. */
import { constant } from '../../graph/leaves.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { alongAxis, sparseMatrix } from '../../ops/along_axis.ts';
import * as ops from '../../ops/index.ts';
import { conv2dInputGrad } from '../../ops/conv2d_grad.ts';
import type { Algebra, BinaryKind, ReduceKind, UnaryKind } from './algebra.ts';

const UNARY: Readonly<Record<UnaryKind, (x: Tensor, a: number, b: number) => Tensor>> = {
  abs: ops.abs,
  affine: ops.affine,
  ceil: ops.ceil,
  clamp: ops.clamp,
  elu: ops.elu,
  erf: ops.erf,
  exp: ops.exp,
  floor: ops.floor,
  gelu: (x) => ops.gelu(x),
  geluTanh: (x) => ops.gelu(x, 'tanh'),
  hardSigmoid: ops.hardSigmoid,
  hardSwish: ops.hardSwish,
  leakyRelu: ops.leakyRelu,
  log: ops.log,
  mish: ops.mish,
  neg: ops.neg,
  not: ops.logicalNot,
  reciprocal: ops.reciprocal,
  relu: ops.relu,
  round: ops.round,
  sigmoid: ops.sigmoid,
  sign: ops.sign,
  silu: ops.silu,
  single: (x) => x,
  softplus: ops.softplus,
  softsign: ops.softsign,
  sqrt: ops.sqrt,
  tanh: ops.tanh,
  trunc: ops.trunc,
};

const BINARY: Readonly<Record<BinaryKind, (a: Tensor, b: Tensor) => Tensor>> = {
  add: ops.add,
  sub: ops.sub,
  mul: ops.mul,
  div: ops.div,
  pow: ops.pow,
  max: ops.maximum,
  min: ops.minimum,
  equal: ops.equal,
  greater: ops.greater,
  greaterOrEqual: ops.greaterOrEqual,
  less: ops.less,
  lessOrEqual: ops.lessOrEqual,
  and: ops.logicalAnd,
  or: ops.logicalOr,
  xor: ops.logicalXor,
};

const REDUCE: Readonly<Record<ReduceKind, typeof ops.sum>> = {
  sum: ops.sum,
  mean: ops.mean,
  max: ops.max,
  min: ops.min,
  prod: ops.prod,
  logSumExp: ops.logSumExp,
};

/** BatchNorm's kernels take [N, C] and pictures: other ranks are pictures of one column. */
function asPicture(x: Tensor): Tensor {
  if (x.rank === 2 || x.rank === 4) return x;
  return ops.reshape(x, [x.shape[0]!, x.shape[1]!, -1, 1]);
}

/** [..., m, k] x [k, n] is one product over all rows. */
function matmul(a: Tensor, b: Tensor, transposeA = false, transposeB = false): Tensor {
  if (a.rank <= 2 || b.rank !== 2 || transposeA) return ops.matmul(a, b, { transposeA, transposeB });
  const y = ops.matmul(ops.reshape(a, [-1, a.shape.at(-1)!]), b, { transposeB });
  return ops.reshape(y, [...a.shape.slice(0, -1), y.shape[1]!]);
}

export const GRAPH: Algebra<Tensor> = {
  constant: (data, shape) => constant(Float32Array.from(data), shape),
  iota: (count) => constant(Float32Array.from({ length: count }, (_, i) => i)),
  unary: (kind, x, a = 0, b = 0) => UNARY[kind](x, a, b),
  binary: (kind, a, b) => BINARY[kind](a, b),
  where: ops.where,
  prelu: ops.prelu,
  reduce: (kind, x, axes, keepdims) => REDUCE[kind](x, axes, keepdims),
  softmax: (x, axis, log) => (log ? ops.logSoftmax(x, axis) : ops.softmax(x, axis)),
  matmul,
  reshape: ops.reshape,
  transpose: ops.transpose,
  broadcastTo: ops.broadcastTo,
  slice: ops.slice,
  concat: ops.concat,
  pad: ops.pad,
  gather: ops.gather,
  alongAxis: (x, axis, rows) => alongAxis(x, axis, sparseMatrix(rows, x.shape[axis]!)),
  conv2d: ops.conv2d,
  convTranspose2d: conv2dInputGrad,
  maxPool2d: ops.maxPool2d,
  avgPool2d: ops.avgPool2d,
  batchNorm: (x, tensors, eps) => ops.reshape(ops.batchNorm(asPicture(x), tensors, eps), x.shape),
  batchNormTrain(x, weight, bias, eps) {
    const result = ops.batchNormTrain(asPicture(x), weight, bias, eps);
    return { ...result, y: ops.reshape(result.y, x.shape) };
  },
};
