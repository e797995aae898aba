/**
 * where(c, a, b) = a where c is not 0, else b, with NumPy broadcasting.   da = where(c, g, 0)   db = where(c, 0, g)
 * A value that is not taken leaves no trace, also where it is NaN.
 */
import { where as kernel } from '../gpu/kernels.gen.ts';
import { packStruct } from '../gpu/kernel.ts';
import { grid } from '../gpu/grid.ts';
import { scalar } from '../graph/leaves.ts';
import type { Op } from '../graph/op.ts';
import { broadcastShapes, sameShape } from '../graph/shape.ts';
import { apply1, type Tensor } from '../graph/tensor.ts';
import { broadcastTo, sumTo } from './broadcast.ts';
import { requireFloat } from './check.ts';
import { resultLayout } from './binary.ts';

/** Operands have the result's shape, or one element. */
const whereOp: Op<object> = {
  name: 'where',
  infer: (inputs) => [
    { shape: inputs.reduce<readonly number[]>((s, t) => broadcastShapes(s, t.shape, 'where'), []), dtype: 'f32' },
  ],
  vjp: ({ inputs: [c, a, b] }, [g]) => [
    null,
    () => sumTo(where(c!, g!, scalar(0)), a!.shape),
    () => sumTo(where(c!, scalar(0), g!), b!.shape),
  ],
  lower(ctx, { inputs, outputs: [y] }) {
    const layout = resultLayout(ctx, inputs, y!.shape);
    const count = Math.ceil(y!.size / 4);
    const [condition, a, b] = inputs.map((t) => ctx.read(t, sameShape(t.shape, y!.shape) ? layout : undefined));
    const [condition_step, a_step, b_step] = inputs.map((t) => (t.size === 1 ? 0 : 1)) as [number, number, number];
    const sizes = packStruct(kernel, 'sizes', { count, condition_step, a_step, b_step });
    ctx.dispatch(kernel, {
      bindings: { condition: condition!, a: a!, b: b!, y: ctx.write(y!, layout), sizes: ctx.constant(sizes) },
      workgroups: grid(count, 64),
    });
  },
  flops: ({ outputs: [y] }) => y!.size,
};

/**
 * a where `condition` is not 0 (NaN counts as true), else b; the three broadcast.
 * @throws WgradError 'shape', 'dtype'
 */
export function where(condition: Tensor, a: Tensor, b: Tensor): Tensor {
  requireFloat('where', condition, a, b);
  const operands = [condition, a, b];
  const shape = operands.reduce<readonly number[]>((s, t) => broadcastShapes(s, t.shape, 'where'), []);
  return apply1(whereOp, operands.map((t) => (t.size === 1 ? t : broadcastTo(t, shape))), {}); // prettier-ignore
}
