/**
 * Penalties on a picture [1,C,H,W] of pixel values in [0, 1]; both are means, so that a weight means the same at any size.
 * (Mahendran and Vedaldi 2015, arXiv:1412.0035, with beta = 2 and alpha = 2.)
 */
import type { Tensor } from '../graph/tensor.ts';
import { add, sub } from '../ops/binary.ts';
import { sum } from '../ops/reduce.ts';
import { slice } from '../ops/slice.ts';
import { affine, square } from '../ops/unary.ts';

/** Total variation: mean of (p[y+1,x] - p[y,x])^2 + (p[y,x+1] - p[y,x])^2. */
export function totalVariation(p: Tensor): Tensor {
  const differences = [2, 3].map((axis) => {
    const origin = p.shape.map(() => 0);
    const next = origin.map((_, i) => (i === axis ? 1 : 0));
    const sizes = p.shape.map((d, i) => (i === axis ? d - 1 : d));
    return sum(square(sub(slice(p, next, sizes), slice(p, origin, sizes))));
  });
  return affine(add(differences[0]!, differences[1]!), 1 / p.size);
}

/** Mean squared distance from mid grey. */
export const l2 = (p: Tensor): Tensor => affine(sum(square(affine(p, 1, -0.5))), 1 / p.size);
