/** Constants on the host, and walks over them that cost one addition an element. */
import type { Shaped } from './algebra.ts';

export interface HostTensor extends Shaped {
  readonly data: Float32Array | Float64Array;
}

/** Takes what is about to be read and written from the budget of the import. */
export type Spend = (elements: number) => void;

export const sizeOf = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

/** Row-major. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = step;
    step *= shape[axis]!;
  }
  return strides;
}

/** Strides of `from` along the axes of `shape`, 0 where it repeats. */
export function broadcastStrides(from: readonly number[], shape: readonly number[]): number[] {
  const lead = shape.length - from.length;
  const own = stridesOf(from);
  return shape.map((_, i) => (i < lead || from[i - lead] === 1 ? 0 : own[i - lead]!));
}

/** Calls `visit` with the place of each element in a row-major result and in three tensors of these strides. */
export function walk(
  shape: readonly number[],
  strides: readonly (readonly number[])[],
  visit: (out: number, a: number, b: number, c: number) => void,
  offset = 0,
): void {
  const count = sizeOf(shape);
  const rank = shape.length;
  const inner = shape[rank - 1] ?? 1;
  const [sa, sb, sc] = [0, 1, 2].map((k) => strides[k]?.[rank - 1] ?? 0) as [number, number, number];
  const index = new Array<number>(rank).fill(0);
  const start = [offset, 0, 0];
  for (let out = 0; out < count;) {
    let [a, b, c] = start as [number, number, number];
    for (const end = out + inner; out < end; out++, a += sa, b += sb, c += sc) visit(out, a, b, c);
    for (let axis = rank - 2; axis >= 0; axis--) {
      index[axis]!++;
      strides.forEach((s, k) => (start[k]! += s[axis]!));
      if (index[axis]! < shape[axis]!) break;
      strides.forEach((s, k) => (start[k]! -= s[axis]! * shape[axis]!));
      index[axis] = 0;
    }
  }
}
