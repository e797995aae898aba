/** The algebra whose values are tensors of a graph: each operation adds nodes of `src/ops`. */
import { constant } from '../../graph/leaves.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { alongAxis, sparseMatrix } from '../../ops/along_axis.ts';
import * as ops from '../../ops/index.ts';
import { conv2dInputGrad } from '../../ops/conv2d_grad.ts';
import type { Algebra, BinaryKind, ReduceKind } from './algebra.ts';
import { PLAIN_GRAPH, UNARY as PLAIN_UNARY, type UnaryTable } from './plain_graph.ts';

const UNARY: UnaryTable = {
  ...PLAIN_UNARY,
  abs: ops.abs,
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
  round: ops.round,
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

export const GRAPH: Algebra<Tensor> = {
  ...PLAIN_GRAPH,
  iota: (count) => constant(Float32Array.from({ length: count }, (_, i) => i)),
  unary: (kind, x, a = 0, b = 0) => UNARY[kind](x, a, b),
  binary: (kind, a, b) => BINARY[kind](a, b),
  where: ops.where,
  prelu: ops.prelu,
  reduce: (kind, x, axes, keepdims) => REDUCE[kind](x, axes, keepdims),
  transpose: ops.transpose,
  slice: ops.slice,
  concat: ops.concat,
  pad: ops.pad,
  gather: ops.gather,
  alongAxis: (x, axis, rows) => alongAxis(x, axis, sparseMatrix(rows, x.shape[axis]!)),
  convTranspose2d: conv2dInputGrad,
  avgPool2d: ops.avgPool2d,
};
