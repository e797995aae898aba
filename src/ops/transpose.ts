/** y's axis i is x's axis perm[i]; the gradient is transposed by the inverse permutation. */
import { WgradError } from '../errors.ts';
import { stridesIn } from '../graph/layout.ts';
import type { Op } from '../graph/op.ts';
import { requireList, show, stridesOf } from '../graph/shape.ts';
import { apply1, type Tensor } from '../graph/tensor.ts';
import { requireTensor } from './check.ts';
import { copyStridedTo } from './copy.ts';

interface TransposeAttrs {
  perm: readonly number[];
}

const transposeOp: Op<TransposeAttrs> = {
  name: 'transpose',
  infer: ([x], { perm }) => {
    if (perm.length !== x!.rank || perm.some((_, i) => !perm.includes(i))) {
      throw new WgradError('shape', `transpose: ${show(perm)} is no permutation of the axes of ${x}`);
    }
    return [{ shape: perm.map((axis) => x!.shape[axis]!), dtype: x!.dtype }];
  },
  vjp: ({ attrs }, [g]) => [
    () =>
      transpose(
        g!,
        attrs.perm.map((_, i) => attrs.perm.indexOf(i)),
      ),
  ],
  lower(ctx, { inputs: [x], outputs: [y], attrs }) {
    const strides = stridesIn(x!.shape, ctx.layoutOf(x!));
    const from = attrs.perm.map((axis) => strides[axis]!);
    copyStridedTo(ctx, ctx.read(x!), ctx.write(y!), { dims: y!.shape, from, to: stridesOf(y!.shape) });
  },
};

/**
 * The axes in another order.
 * @param perm default: the axes in reverse.
 */
export function transpose(x: Tensor, perm?: readonly number[]): Tensor {
  requireTensor('transpose', x);
  requireList('transpose', 'perm', perm);
  return apply1(transposeOp, [x], { perm: perm ?? x.shape.map((_, i) => x.rank - 1 - i) });
}
