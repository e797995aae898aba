/**
 * Standard normal numbers made on the device: a pure function of the element's index and a seed of two whole numbers
 * given at run time (kernels/random_normal.wgsl). No gradient. The same seed gives the same bits on the same adapter.
 */
import { WgradError } from '../errors.ts';
import { grid } from '../gpu/grid.ts';
import { packStruct } from '../gpu/kernel.ts';
import { randomNormal as kernel } from '../gpu/kernels.gen.ts';
import type { Op } from '../graph/op.ts';
import type { Shape } from '../graph/shape.ts';
import { apply1, type Tensor } from '../graph/tensor.ts';
import { requireShape } from './check.ts';

const randomNormalOp: Op<{ shape: Shape }> = {
  name: 'random_normal',
  infer: ([seed], { shape }) => {
    if (seed!.dtype !== 'i32' || seed!.size !== 2) {
      throw new WgradError('dtype', `random_normal: the seed ${seed} must be i32[2]`);
    }
    return [{ shape, dtype: 'f32' }];
  },
  vjp: () => [null],
  lower(ctx, { inputs: [seed], outputs: [y] }) {
    const count = Math.ceil(y!.size / 2);
    ctx.dispatch(kernel, {
      bindings: {
        seed: ctx.read(seed!),
        y: ctx.write(y!),
        sizes: ctx.constant(packStruct(kernel, 'sizes', { count, total: y!.size })),
      },
      workgroups: grid(count, 64),
    });
  },
};

/**
 * Normal values (mean 0, deviation 1) that the seed determines: Philox 4x32 and Box-Muller, on the device.
 * @param seed i32[2]
 */
export function randomNormal(seed: Tensor, shape: Shape): Tensor {
  requireShape('random_normal', shape);
  return apply1(randomNormalOp, [seed], { shape });
}
