/** Host side of kernels/copy_strided.wgsl: every op that only moves elements goes through here. */
import { WgradError } from '../errors.ts';
import { copyStrided } from '../gpu/kernels.gen.ts';
import { packStruct } from '../gpu/kernel.ts';
import { axisOrder, stridesIn } from '../graph/layout.ts';
import { sizeOf, type Shape } from '../graph/shape.ts';
import type { Layout, Tensor } from '../graph/tensor.ts';
import { grid } from '../gpu/grid.ts';
import type { LowerContext, Storage } from '../graph/lower.ts';

export interface StridedCopy {
  /** Extents walked over, the fastest last; at most 6 are left when those that lie one behind the other are joined. */
  dims: readonly number[];
  /** Element strides in the source (0 repeats, negative walks back). */
  from: readonly number[];
  /** Element strides in the destination. */
  to: readonly number[];
  fromOffset?: number;
  toOffset?: number;
  /** Source coordinate = coordinate - `pad`; outside [0, extent) the value is `fill`, the bits of an element. */
  mask?: { pad: readonly number[]; extent: readonly number[]; fill: number };
}

interface Axis {
  dim: number;
  from: number;
  to: number;
  pad: number;
  extent: number;
}

const MOST_AXES = 6;

/** Axes longer than 1, those joined that are walked as one on both sides and have no padding. */
function merged(copy: StridedCopy): Axis[] {
  const axes: Axis[] = [];
  const whole = (a: Axis) => a.pad === 0 && a.extent >= a.dim;
  copy.dims.forEach((dim, i) => {
    const axis = {
      dim,
      from: copy.from[i]!,
      to: copy.to[i]!,
      pad: copy.mask?.pad[i] ?? 0,
      extent: copy.mask?.extent[i] ?? dim,
    };
    if (dim === 1 && whole(axis)) return;
    const outer = axes.at(-1);
    const follows = outer && outer.from === axis.from * dim && outer.to === axis.to * dim;
    if (outer && follows && whole(outer) && whole(axis)) {
      axes[axes.length - 1] = { ...axis, dim: outer.dim * dim, extent: outer.dim * dim };
    } else axes.push(axis);
  });
  return axes;
}

/** The copy in groups of four elements, where it is one of whole groups that lie together on both sides. */
function inFours(axes: readonly Axis[], from: number, to: number): Axis[] | undefined {
  const last = axes.at(-1);
  const whole = (n: number) => n % 4 === 0;
  if (!last || last.from !== 1 || last.to !== 1 || ![last.dim, last.pad, last.extent, from, to].every(whole)) {
    return undefined;
  }
  const rest = axes.slice(0, -1);
  if (!rest.every((a) => whole(a.from) && whole(a.to))) return undefined;
  return [
    ...rest.map((a) => ({ ...a, from: a.from / 4, to: a.to / 4 })),
    { ...last, dim: last.dim / 4, pad: last.pad / 4, extent: last.extent / 4 },
  ];
}

export function copyStridedTo(ctx: LowerContext, source: Storage, target: Storage, copy: StridedCopy): void {
  const count = sizeOf(copy.dims);
  if (count === 0) return;
  const single = merged(copy);
  const { fromOffset = 0, toOffset = 0 } = copy;
  const fours = inFours(single, fromOffset, toOffset);
  const axes = fours ?? single;
  const width = fours ? 4 : 1;
  if (axes.length > MOST_AXES) {
    throw new WgradError('shape', `a copy over ${axes.length} axes: ${MOST_AXES} are supported`);
  }
  const rank = Math.max(1, axes.length);
  const values: Record<string, number> = {
    count: count / width,
    in_offset: fromOffset / width,
    out_offset: toOffset / width,
    fill: copy.mask?.fill ?? 0,
  };
  for (let k = 0; k < MOST_AXES; k++) {
    const axis = axes[k - MOST_AXES + axes.length];
    values[`d${k}`] = axis?.dim ?? 1;
    values[`is${k}`] = axis?.from ?? 0;
    values[`os${k}`] = axis?.to ?? 0;
    values[`p${k}`] = axis?.pad ?? 0;
    values[`l${k}`] = axis?.extent ?? 1;
  }
  const members = values as Parameters<typeof packStruct<typeof copyStrided, 'copy'>>[2];
  ctx.dispatch(copyStrided, {
    bindings: { x: source, y: target, copy: ctx.constant(packStruct(copyStrided, 'copy', members)) },
    constants: {
      WIDTH: width,
      RANK: rank,
      MASKED: copy.mask !== undefined && axes.some((a) => a.pad !== 0 || a.extent < a.dim),
    },
    workgroups: grid(count / width, 64),
  });
}

/** The same tensor in another physical order. */
export function copyLayout(
  ctx: LowerContext,
  source: Storage,
  target: Storage,
  shape: Shape,
  from: Layout,
  to: Layout,
) {
  const order = axisOrder(to, shape.length);
  const pick = (strides: number[]) => order.map((axis) => strides[axis]!);
  const dims = order.map((axis) => shape[axis]!);
  copyStridedTo(ctx, source, target, { dims, from: pick(stridesIn(shape, from)), to: pick(stridesIn(shape, to)) });
}

/** The order in which to write what is moved out of `x`: its own, so that activations stay as convolutions read them. */
export const layoutLike = (ctx: LowerContext, x: Tensor): Layout => (ctx.layoutOf(x) === 'nhwc' ? 'nhwc' : 'row');

/** A copy whose axes are given by logical axis, walked as the destination's `layout` has them. */
export function copyAxes(ctx: LowerContext, source: Storage, target: Storage, layout: Layout, copy: StridedCopy): void {
  const order = axisOrder(layout, copy.dims.length);
  const pick = (values: readonly number[]) => order.map((axis) => values[axis]!);
  const { dims, from, to, mask } = copy;
  const sorted = { dims: pick(dims), from: pick(from), to: pick(to) };
  const masked = mask && { mask: { pad: pick(mask.pad), extent: pick(mask.extent), fill: mask.fill } };
  copyStridedTo(ctx, source, target, { ...copy, ...sorted, ...masked });
}

const word = new DataView(new ArrayBuffer(4));

/** The bits of a number as an element of `dtype`. */
export function bitsOf(value: number, dtype: Tensor['dtype']): number {
  if (dtype === 'i32') return value | 0;
  word.setFloat32(0, value);
  return word.getInt32(0);
}
