/**
 * Reductions over any axes, of tensors in any layout.
 *
 *   sum   dx = g repeated               mean   sum / n
 *   max   dx = g shared equally among the elements that reach the maximum (PyTorch's amax)
 *   variance = mean((x - mean x)^2), in two passes: E[x^2] - E[x]^2 would cancel
 */
import { WgradError } from '../errors.ts';
import { grid } from '../gpu/grid.ts';
import { reduce as kernel } from '../gpu/kernels.gen.ts';
import { stridesIn } from '../graph/layout.ts';
import type { LowerContext, Storage } from '../graph/lower.ts';
import type { Op, PlanNode } from '../graph/op.ts';
import { normalizeAxes, sizeOf, type Shape } from '../graph/shape.ts';
import { apply1, type Tensor } from '../graph/tensor.ts';
import { div, equal, mul, sub } from './binary.ts';
import { broadcastTo } from './broadcast.ts';
import { requireFloat } from './check.ts';
import { reshape } from './reshape.ts';
import { affine, sqrt, square } from './unary.ts';

type ReduceKind = keyof typeof codes;

const codes = { sum: 0, max: 1, min: 2 } as const;

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
      return [{ shape: x!.shape.map((d, i) => (axes.includes(i) ? 1 : d)), dtype: 'f32' }];
    },
    vjp: ({ inputs: [x], outputs: [y] }, [g]) => [
      () => {
        if (kind === 'sum') return broadcastTo(g!, x!.shape);
        const winners = equal(x!, y!);
        return mul(winners, div(g!, sum(winners, axesOfOnes(x!.shape, y!.shape), true)));
      },
    ],
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
  if (sizeOf(x!.shape) === 0) throw new WgradError('shape', `${attrs.kind}: ${x} has no elements`);
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

/** One dispatch of kernels/reduce.wgsl; `offset` is the first element of x. */
export function emitReduce(
  ctx: LowerContext,
  kind: ReduceKind,
  x: Storage,
  y: Storage,
  kept: readonly Run[],
  gone: readonly Run[],
  total: number,
  parts: number,
  offset = 0,
): void {
  const constants: Record<string, number> = { OP: codes[kind], PARTS: parts, OFFSET: offset };
  kept.forEach((run, i) => {
    constants[`K${i + 4 - kept.length}`] = run.extent;
    constants[`KS${i + 4 - kept.length}`] = run.stride;
  });
  gone.forEach((run, i) => {
    constants[`R${i + 3 - gone.length}`] = run.extent;
    constants[`RS${i + 3 - gone.length}`] = run.stride;
  });
  ctx.dispatch(kernel, { bindings: { x, y }, constants, workgroups: grid(total * parts, 64) });
}

const ops = { sum: makeOp('sum'), max: makeOp('max'), min: makeOp('min') };

function reduced(kind: ReduceKind, x: Tensor, axes: readonly number[] | undefined, keepdims: boolean): Tensor {
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

export const max = (x: Tensor, axes?: readonly number[], keepdims = false): Tensor => reduced('max', x, axes, keepdims);

export const min = (x: Tensor, axes?: readonly number[], keepdims = false): Tensor => reduced('min', x, axes, keepdims);

const count = (x: Tensor, axes?: readonly number[]): number =>
  normalizeAxes(axes, x.rank).reduce((n, axis) => n * x.shape[axis]!, 1);

export const mean = (x: Tensor, axes?: readonly number[], keepdims = false): Tensor =>
  affine(sum(x, axes, keepdims), 1 / count(x, axes));

/** @param correction 0: population variance; 1: unbiased (divides by n - 1). */
export function variance(x: Tensor, axes?: readonly number[], keepdims = false, correction = 0): Tensor {
  const centred = sub(x, mean(x, axes, true));
  return affine(sum(square(centred), axes, keepdims), 1 / (count(x, axes) - correction));
}

/** Euclidean norm. Its gradient at 0 is not defined. */
export const norm = (x: Tensor, axes?: readonly number[], keepdims = false): Tensor =>
  sqrt(sum(square(x), axes, keepdims));
