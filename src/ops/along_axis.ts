/**
 * A constant sparse matrix R applied along one axis: y = R x, dx = R^T dy. What resizes, pads by reflection or sums what
 * was gathered states its matrix, and has value and gradient from here.
 */
import { alongAxis as kernel } from '../gpu/kernels.gen.ts';
import { packStruct } from '../gpu/kernel.ts';
import { linesAlong } from '../graph/layout.ts';
import type { Op } from '../graph/op.ts';
import { apply1, type Tensor } from '../graph/tensor.ts';
import { grid, vectorWidth } from '../gpu/grid.ts';
import { requireFloat } from './check.ts';

/** Rows one behind the other: the entries of row j are those from starts[j] to starts[j + 1]. */
export interface SparseMatrix {
  readonly columnCount: number;
  readonly starts: Uint32Array;
  readonly columns: Uint32Array;
  readonly weights: Float32Array;
}

/** @param rows the non-zero entries of each row, by column, in the order in which they are to be added up. */
export function sparseMatrix(rows: readonly ReadonlyMap<number, number>[], columnCount: number): SparseMatrix {
  const starts = new Uint32Array(rows.length + 1);
  rows.forEach((row, j) => (starts[j + 1] = starts[j]! + row.size));
  const entries = rows.flatMap((row) => [...row]);
  return {
    columnCount,
    starts,
    columns: Uint32Array.from(entries, ([column]) => column),
    weights: Float32Array.from(entries, ([, weight]) => weight),
  };
}

function transposed(m: SparseMatrix): SparseMatrix {
  const rows = Array.from({ length: m.columnCount }, () => new Map<number, number>());
  for (let j = 0; j + 1 < m.starts.length; j++) {
    for (let t = m.starts[j]!; t < m.starts[j + 1]!; t++) rows[m.columns[t]!]!.set(j, m.weights[t]!);
  }
  return sparseMatrix(rows, m.starts.length - 1);
}

interface AlongAxisAttrs {
  axis: number;
  matrix: SparseMatrix;
  adjoint: SparseMatrix;
}

const alongAxisOp: Op<AlongAxisAttrs> = {
  name: 'along_axis',
  infer: ([x], { axis, matrix }) => {
    requireFloat('along_axis', x!);
    return [{ shape: x!.shape.map((d, i) => (i === axis ? matrix.starts.length - 1 : d)), dtype: 'f32' }];
  },
  vjp: ({ attrs: { axis, matrix, adjoint } }, [g]) => [
    () => apply1(alongAxisOp, [g!], { axis, matrix: adjoint, adjoint: matrix }),
  ],
  lower(ctx, { inputs: [x], outputs: [y], attrs: { axis, matrix } }) {
    const layout = ctx.layoutOf(x!);
    const { extent, inner } = linesAlong(x!.shape, axis, layout);
    const width = vectorWidth(inner);
    const count = y!.size / width;
    const lines = packStruct(kernel, 'lines', { count, inner: inner / width, rows: y!.shape[axis]!, extent });
    ctx.dispatch(kernel, {
      bindings: {
        x: ctx.read(x!),
        starts: ctx.constant(matrix.starts),
        columns: ctx.constant(matrix.columns),
        weights: ctx.constant(matrix.weights),
        y: ctx.write(y!, layout),
        lines: ctx.constant(lines),
      },
      constants: { WIDTH: width },
      workgroups: grid(count, 64),
    });
  },
  flops: ({ inputs: [x], attrs: { axis, matrix } }) => (2 * matrix.weights.length * x!.size) / x!.shape[axis]!,
};

/** @param matrix as many columns as x is long along `axis`. */
export const alongAxis = (x: Tensor, axis: number, matrix: SparseMatrix): Tensor =>
  apply1(alongAxisOp, [x], { axis, matrix, adjoint: transposed(matrix) });
