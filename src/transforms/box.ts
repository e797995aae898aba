/** Rectangles of a batch of pictures, one for each: what is erased, or taken from another picture. */
import { constant } from '../graph/leaves.ts';
import type { Tensor } from '../graph/tensor.ts';
import { greaterOrEqual, lessOrEqual, mul } from '../ops/binary.ts';
import { reshape } from '../ops/reshape.ts';
import { slice } from '../ops/slice.ts';

/** No pixel lies in it. */
export const NO_BOX: Box = [-1, -1, -1, -1];

/** First and last row, first and last column. */
export type Box = readonly [top: number, bottom: number, left: number, right: number];

/**
 * 1 inside, 0 outside: [N,1,H,W].
 * @param edges f32 [4, N]: a row for each entry of {@link Box}.
 */
export function inBoxes(edges: Tensor, height: number, width: number): Tensor {
  const n = edges.shape[1]!;
  const edge = (i: number) => reshape(slice(edges, [i, 0], [1, n]), [n, 1, 1, 1]);
  const along = (extent: number, shape: number[]) => constant(Float32Array.from({ length: extent }, (_, i) => i), shape); // prettier-ignore
  const [rows, columns] = [along(height, [1, 1, height, 1]), along(width, [1, 1, 1, width])];
  const inRows = mul(greaterOrEqual(rows, edge(0)), lessOrEqual(rows, edge(1)));
  const inColumns = mul(greaterOrEqual(columns, edge(2)), lessOrEqual(columns, edge(3)));
  return mul(inRows, inColumns);
}

/** What the edges of {@link inBoxes} are fed. */
export function edgesOf(boxes: readonly Box[]): Float32Array {
  const n = boxes.length;
  const edges = new Float32Array(4 * n);
  boxes.forEach((box, i) => box.forEach((v, k) => (edges[k * n + i] = v)));
  return edges;
}
