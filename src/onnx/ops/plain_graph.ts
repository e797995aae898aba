/** The algebra of graphs as far as the rows of plain.ts need it; graph.ts has the rest. */
import { constant } from '../../graph/leaves.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { batchNorm, batchNormTrain } from '../../ops/batch_norm.ts';
import { add } from '../../ops/binary.ts';
import { broadcastTo } from '../../ops/broadcast.ts';
import { conv2d } from '../../ops/conv2d.ts';
import { matmul } from '../../ops/matmul.ts';
import { maxPool2d } from '../../ops/pool.ts';
import { mean } from '../../ops/reduce.ts';
import { reshape } from '../../ops/reshape.ts';
import { logSoftmax, softmax } from '../../ops/softmax.ts';
import { affine, relu, sigmoid } from '../../ops/unary.ts';
import type { Algebra, BinaryKind, ReduceKind, UnaryKind } from './algebra.ts';

export type UnaryTable = Readonly<Record<UnaryKind, (x: Tensor, a: number, b: number) => Tensor>>;

export const UNARY = { affine, relu, sigmoid } satisfies Partial<UnaryTable>;

/** BatchNorm's kernels take [N, C] and pictures: other ranks are pictures of one column. */
function asPicture(x: Tensor): Tensor {
  if (x.rank === 2 || x.rank === 4) return x;
  return reshape(x, [x.shape[0]!, x.shape[1]!, -1, 1]);
}

/** [..., m, k] x [k, n] is one product over all rows. */
function product(a: Tensor, b: Tensor, transposeA = false, transposeB = false): Tensor {
  if (a.rank <= 2 || b.rank !== 2 || transposeA) return matmul(a, b, { transposeA, transposeB });
  const y = matmul(reshape(a, [-1, a.shape.at(-1)!]), b, { transposeB });
  return reshape(y, [...a.shape.slice(0, -1), y.shape[1]!]);
}

export const PLAIN_GRAPH = {
  constant: (data, shape) => constant(Float32Array.from(data), shape),
  unary: (kind: UnaryKind, x: Tensor, a = 0, b = 0) => UNARY[kind as keyof typeof UNARY](x, a, b),
  binary: (_: BinaryKind, a: Tensor, b: Tensor) => add(a, b),
  reduce: (_: ReduceKind, x: Tensor, axes: readonly number[], keepdims: boolean) => mean(x, axes, keepdims),
  softmax: (x, axis, log) => (log ? logSoftmax(x, axis) : softmax(x, axis)),
  matmul: product,
  reshape,
  broadcastTo,
  conv2d,
  maxPool2d,
  batchNorm: (x, tensors, eps) => reshape(batchNorm(asPicture(x), tensors, eps), x.shape),
  batchNormTrain(x, weight, bias, eps) {
    const result = batchNormTrain(asPicture(x), weight, bias, eps);
    return { ...result, y: reshape(result.y, x.shape) };
  },
} satisfies Partial<Algebra<Tensor>>;
