/** y = x, dx = 0: what follows takes x for a constant. It costs nothing at run time. */
import type { Op } from '../graph/op.ts';
import { apply1, type Tensor } from '../graph/tensor.ts';

const stopGradientOp: Op<object> = {
  name: 'stop_gradient',
  infer: ([x]) => [{ shape: x!.shape, dtype: x!.dtype }],
  vjp: () => [null],
  lower: (ctx, { inputs: [x], outputs: [y] }) => ctx.alias(y!, x!, ctx.layoutOf(x!)),
};

/** x, through which no gradient passes. */
export const stopGradient = (x: Tensor): Tensor => apply1(stopGradientOp, [x], {});
