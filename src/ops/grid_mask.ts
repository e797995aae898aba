/**
 * Smooth masks from coarse grids, as RISE makes them: a grid of cells, enlarged linearly to one cell more than the
 * picture and cropped at a shift. (Petsiuk, Das, Saenko 2018, arXiv:1806.07421; the enlargement is that of
 * skimage.transform.resize, order 1, which mirrors at the border.) No gradient.
 */
import { WgradError } from '../errors.ts';
import { gridMask as kernel } from '../gpu/kernels.gen.ts';
import { grid } from '../gpu/grid.ts';
import type { Op } from '../graph/op.ts';
import { apply1, type Tensor } from '../graph/tensor.ts';
import { requireFloat } from './check.ts';

interface GridMaskAttrs {
  size: readonly [number, number];
}

/** Extent of the enlarged grid along an axis of `size` pixels. */
export const enlarged = (size: number, cells: number): number => (cells + 1) * Math.ceil(size / cells);

const gridMaskOp: Op<GridMaskAttrs> = {
  name: 'grid_mask',
  infer: ([cells, shifts], { size: [h, w] }) => {
    requireFloat('grid_mask', cells!, shifts!);
    const [n, rows, columns] = cells!.shape;
    if (
      cells!.rank !== 3 ||
      rows !== columns ||
      shifts!.rank !== 2 ||
      shifts!.shape[0] !== n ||
      shifts!.shape[1] !== 2
    ) {
      throw new WgradError('shape', `grid_mask: grids ${cells} and shifts ${shifts}; [N,S,S] and [N,2] are needed`);
    }
    return [{ shape: [n!, 1, h, w], dtype: 'f32' }];
  },
  lower(
    ctx,
    {
      inputs: [cells, shifts],
      outputs: [y],
      attrs: {
        size: [h, w],
      },
    },
  ) {
    const side = cells!.shape[1]!;
    ctx.dispatch(kernel, {
      bindings: { grid: ctx.read(cells!, 'row'), shifts: ctx.read(shifts!, 'row'), y: ctx.write(y!) },
      constants: {
        CELLS: side,
        H: h,
        W: w,
        EXTENT_H: enlarged(h, side),
        EXTENT_W: enlarged(w, side),
        COUNT: y!.size,
      },
      workgroups: grid(y!.size, 64),
    });
  },
};

/**
 * @param cells [N,S,S] @param shifts [N,2], rows and columns, each from 0 to ceil(size / S) - 1
 * @returns [N,1,H,W]
 */
export const gridMask = (cells: Tensor, shifts: Tensor, size: readonly [number, number]): Tensor =>
  apply1(gridMaskOp, [cells, shifts], { size });
