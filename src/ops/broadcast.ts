/** Repeating along new or unit axes, and its adjoint, the sum over them. */
import { axisOrder, stridesIn } from '../graph/layout.ts';
import type { Op } from '../graph/op.ts';
import { broadcastShapes, sameShape, show, type Shape } from '../graph/shape.ts';
import { WgradError } from '../errors.ts';
import { apply1, type Tensor } from '../graph/tensor.ts';
import { requireShape, requireTensor } from './check.ts';
import { copyStridedTo } from './copy.ts';
import { sum } from './reduce.ts';
import { reshape } from './reshape.ts';

interface BroadcastAttrs {
  shape: Shape;
}

const broadcastOp: Op<BroadcastAttrs> = {
  name: 'broadcast_to',
  infer: ([x], { shape }) => {
    if (!sameShape(broadcastShapes(x!.shape, shape, 'broadcast_to'), shape)) {
      throw new WgradError('shape', `broadcast_to: ${x} does not broadcast to ${show(shape)}`);
    }
    return [{ shape, dtype: x!.dtype }];
  },
  vjp: (node, [g]) => [() => sumTo(g!, node.inputs[0]!.shape)],
  lower(ctx, { inputs: [x], outputs: [y] }) {
    // What spreads over pixels is an activation: written as the convolutions read it.
    const layout = y!.rank === 4 ? 'nhwc' : 'row';
    const order = axisOrder(layout, y!.rank);
    const lead = y!.rank - x!.rank;
    const own = stridesIn(x!.shape, ctx.layoutOf(x!));
    const from = y!.shape.map((_, i) => (i < lead || x!.shape[i - lead] === 1 ? 0 : own[i - lead]!));
    const to = stridesIn(y!.shape, layout);
    copyStridedTo(ctx, ctx.read(x!), ctx.write(y!, layout), {
      dims: order.map((i) => y!.shape[i]!),
      from: order.map((i) => from[i]!),
      to: order.map((i) => to[i]!),
    });
  },
};

/** x repeated to `shape` by NumPy's rules. */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  requireTensor('broadcast_to', x);
  requireShape('broadcast_to', shape);
  return sameShape(x.shape, shape) ? x : apply1(broadcastOp, [x], { shape: [...shape] });
}

/** The adjoint of {@link broadcastTo}: g summed over the axes along which `shape` was repeated. */
export function sumTo(g: Tensor, shape: Shape): Tensor {
  requireTensor('sum_to', g);
  requireShape('sum_to', shape);
  if (sameShape(g.shape, shape)) return g;
  if (!sameShape(broadcastShapes(shape, g.shape, 'sum_to'), g.shape)) {
    throw new WgradError('shape', `sum_to: ${show(shape)} does not broadcast to ${g}`);
  }
  const lead = g.rank - shape.length;
  const axes = g.shape.flatMap((d, i) => (i < lead || (shape[i - lead] === 1 && d !== 1) ? [i] : []));
  return reshape(axes.length > 0 ? sum(g, axes, true) : g, shape);
}
