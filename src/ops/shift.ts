/**
 * Roll on the torus: y[n,c,h,w] = x[n,c,(h - dy) mod H,(w - dx) mod W], the offset [dy, dx] given at run time.
 * It permutes the elements, so its gradient is the roll back, exactly: dx = shift of dy by (-dy, -dx).
 */
import { WgradError } from '../errors.ts';
import { grid } from '../gpu/grid.ts';
import { shift as kernel } from '../gpu/kernels.gen.ts';
import { stridesIn } from '../graph/layout.ts';
import type { Op } from '../graph/op.ts';
import { apply1, type Tensor } from '../graph/tensor.ts';
import { requireFloat, requireRank } from './check.ts';

interface ShiftAttrs {
  sign: 1 | -1;
}

const shiftOp: Op<ShiftAttrs> = {
  name: 'shift2d',
  infer: ([x, offset]) => {
    requireFloat('shift2d', x!);
    requireRank('shift2d', x!, 4, '[N,C,H,W]');
    if (offset!.dtype !== 'i32' || offset!.size !== 2) {
      throw new WgradError('dtype', `shift2d: the offset ${offset} must be i32[2], [dy, dx]`);
    }
    return [{ shape: x!.shape, dtype: 'f32' }];
  },
  vjp: ({ inputs, attrs }, [g]) => [() => roll(g!, inputs[1]!, attrs.sign === 1 ? -1 : 1), null],
  lower(ctx, { inputs: [x, offset], outputs: [y], attrs }) {
    const layout = ctx.layoutOf(x!);
    const strides = stridesIn(x!.shape, layout);
    ctx.dispatch(kernel, {
      bindings: { x: ctx.read(x!), offset: ctx.read(offset!), y: ctx.write(y!, layout) },
      constants: {
        COUNT: x!.size,
        H: x!.shape[2]!,
        W: x!.shape[3]!,
        SH: strides[2]!,
        SW: strides[3]!,
        SIGN: attrs.sign,
      },
      workgroups: grid(x!.size, 64),
    });
  },
};

const roll = (x: Tensor, offset: Tensor, sign: 1 | -1): Tensor => apply1(shiftOp, [x, offset], { sign });

/**
 * A picture [N,C,H,W] shifted by an offset that is a tensor; zeros come in.
 * @param offset i32[2], [dy, dx] in pixels, of any sign: content moves down and to the right.
 */
export const shift2d = (x: Tensor, offset: Tensor): Tensor => roll(x, offset, 1);
