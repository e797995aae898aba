/**
 * Resizing of [N,C,H,W] along H, then W. Each axis is a sparse matrix R of few taps a row, so y = R_h x R_w^T, and the
 * gradient is the same with R transposed. Weights follow torch.nn.functional.interpolate: half-pixel centres
 * (src = (dst + 0.5) * in / out - 0.5, clamped at 0) or aligned corners; antialias widens the triangle by the scale.
 */
import { grid } from '../gpu/grid.ts';
import { resize as kernel } from '../gpu/kernels.gen.ts';
import type { Op } from '../graph/op.ts';
import { apply1, type Tensor } from '../graph/tensor.ts';
import { requireRank } from './check.ts';

export interface ResizeOptions {
  /** Default 'bilinear'. */
  mode?: 'bilinear' | 'nearest';
  alignCorners?: boolean;
  /** When shrinking, average over the covered pixels, as PIL does. */
  antialias?: boolean;
}

/** Row j of the matrix: `taps` weights for the inputs from first[j] on. */
interface Sparse {
  columns: number;
  rows: number;
  taps: number;
  first: Uint32Array;
  weights: Float32Array;
}

type Row = Map<number, number>;

function pack(rows: readonly Row[], columns: number): Sparse {
  const spans = rows.map((row) => [Math.min(...row.keys()), Math.max(...row.keys())] as const);
  const taps = Math.max(...spans.map(([a, b], j) => (rows[j]!.size ? b - a + 1 : 1)));
  const first = new Uint32Array(rows.length);
  const weights = new Float32Array(rows.length * taps);
  rows.forEach((row, j) => {
    // A row is moved left where its span would leave the input; its weights keep their columns.
    first[j] = row.size ? Math.max(0, Math.min(spans[j]![0], columns - taps)) : 0;
    for (const [column, weight] of row) weights[j * taps + column - first[j]!]! += weight;
  });
  return { columns, rows: rows.length, taps, first, weights };
}

function transposed(rows: readonly Row[], columns: number): Row[] {
  const result = Array.from({ length: columns }, (): Row => new Map());
  rows.forEach((row, j) => row.forEach((weight, column) => result[column]!.set(j, weight)));
  return result;
}

function resizeRows(from: number, to: number, o: ResizeOptions): Row[] {
  const { mode = 'bilinear', alignCorners = false, antialias = false } = o;
  const scale = alignCorners && mode === 'bilinear' ? (to > 1 ? (from - 1) / (to - 1) : 0) : from / to;
  return Array.from({ length: to }, (_, j): Row => {
    if (mode === 'nearest') return new Map([[Math.min(from - 1, Math.floor(j * scale)), 1]]);
    if (antialias) return triangle((j + 0.5) * scale, Math.max(1, scale), from);
    const at = alignCorners ? j * scale : Math.max(0, (j + 0.5) * scale - 0.5);
    const low = Math.min(from - 1, Math.floor(at));
    const high = Math.min(from - 1, low + 1);
    return high === low
      ? new Map([[low, 1]])
      : new Map([
          [low, 1 - (at - low)],
          [high, at - low],
        ]);
  });
}

/** Normalised triangle weights of half-width `support` round `centre`. */
function triangle(centre: number, support: number, from: number): Row {
  const low = Math.max(0, Math.trunc(centre - support + 0.5));
  const high = Math.min(from, Math.trunc(centre + support + 0.5));
  const row: Row = new Map();
  let total = 0;
  for (let i = low; i < high; i++) {
    const weight = Math.max(0, 1 - Math.abs((i + 0.5 - centre) / support));
    row.set(i, weight);
    total += weight;
  }
  for (const [i, weight] of row) row.set(i, weight / total);
  return row;
}

interface ResizeAttrs {
  /** H and W of the result of the forward direction and of its input. */
  size: readonly [number, number];
  from: readonly [number, number];
  options: ResizeOptions;
  adjoint: boolean;
}

const resizeOp: Op<ResizeAttrs> = {
  name: 'resize',
  infer: ([x], a) => {
    requireRank('resize', x!, 4, '[N,C,H,W]');
    const [h, w] = a.adjoint ? a.from : a.size;
    return [{ shape: [x!.shape[0]!, x!.shape[1]!, h, w], dtype: 'f32' }];
  },
  vjp: ({ attrs }, [g]) => [() => apply1(resizeOp, [g!], { ...attrs, adjoint: !attrs.adjoint })],
  lower(ctx, { inputs: [x], outputs: [y], attrs }) {
    const matrix = (axis: 0 | 1): Sparse => {
      const [from, to] = [attrs.from[axis], attrs.size[axis]];
      const rows = resizeRows(from, to, attrs.options);
      return attrs.adjoint ? pack(transposed(rows, from), to) : pack(rows, from);
    };
    const [n, c] = x!.shape as readonly [number, number];
    const [down, across] = [matrix(0), matrix(1)];
    const between = ctx.scratch(n * down.rows * across.columns * c);
    const pass = (m: Sparse, outer: number, inner: number, source: typeof between, target: typeof between) =>
      ctx.dispatch(kernel, {
        bindings: { x: source, first: ctx.constant(m.first), weights: ctx.constant(m.weights), y: target },
        constants: { OUTER: outer, IN: m.columns, OUT: m.rows, INNER: inner, TAPS: m.taps },
        workgroups: grid(outer * m.rows * inner, 64),
      });
    pass(down, n, across.columns * c, ctx.read(x!, 'nhwc'), between);
    pass(across, n * down.rows, c, between, ctx.write(y!, 'nhwc'));
  },
};

/** [N,C,H,W] to [N,C,size[0],size[1]]. */
export const resize = (x: Tensor, size: readonly [number, number], options: ResizeOptions = {}): Tensor =>
  apply1(resizeOp, [x], { size, from: [x.shape[2]!, x.shape[3]!], options, adjoint: false });

/** Bilinear with half-pixel centres. */
export const resizeBilinear = (x: Tensor, size: readonly [number, number]): Tensor => resize(x, size);
