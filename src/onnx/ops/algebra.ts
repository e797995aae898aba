/**
 * What a row of the op table may compute with. There are two implementations, so that each ONNX op is written once:
 * `graph.ts` makes nodes of `src/ops`, `host.ts` computes small constants at import in float64. What can be built can
 * therefore be folded.
 */
import type { BatchNormTensors } from '../../ops/batch_norm.ts';
import type { ConvAttrs } from '../../gemm/geometry.ts';
import type { PoolOptions } from '../../ops/pool.ts';

export interface Shaped {
  readonly shape: readonly number[];
}

/** Functions of one value; those with parameters take them in the order of the comment. */
export type UnaryKind =
  | 'abs'
  | 'affine' // scale, shift
  | 'ceil'
  | 'clamp' // least, most
  | 'elu' // alpha
  | 'erf'
  | 'exp'
  | 'floor'
  | 'gelu'
  | 'geluTanh'
  | 'hardSigmoid' // alpha, beta
  | 'hardSwish'
  | 'leakyRelu' // slope
  | 'log'
  | 'mish'
  | 'neg'
  | 'not'
  | 'reciprocal'
  | 'relu'
  | 'round' // half to even
  | 'sigmoid'
  | 'sign'
  | 'silu'
  | 'single' // to float32: what rounds next must see the ties that the device sees
  | 'softplus'
  | 'softsign'
  | 'sqrt'
  | 'tanh'
  | 'trunc';

/** Functions of two values that broadcast; comparisons and logic give 0 or 1. */
export type BinaryKind =
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'pow'
  | 'max'
  | 'min'
  | 'equal'
  | 'greater'
  | 'greaterOrEqual'
  | 'less'
  | 'lessOrEqual'
  | 'and'
  | 'or'
  | 'xor';

export type ReduceKind = 'sum' | 'mean' | 'max' | 'min' | 'prod' | 'logSumExp';

/** Entries of one row of a sparse matrix, by column. */
export type SparseRow = ReadonlyMap<number, number>;

export interface Algebra<T extends Shaped> {
  constant(data: ArrayLike<number>, shape: readonly number[]): T;
  /** 0, 1, 2, ... */
  iota(count: number): T;
  unary(kind: UnaryKind, x: T, a?: number, b?: number): T;
  binary(kind: BinaryKind, a: T, b: T): T;
  /** a where the condition is not 0, else b. */
  where(condition: T, a: T, b: T): T;
  /** x where it is positive or 0, else slope x; the slope broadcasts. */
  prelu(x: T, slope: T): T;
  /** Axes are not negative. */
  reduce(kind: ReduceKind, x: T, axes: readonly number[], keepdims: boolean): T;
  softmax(x: T, axis: number, log: boolean): T;
  /** Over the last two axes; vectors, and leading axes that broadcast, as in numpy. */
  matmul(a: T, b: T, transposeA?: boolean, transposeB?: boolean): T;

  reshape(x: T, shape: readonly number[]): T;
  transpose(x: T, perm: readonly number[]): T;
  broadcastTo(x: T, shape: readonly number[]): T;
  slice(x: T, starts: readonly number[], sizes: readonly number[], steps: readonly number[]): T;
  concat(parts: readonly T[], axis: number): T;
  pad(x: T, before: readonly number[], after: readonly number[], value: number): T;
  /** Elements of an axis by index; none is negative. */
  gather(x: T, indices: readonly number[], axis: number): T;
  /** The sparse matrix with these rows times x along an axis. */
  alongAxis(x: T, axis: number, rows: readonly SparseRow[]): T;

  /** Pictures: [N, C, H, W]. */
  conv2d(x: T, w: T, bias: T | undefined, attrs: ConvAttrs): T;
  /** The adjoint of {@link conv2d} in x, whose shape is given. */
  convTranspose2d(dy: T, w: T, shape: readonly number[], attrs: ConvAttrs): T;
  maxPool2d(x: T, options: PoolOptions): T;
  avgPool2d(x: T, options: PoolOptions): T;
  /** [N, C, ...] with given statistics. */
  batchNorm(x: T, tensors: Tensors<T>, eps: number): T;
  /** [N, C, ...] with its own statistics, which are returned: the mean and the biased variance. */
  batchNormTrain(x: T, weight: T, bias: T, eps: number): { y: T; mean: T; variance: T };
}

type Tensors<T> = Record<keyof BatchNormTensors, T>;
