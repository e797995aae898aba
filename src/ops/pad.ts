/** Constant padding; its gradient is the slice that cuts the padding off. */
import { stridesIn } from '../graph/layout.ts';
import type { Op } from '../graph/op.ts';
import { stridesOf } from '../graph/shape.ts';
import { apply1, type Tensor } from '../graph/tensor.ts';
import { copyStridedTo } from './copy.ts';
import { slice } from './slice.ts';

interface PadAttrs {
  before: readonly number[];
  after: readonly number[];
  value: number;
}

const padOp: Op<PadAttrs> = {
  name: 'pad',
  infer: ([x], a) => [{ shape: x!.shape.map((d, i) => d + a.before[i]! + a.after[i]!), dtype: 'f32' }],
  vjp: ({ inputs: [x], attrs }, [g]) => [() => slice(g!, attrs.before, x!.shape)],
  lower(ctx, { inputs: [x], outputs: [y], attrs }) {
    copyStridedTo(ctx, ctx.read(x!), ctx.write(y!), {
      dims: y!.shape,
      from: stridesIn(x!.shape, ctx.layoutOf(x!)),
      to: stridesOf(y!.shape),
      mask: { pad: attrs.before, extent: x!.shape, fill: attrs.value },
    });
  },
};

/** `before[i]` and `after[i]` elements of `value` around axis i; none may be negative. */
export const pad = (x: Tensor, before: readonly number[], after: readonly number[], value = 0): Tensor =>
  apply1(padOp, [x], { before, after, value });
