/** Pictures of few numbers, spread over a finer grid by linear interpolation: Lucid's lowres_tensor. */
import type { Tensor } from '../../graph/tensor.ts';
import { alongAxis, sparseMatrix } from '../../ops/along_axis.ts';
import { resize } from '../../ops/resize.ts';

/**
 * @param coarse [m,C,h,w]. Rows and columns have half-pixel centres; of m pictures the first and the last are the first
 *   and the last of N, and one stands for all.
 * @param shape [N,C,H,W]
 */
export function spreadOver(coarse: Tensor, [n, , h, w]: readonly [number, number, number, number]): Tensor {
  const fine = resize(coarse, [h, w]);
  const m = coarse.shape[0]!;
  return m === n ? fine : alongAxis(fine, 0, sparseMatrix(pictureRows(m, n), m));
}

function pictureRows(from: number, to: number): Map<number, number>[] {
  return Array.from({ length: to }, (_, i) => {
    const place = to === 1 ? 0 : (i * (from - 1)) / (to - 1);
    const low = Math.min(Math.floor(place), from - 1);
    const share = place - low;
    return new Map(share === 0 ? [[low, 1]] : [[low, 1 - share], [low + 1, share]]); // prettier-ignore
  });
}

/** The side of a grid that is `divide` times coarser. */
export const coarser = (side: number, divide: number): number => Math.max(1, Math.round(side / divide));
