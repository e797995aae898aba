/**
 * Penalties on a picture [1,C,H,W] of pixel values in [0, 1]: sums over the picture, as in Lucid. For a unit whose
 * activation reaches about 5, a total variation weight of 0.01 to 0.1 smooths visibly on 224 x 224 pixels.
 * (Mahendran and Vedaldi 2015, arXiv:1412.0035, with beta = 2 and alpha = 2.)
 */
import type { Tensor } from '../graph/tensor.ts';
import { add, sub } from '../ops/binary.ts';
import { sum } from '../ops/reduce.ts';
import { slice } from '../ops/slice.ts';
import { affine, square } from '../ops/unary.ts';

/** Total variation: sum of (p[y+1,x] - p[y,x])^2 + (p[y,x+1] - p[y,x])^2. */
export function totalVariation(p: Tensor): Tensor {
  const differences = [2, 3].map((axis) => {
    const origin = p.shape.map(() => 0);
    const next = origin.map((_, i) => (i === axis ? 1 : 0));
    const sizes = p.shape.map((d, i) => (i === axis ? d - 1 : d));
    return sum(square(sub(slice(p, next, sizes), slice(p, origin, sizes))));
  });
  return add(differences[0]!, differences[1]!);
}

/** Squared distance from mid grey. */
export const l2 = (p: Tensor): Tensor => sum(square(affine(p, 1, -0.5)));
