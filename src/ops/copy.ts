/** Host side of kernels/copy_strided.wgsl: every op that only moves elements goes through here. */
import { WgradError } from '../errors.ts';
import { grid } from '../gpu/grid.ts';
import { copyStrided } from '../gpu/kernels.gen.ts';
import { axisOrder, stridesIn } from '../graph/layout.ts';
import type { LowerContext, Storage } from '../graph/lower.ts';
import { sizeOf, type Shape } from '../graph/shape.ts';
import type { Layout } from '../graph/tensor.ts';

export interface StridedCopy {
  /** Extents walked over; at most 6. */
  dims: readonly number[];
  /** Element strides in the source (0 repeats, negative walks back). */
  from: readonly number[];
  /** Element strides in the destination. */
  to: readonly number[];
  fromOffset?: number;
  toOffset?: number;
  /** Source coordinate = coordinate - `pad`; outside [0, extent) the value is `fill`. */
  mask?: { pad: readonly number[]; extent: readonly number[]; fill: number };
}

export function copyStridedTo(ctx: LowerContext, source: Storage, target: Storage, copy: StridedCopy): void {
  if (copy.dims.length > 6) throw new WgradError('shape', `a copy over ${copy.dims.length} axes: 6 are supported`);
  const items = sizeOf(copy.dims);
  if (items === 0) return;
  const lead = 6 - copy.dims.length;
  const constants: Record<string, number | boolean> = {
    IN_OFFSET: copy.fromOffset ?? 0,
    OUT_OFFSET: copy.toOffset ?? 0,
    MASKED: copy.mask !== undefined,
    FILL: copy.mask?.fill ?? 0,
  };
  for (let k = 0; k < 6; k++) {
    const i = k - lead;
    constants[`D${k}`] = copy.dims[i] ?? 1;
    constants[`IS${k}`] = copy.from[i] ?? 0;
    constants[`OS${k}`] = copy.to[i] ?? 0;
    constants[`P${k}`] = copy.mask?.pad[i] ?? 0;
    constants[`L${k}`] = copy.mask?.extent[i] ?? 1;
  }
  ctx.dispatch(copyStrided, { bindings: { x: source, y: target }, constants, workgroups: grid(items, 64) });
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
