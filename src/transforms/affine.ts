/** Affine maps of the plane, from the pixels of a result to those of its source: row a i + b j + c, column d i + e j + f. */
import { PLACE } from '../ops/warp.ts';

/** A place (x, y) goes to (a x + b y + c, d x + e y + f), in pixels. */
export type Affine = readonly [a: number, b: number, c: number, d: number, e: number, f: number];
/** Height and width in pixels. */
export type Size = readonly [height: number, width: number];

/** The map that moves nothing. */
export const identity: Affine = [1, 0, 0, 0, 1, 0];

/** Reads the source at an offset. */
export const offset = (rows: number, columns: number): Affine => [1, 0, rows, 0, 1, columns];

/** x -> first(then(x)): sampling by `first`, and the result of that by `then`, is one sampling by this. */
export function compose(first: Affine, then: Affine): Affine {
  const [a, b, c, d, e, f] = first;
  const [p, q, r, s, t, u] = then;
  return [a * p + b * s, a * q + b * t, a * r + b * u + c, d * p + e * s, d * q + e * t, d * r + e * u + f];
}

/** A linear map [a b; d e] about the middle of a picture. */
export function aboutMiddle(a: number, b: number, d: number, e: number, [height, width]: Size): Affine {
  const [y, x] = [(height - 1) / 2, (width - 1) / 2];
  return [a, b, y - a * y - b * x, d, e, x - d * y - e * x];
}

/** One row of what `warp` takes. @param size of the source, all of which is seen. */
export const place = (map: Affine, [height, width]: Size): number[] => {
  const row = [...map, 0, height - 1, 0, width - 1];
  if (row.length !== PLACE) throw new Error('a place has another length');
  return row;
};
