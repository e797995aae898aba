/** Reshape: the same elements, row-major, under another shape. Its gradient is reshaped back. */
import { WgradError } from '../errors.ts';
import type { Op } from '../graph/op.ts';
import { requireList, sameShape, show, sizeOf, type Shape } from '../graph/shape.ts';
import { apply1, type Tensor } from '../graph/tensor.ts';
import { requireTensor } from './check.ts';

interface ReshapeAttrs {
  shape: Shape;
}

/** Its result is its operand's memory where that is row-major. */
export const reshapeOp: Op<ReshapeAttrs> = {
  name: 'reshape',
  infer: ([x], { shape }) => {
    if (sizeOf(shape) !== x!.size) {
      throw new WgradError('shape', `reshape: ${x} has ${x!.size} elements, ${show(shape)} has ${sizeOf(shape)}`);
    }
    return [{ shape, dtype: x!.dtype }];
  },
  vjp: (node, [g]) => [() => reshape(g!, node.inputs[0]!.shape)],
  lower(ctx, { inputs: [x], outputs: [y] }) {
    ctx.alias(y!, x!);
  },
};

/**
 * The same values in another shape; one extent may be -1.
 * @param shape may hold one -1, which is inferred.
 */
export function reshape(x: Tensor, shape: Shape): Tensor {
  requireTensor('reshape', x);
  requireList('reshape', 'shape', shape ?? null);
  const known = shape.reduce((n, d) => (d === -1 ? n : n * d), 1);
  const full = shape.map((d) => (d === -1 ? x.size / known : d));
  return sameShape(full, x.shape) ? x : apply1(reshapeOp, [x], { shape: full });
}
