/** Label maps: the segment of each pixel, [H,W], from 0 without gaps. */
import { WgradError } from '../../errors.ts';

/** The root of i's tree, `parent[i]` being i at a root; the path to it is shortened. */
export function rootOf(parent: Int32Array, i: number): number {
  let root = i;
  while (parent[root] !== root) root = parent[root]!;
  while (i !== root) {
    const next = parent[i]!;
    parent[i] = root;
    i = next;
  }
  return root;
}

/** The label of each pixel's tree, numbered by their roots. */
export function treeLabels(parent: Int32Array): Int32Array {
  const label = new Int32Array(parent.length);
  let count = 0;
  for (let i = 0; i < parent.length; i++) if (parent[i] === i) label[i] = count++;
  return Int32Array.from(parent, (_, i) => label[rootOf(parent, i)]!);
}

/**
 * The number of segments of a label map.
 * @throws WgradError 'shape' where it is not of the picture's size; 'invalid-argument' where a label is missing between
 * 0 and the largest, or there is one segment only.
 */
export function countSegments(labels: ArrayLike<number>, pixels: number, what: string): number {
  if (labels.length !== pixels) {
    throw new WgradError('shape', `${what}: ${labels.length} labels for ${pixels} pixels`, {
      remedy: 'Give one label for each pixel of the picture, row by row',
    });
  }
  const used: boolean[] = [];
  for (let i = 0; i < pixels; i++) {
    const label = labels[i]!;
    if (!Number.isInteger(label) || label < 0 || label >= pixels) {
      throw new WgradError('invalid-argument', `${what}: label ${label} of pixel ${i}`, {
        remedy: 'Labels are whole numbers from 0, without gaps',
      });
    }
    used[label] = true;
  }
  for (let label = 0; label < used.length; label++) {
    if (used[label]) continue;
    throw new WgradError('invalid-argument', `${what}: no pixel has label ${label}, of 0 to ${used.length - 1}`, {
      remedy: 'Labels count from 0, without gaps',
    });
  }
  if (used.length < 2) {
    throw new WgradError('invalid-argument', `${what}: the whole picture is one segment`, {
      remedy: 'There is nothing to compare it with: ask for smaller segments, or give labels of at least two',
    });
  }
  return used.length;
}

/** Each segment's mean, channel by channel, at every one of its pixels. @param values [C,H,W] */
export function segmentMeans(values: Float32Array, labels: ArrayLike<number>, segments: number): Float32Array {
  const area = labels.length;
  const out = new Float32Array(values.length);
  const sizes = new Float64Array(segments);
  for (let i = 0; i < area; i++) sizes[labels[i]!]!++;
  for (let from = 0; from < values.length; from += area) {
    const sums = new Float64Array(segments);
    for (let i = 0; i < area; i++) sums[labels[i]!]! += values[from + i]!;
    for (let i = 0; i < area; i++) out[from + i] = sums[labels[i]!]! / sizes[labels[i]!]!;
  }
  return out;
}

/** 1 at pixels that have a neighbour of another segment above, below, left or right; [H,W]. */
export function segmentBoundaries(labels: ArrayLike<number>, width: number, height: number): Uint8Array {
  const edges = new Uint8Array(width * height);
  const mark = (a: number, b: number) => {
    if (labels[a] !== labels[b]) edges[a] = edges[b] = 1;
  };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const i = y * width + x;
      if (x + 1 < width) mark(i, i + 1);
      if (y + 1 < height) mark(i, i + width);
    }
  }
  return edges;
}
