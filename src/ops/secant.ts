/**
 * Slope of the chord: y = g (f(a) - f(b)) / (a - b), and `tangent` where a and b all but meet. What DeepLIFT's rescale
 * rule puts in the place of a derivative. (Shrikumar, Greenside, Kundaje 2017, arXiv:1704.02685.) No gradient.
 */
import { secant as kernel } from '../gpu/kernels.gen.ts';
import { grid } from '../gpu/grid.ts';
import type { Op } from '../graph/op.ts';
import { apply1, type Tensor } from '../graph/tensor.ts';
import { requireFloat } from './check.ts';

interface SecantAttrs {
  near: number;
}

const secantOp: Op<SecantAttrs> = {
  name: 'secant',
  infer: (inputs) => {
    requireFloat('secant', ...inputs);
    return [{ shape: inputs[0]!.shape, dtype: 'f32' }];
  },
  lower(ctx, { inputs: [g, a, b, fa, fb, tangent], outputs: [y], attrs: { near } }) {
    const layout = ctx.layoutOf(a!);
    const read = (t: Tensor | undefined) => ctx.read(t!, layout);
    ctx.dispatch(kernel, {
      bindings: {
        g: read(g),
        a: read(a),
        b: read(b),
        fa: read(fa),
        fb: read(fb),
        tangent: read(tangent),
        y: ctx.write(y!, layout),
      },
      constants: { COUNT: y!.size, NEAR: near },
      workgroups: grid(y!.size, 64),
    });
  },
  flops: ({ outputs: [y] }) => 4 * y!.size,
};

/** All of one shape. @param near the distance of a and b below which `tangent` is taken. */
export const secant = (
  g: Tensor,
  [a, b]: readonly [Tensor, Tensor],
  [fa, fb]: readonly [Tensor, Tensor],
  tangent: Tensor,
  near = 1e-6,
): Tensor => apply1(secantOp, [g, a, b, fa, fb, tangent], { near });
