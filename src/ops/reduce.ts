/**
 * Reductions over any axes, of tensors in any layout.
 *
 *   sum        dx = g repeated                     mean        sum / n
 *   max, min   dx = g shared equally among the elements that reach it (PyTorch's amax, amin)
 *   prod       dx_i = g times the product of the others, also where some are 0
 *   l1         sum |x|                             norm        sqrt(sum x^2), its gradient 0 at 0, as in PyTorch
 *   sumSquare  sum x^2                             logSum      log(sum x)
 *   logSumExp  m + log(sum e^(x - m)), m = max x: nothing overflows; dx = g softmax(x)
 *   variance   mean((x - mean x)^2), in two passes: E[x^2] - E[x]^2 would cancel
 *
 * An empty sum is 0, an empty product 1, an empty mean NaN; there is no empty maximum.
 */
import { WgradError } from '../errors.ts';
import { grid } from '../gpu/grid.ts';
import { packStruct } from '../gpu/kernel.ts';
import { reduce as kernel } from '../gpu/kernels.gen.ts';
import { stridesIn } from '../graph/layout.ts';
import type { LowerContext, Storage } from '../graph/lower.ts';
import type { Op, PlanNode } from '../graph/op.ts';
import { scalar } from '../graph/leaves.ts';
import { normalizeAxes, requireList, type Shape } from '../graph/shape.ts';
import { apply1, type Tensor } from '../graph/tensor.ts';
import { add, div, equal, mul, sub } from './binary.ts';
import { broadcastTo } from './broadcast.ts';
import { requireFloat, requireTensor } from './check.ts';
import { reshape } from './reshape.ts';
import { stopGradient } from './stop_gradient.ts';
import { abs, affine, clamp, exp, log, sqrt, square } from './unary.ts';

type ReduceKind = keyof typeof kinds;

/** code: OP in the kernel. vjp: the gradient, from the cotangent, the input, the output (which keeps the axes as 1). */
const kinds = {
  sum: { code: 0, vjp: (g, x) => broadcastTo(g, x.shape) },
  max: { code: 1, vjp: shared },
  min: { code: 2, vjp: shared },
  prod: { code: 3, vjp: prodGradient },
} satisfies Record<string, { code: number; vjp: (g: Tensor, x: Tensor, y: Tensor) => Tensor }>;

function shared(g: Tensor, x: Tensor, y: Tensor): Tensor {
  const winners = equal(x, y);
  return mul(winners, div(g, sum(winners, axesOfOnes(x.shape, y.shape), true)));
}

/** The product of the others is y / x, but where there are zeros: beside one it is 0, of the only one that of the rest. */
function prodGradient(g: Tensor, x: Tensor, y: Tensor): Tensor {
  const axes = axesOfOnes(x.shape, y.shape);
  const isZero = equal(x, scalar(0));
  const others = add(x, isZero);
  const counts = equal(sum(isZero, axes, true), isZero);
  return mul(mul(counts, g), div(prod(others, axes, true), others));
}

interface ReduceAttrs {
  kind: ReduceKind;
  axes: readonly number[];
}

/** Results keep the reduced axes as 1; {@link reduced} drops them. */
function makeOp(kind: ReduceKind): Op<ReduceAttrs> {
  return {
    name: kind === 'sum' ? 'sum' : `reduce_${kind}`,
    infer: ([x], { axes }) => {
      requireFloat(kind, x!);
      const empty = axes.find((axis) => x!.shape[axis] === 0);
      if (empty !== undefined && (kind === 'max' || kind === 'min')) {
        throw new WgradError('shape', `${kind}: axis ${empty} of ${x} is empty, and nothing has no ${kind}imum`);
      }
      return [{ shape: x!.shape.map((d, i) => (axes.includes(i) ? 1 : d)), dtype: 'f32' }];
    },
    vjp: ({ inputs: [x], outputs: [y] }, [g]) => [() => kinds[kind].vjp(g!, x!, y!)],
    lower: lowerReduce,
    flops: ({ inputs: [x] }) => x!.size,
  };
}

const axesOfOnes = (from: Shape, to: Shape) => from.flatMap((d, i) => (to[i] === 1 && d !== 1 ? [i] : []));

interface Run {
  extent: number;
  stride: number;
}

/** Joins axes that follow each other in memory, so that few extents remain. */
function merge(axes: Run[]): Run[] {
  const runs: Run[] = [];
  for (const axis of axes.filter((a) => a.extent !== 1)) {
    const last = runs.at(-1);
    if (last && last.stride === axis.stride * axis.extent) {
      last.extent *= axis.extent;
      last.stride = axis.stride;
    } else runs.push({ ...axis });
  }
  return runs;
}

/** Serial additions of one invocation; longer sums are split, which keeps them accurate and the device busy. */
const LONGEST_CHAIN = 512;

function lowerReduce(ctx: LowerContext, { inputs: [x], outputs: [y], attrs }: PlanNode<ReduceAttrs>): void {
  const strides = stridesIn(x!.shape, ctx.layoutOf(x!));
  const runs = x!.shape.map((extent, i) => ({ extent, stride: strides[i]! }));
  const kept = merge(runs.filter((_, i) => !attrs.axes.includes(i)));
  // Reduced axes may be walked in any order: the one that is contiguous in memory last.
  const gone = merge(runs.filter((_, i) => attrs.axes.includes(i)).sort((a, b) => b.stride - a.stride));
  if (kept.length > 4 || gone.length > 3) {
    throw new WgradError('shape', `${attrs.kind}: axes ${attrs.axes} of a rank ${x!.rank} tensor are too scattered`);
  }
  const target = ctx.write(y!);
  let source = ctx.read(x!);
  const total = y!.size;
  let length = gone.reduce((n, r) => n * r.extent, 1);
  let [keptRuns, goneRuns] = [kept, gone];
  while (length > LONGEST_CHAIN) {
    const parts = Math.ceil(length / LONGEST_CHAIN);
    const partials = ctx.scratch(total * parts);
    emitReduce(ctx, attrs.kind, source, partials, keptRuns, goneRuns, total, parts);
    [source, length] = [partials, parts];
    keptRuns = [{ extent: total, stride: 1 }];
    goneRuns = [{ extent: parts, stride: total }];
  }
  emitReduce(ctx, attrs.kind, source, target, keptRuns, goneRuns, total, 1);
}

/** One dispatch of kernels/reduce.wgsl. */
function emitReduce(
  ctx: LowerContext,
  kind: ReduceKind,
  x: Storage,
  y: Storage,
  kept: readonly Run[],
  gone: readonly Run[],
  total: number,
  parts: number,
): void {
  const k = [...Array.from({ length: 4 - kept.length }, () => NOTHING), ...kept] as [Run, Run, Run, Run];
  const r = [...Array.from({ length: 3 - gone.length }, () => NOTHING), ...gone] as [Run, Run, Run];
  const extents = packStruct(kernel, 'extents', {
    kept: total,
    reduced: gone.reduce((n, run) => n * run.extent, 1),
    parts,
    k1: k[1].extent,
    k2: k[2].extent,
    k3: k[3].extent,
    ks0: k[0].stride,
    ks1: k[1].stride,
    ks2: k[2].stride,
    ks3: k[3].stride,
    r1: r[1].extent,
    r2: r[2].extent,
    rs0: r[0].stride,
    rs1: r[1].stride,
    rs2: r[2].stride,
  });
  ctx.dispatch(kernel, {
    bindings: { x, y, extents: ctx.constant(extents) },
    constants: { OP: kinds[kind].code, REDUCED: Math.max(1, gone.length) },
    workgroups: grid(total * parts, 64),
  });
}

const NOTHING: Run = { extent: 1, stride: 0 };

const ops = { sum: makeOp('sum'), max: makeOp('max'), min: makeOp('min'), prod: makeOp('prod') };

function reduced(kind: ReduceKind, x: Tensor, axes: readonly number[] | undefined, keepdims: boolean): Tensor {
  requireTensor(kind, x);
  const list = normalizeAxes(axes, x.rank, kind);
  const y = list.length === 0 ? x : apply1<ReduceAttrs>(ops[kind], [x], { kind, axes: list });
  return keepdims
    ? y
    : reshape(
        y,
        x.shape.filter((_, i) => !list.includes(i)),
      );
}

/** Sum over `axes` (default all; negative ones count from the end). */
export const sum = (x: Tensor, axes?: readonly number[], keepdims = false): Tensor => reduced('sum', x, axes, keepdims);

/** Largest value along the axes, default all; its gradient is shared among ties. A NaN wins. */
export const max = (x: Tensor, axes?: readonly number[], keepdims = false): Tensor => reduced('max', x, axes, keepdims);

/** Smallest value along the axes, default all; its gradient is shared among ties. A NaN wins. */
export const min = (x: Tensor, axes?: readonly number[], keepdims = false): Tensor => reduced('min', x, axes, keepdims);

/** Product. */
export const prod = (x: Tensor, axes?: readonly number[], keepdims = false): Tensor =>
  reduced('prod', x, axes, keepdims);

function count(x: Tensor, axes?: readonly number[]): number {
  requireTensor('mean', x);
  return normalizeAxes(axes, x.rank).reduce((n, axis) => n * x.shape[axis]!, 1);
}

/** x / n; of nothing at all NaN. */
const over = (x: Tensor, n: number): Tensor => (n === 0 ? mul(x, scalar(NaN)) : affine(x, 1 / n));

/** Mean along the axes, default all. */
export const mean = (x: Tensor, axes?: readonly number[], keepdims = false): Tensor =>
  over(sum(x, axes, keepdims), count(x, axes));

/**
 * Variance along the axes, default all.
 * @param correction divides by n - correction: 1 (the default, torch.var's) is unbiased, 0 the population's.
 */
export function variance(x: Tensor, axes?: readonly number[], keepdims = false, correction = 1): Tensor {
  const centred = sub(x, mean(x, axes, true));
  return over(sum(square(centred), axes, keepdims), Math.max(0, count(x, axes) - correction));
}

/** Sum of absolute values. */
export const l1 = (x: Tensor, axes?: readonly number[], keepdims = false): Tensor => sum(abs(x), axes, keepdims);

/** Sum of squares. */
export const sumSquare = (x: Tensor, axes?: readonly number[], keepdims = false): Tensor =>
  sum(square(x), axes, keepdims);

/** Euclidean norm. */
export function norm(x: Tensor, axes?: readonly number[], keepdims = false): Tensor {
  const squares = sumSquare(x, axes, keepdims);
  // sqrt has no slope at 0: there it is taken at 1, which the slope 2 x = 0 behind it makes 0.
  const isZero = equal(squares, scalar(0));
  return sub(sqrt(add(squares, isZero)), isZero);
}

/** Logarithm of the sum. */
export const logSum = (x: Tensor, axes?: readonly number[], keepdims = false): Tensor => log(sum(x, axes, keepdims));

const LARGEST = 3.4028234663852886e38;

/** Logarithm of the sum of exponentials. */
export function logSumExp(x: Tensor, axes?: readonly number[], keepdims = false): Tensor {
  requireFloat('log_sum_exp', x);
  requireList('log_sum_exp', 'axes', axes);
  if (x.rank === 0 || axes?.length === 0) return x;
  // Finite, since infinity - infinity is no number: e^(-inf - m) is 0 and e^(inf - m) infinite for any finite m.
  // The gradients by way of it cancel.
  const top = stopGradient(clamp(max(x, axes, true), -LARGEST, LARGEST));
  const total = log(sum(exp(sub(x, top)), axes, true));
  const y = add(total, top);
  return keepdims
    ? y
    : reshape(
        y,
        x.shape.filter((_, i) => !normalizeAxes(axes, x.rank).includes(i)),
      );
}
