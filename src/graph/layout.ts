/** Physical orders as permutations of logical axes. */
import { sizeOf, type Shape } from './shape.ts';
import type { Layout } from './tensor.ts';

const permutations: Record<Layout, readonly number[] | null> = {
  row: null,
  nhwc: [0, 2, 3, 1],
  hwio: [2, 3, 1, 0],
};

/** Logical axes from the slowest to the fastest in memory. */
export const axisOrder = (layout: Layout, rank: number): readonly number[] =>
  permutations[layout] ?? Array.from({ length: rank }, (_, i) => i);

/** Two layouts hold the same bytes where they order the axes longer than 1 alike. */
export function sameOrder(shape: Shape, a: Layout, b: Layout): boolean {
  if (a === b) return true;
  const long = (layout: Layout) => axisOrder(layout, shape.length).filter((axis) => shape[axis]! > 1);
  const x = long(a);
  const y = long(b);
  return x.every((axis, i) => axis === y[i]);
}

/** Element strides of the logical axes under a layout. */
export function stridesIn(shape: Shape, layout: Layout): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (const axis of [...axisOrder(layout, shape.length)].reverse()) {
    strides[axis] = step;
    step *= shape[axis]!;
  }
  return strides;
}

/** How an axis lies in memory: element j of line (o, i) is at (o * extent + j) * inner + i. */
export function linesAlong(shape: Shape, axis: number, layout: Layout): { extent: number; inner: number } {
  const order = axisOrder(layout, shape.length);
  return { extent: shape[axis]!, inner: sizeOf(order.slice(order.indexOf(axis) + 1).map((i) => shape[i]!)) };
}

/** Reorders host data between layouts; returns `data` itself where nothing moves. */
export function reorder<T extends Float32Array | Int32Array>(data: T, shape: Shape, from: Layout, to: Layout): T {
  if (sameOrder(shape, from, to)) return data;
  const order = axisOrder(to, 4);
  const source = stridesIn(shape, from);
  const [d0, d1, d2, d3] = order.map((axis) => shape[axis]!) as [number, number, number, number];
  const [s0, s1, s2, s3] = order.map((axis) => source[axis]!) as [number, number, number, number];
  const result = data.slice() as T;
  let at = 0;
  for (let a = 0; a < d0; a++)
    for (let b = 0; b < d1; b++)
      for (let c = 0; c < d2; c++)
        for (let d = 0, p = a * s0 + b * s1 + c * s2; d < d3; d++, p += s3) result[at++] = data[p]!;
  return result;
}
