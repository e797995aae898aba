/**
 * Standard normal numbers made on the device: a pure function of the element's index and a seed of two whole numbers
 * given at run time (kernels/random_normal.wgsl); with several seeds, each has an equal part of the elements, and the
 * index counts within it. No gradient. The same seed gives the same bits on the same adapter.
 */
import { WgradError } from '../errors.ts';
import { grid } from '../gpu/grid.ts';
import { packStruct } from '../gpu/kernel.ts';
import { randomNormal as kernel } from '../gpu/kernels.gen.ts';
import type { Op } from '../graph/op.ts';
import { sizeOf, type Shape } from '../graph/shape.ts';
import { apply1, type Tensor } from '../graph/tensor.ts';
import { requireShape } from './check.ts';

const randomNormalOp: Op<{ shape: Shape }> = {
  name: 'random_normal',
  infer: ([seed], { shape }) => {
    const isSeed = seed!.dtype === 'i32' && seed!.rank > 0 && seed!.shape.at(-1) === 2;
    if (!isSeed || sizeOf(shape) % (seed!.size / 2) !== 0) {
      throw new WgradError('dtype', `random_normal: the seed ${seed} must be i32[2], or i32[n,2] for n equal parts`);
    }
    return [{ shape, dtype: 'f32' }];
  },
  vjp: () => [null],
  lower(ctx, { inputs: [seed], outputs: [y] }) {
    const parts = seed!.size / 2;
    const total = y!.size / parts;
    const count = Math.ceil(total / 2);
    ctx.dispatch(kernel, {
      bindings: {
        seed: ctx.read(seed!),
        y: ctx.write(y!),
        sizes: ctx.constant(packStruct(kernel, 'sizes', { count, total, parts })),
      },
      workgroups: grid(count * parts, 64),
    });
  },
};

/**
 * Normal values (mean 0, deviation 1) that the seed determines, made on the device: PCG and Box-Muller.
 * @param seed i32[2], or [n,2] for n equal parts of `shape`, such as the pictures of a batch.
 */
export function randomNormal(seed: Tensor, shape: Shape): Tensor {
  requireShape('random_normal', shape);
  return apply1(randomNormalOp, [seed], { shape });
}
