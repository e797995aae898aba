/** Shapes: lists of extents, outermost first. A scalar is `[]`. */
import { WgradError } from '../errors.ts';

export type Shape = readonly number[];

/** Number of elements; 1 for a scalar. */
export const sizeOf = (shape: Shape): number => shape.reduce((n, d) => n * d, 1);

/** `[2,3,224,224]`, the one way in which messages show a shape. */
export const show = (shape: Shape): string => `[${shape.join(',')}]`;

export const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((d, i) => d === b[i]);

/** Row-major strides in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = step;
    step *= shape[i]!;
  }
  return strides;
}

/** NumPy / ONNX multidirectional broadcasting. */
export function broadcastShapes(a: Shape, b: Shape, what = 'broadcast'): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[i - rank + a.length] ?? 1;
    const y = b[i - rank + b.length] ?? 1;
    if (x !== y && x !== 1 && y !== 1) {
      throw new WgradError('shape', `${what}: shapes ${show(a)} and ${show(b)} do not broadcast`);
    }
    return x === 1 ? y : x;
  });
}

/** @throws WgradError 'invalid-argument' where a value that is given is no list, as of JavaScript's callers. */
export function requireList(what: string, name: string, value: unknown): void {
  if (value === undefined || Array.isArray(value)) return;
  throw new WgradError('invalid-argument', `${what}: ${name} is ${String(value)}, not a list`, {
    remedy: `Give ${name} as a list of numbers`,
  });
}

/** Axes as non-negative, sorted, distinct numbers; negative ones count from the end. */
export function normalizeAxes(axes: readonly number[] | undefined, rank: number, what = 'axes'): number[] {
  requireList(what, 'axes', axes);
  const list = (axes ?? Array.from({ length: rank }, (_, i) => i)).map((a) => {
    const axis = a < 0 ? a + rank : a;
    if (!Number.isInteger(axis) || axis < 0 || axis >= rank) {
      throw new WgradError('shape', `${what}: axis ${a} is outside a tensor of rank ${rank}`);
    }
    return axis;
  });
  return [...new Set(list)].sort((x, y) => x - y);
}
