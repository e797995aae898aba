/** Ops that move elements and compute nothing: the shapes are known at import, the elements need not be. */
import { attrIntsOf } from '../attributes.ts';
import { broadcastDims, sliceRanges, squeezeDims, unsqueezeDims } from '../dims.ts';
import { elements } from '../types.ts';
import type { Shaped } from './algebra.ts';
import { padding } from './padding.ts';
import { gives, row, type OpContext, type Rows } from './row.ts';

function concatenation<T extends Shaped>(c: OpContext<T>): T {
  if (!c.node.attributes.has('axis')) throw c.invalid("attribute 'axis' is missing");
  const axis = c.axis(c.int('axis', 0), c.operand(0).shape.length);
  // Exporters join shape vectors with empty ones.
  const parts = c.all().filter((part) => part.shape[axis] !== 0);
  return parts.length < 2 ? (parts[0] ?? c.x(0)) : c.ops.concat(parts, axis);
}

function transposition<T extends Shaped>(c: OpContext<T>): T {
  const x = c.x(0);
  const rank = x.shape.length;
  const order = attrIntsOf(c.node, 'perm', rank, 0, 0);
  const perm = c.node.attributes.has('perm') ? order : [...x.shape.keys()].reverse();
  if (new Set(perm).size !== rank || perm.some((axis) => axis >= rank)) throw c.invalid(`perm [${perm.join(', ')}]`);
  return c.ops.transpose(x, perm);
}

function cropping<T extends Shaped>(c: OpContext<T>): T {
  const x = c.x(0);
  const known = c.inputs.map((_, i) => (i > 0 && c.has(i) ? c.constant(i) : undefined));
  const starts = x.shape.map(() => 0);
  const sizes = [...x.shape];
  const steps = x.shape.map(() => 1);
  for (const { axis, start, count, step } of sliceRanges(c.node, x.shape, known, c.opset))
    [starts[axis], sizes[axis], steps[axis]] = [start, count, step];
  return c.ops.slice(x, starts, sizes, steps);
}

/** Sizes: an attribute before opset 13, then an input; or equal parts, of which the last may be smaller. */
function split<T extends Shaped>(c: OpContext<T>): T[] {
  const x = c.x(0);
  const axis = c.axis(c.int('axis', 0), x.shape.length);
  const extent = x.shape[axis]!;
  const count = c.int('num_outputs', c.node.outputs.length);
  const part = Math.ceil(extent / count);
  const sizes =
    (c.opset < 13 ? c.ints('split') : c.numbers(1)) ??
    Array.from({ length: count }, (_, i) => Math.max(0, Math.min(part, extent - i * part)));
  if (sizes.reduce((a, b) => a + b, 0) !== extent || sizes.length < c.node.outputs.length)
    throw c.invalid(`parts [${sizes.join(', ')}] of an axis of ${extent}`);
  let start = 0;
  return sizes.map((size) => {
    const starts = x.shape.map((_, i) => (i === axis ? start : 0));
    start += size;
    const dims = x.shape.map((d, i) => (i === axis ? size : d));
    return c.ops.slice(x, starts, dims, x.shape.map(() => 1)); // prettier-ignore
  });
}

function gather<T extends Shaped>(c: OpContext<T>): T {
  const x = c.x(0);
  const indices = c.constant(1);
  const axis = c.axis(c.int('axis', 0), x.shape.length);
  const extent = x.shape[axis]!;
  const list = Array.from(indices.data, (index) => {
    const at = index < 0 ? index + extent : index;
    if (!(Number.isInteger(at) && at >= 0 && at < extent))
      throw c.invalid(`index ${index} is outside an axis of ${extent}`);
    return at;
  });
  return c.ops.reshape(c.ops.gather(x, list, axis), [
    ...x.shape.slice(0, axis),
    ...indices.dims,
    ...x.shape.slice(axis + 1),
  ]);
}

/** Repeats each axis as a new one before it. */
function tile<T extends Shaped>(c: OpContext<T>): T {
  const x = c.x(0);
  const repeats = c.numbers(1) ?? [];
  if (repeats.length !== x.shape.length || repeats.some((n) => !Number.isInteger(n) || n < 0))
    throw c.invalid(`repeats [${repeats.join(', ')}] for [${x.shape.join(', ')}]`);
  let y = x;
  repeats.forEach((times, axis) => {
    if (times === 1) return;
    const [before, after] = [y.shape.slice(0, axis), y.shape.slice(axis + 1)];
    const extent = y.shape[axis]!;
    const lines = c.ops.reshape(y, [elements(before), 1, extent * elements(after)]);
    const spread = c.ops.broadcastTo(lines, [elements(before), times, extent * elements(after)]);
    y = c.ops.reshape(spread, [...before, times * extent, ...after]);
  });
  return y;
}

const block = <T extends Shaped>(c: OpContext<T>, x: T): [n: number, ch: number, h: number, w: number, b: number] => {
  const b = c.int('blocksize', 0);
  if (x.shape.length !== 4 || b < 1) throw c.invalid(`blocksize ${b} of an input of rank ${x.shape.length}`);
  return [...(x.shape as [number, number, number, number]), b];
};

/** DCR: the block's position is the slower part of a channel's index; CRD: the faster one. */
function depthToSpace<T extends Shaped>(c: OpContext<T>): T {
  const x = c.x(0);
  const [n, ch, h, w, b] = block(c, x);
  const out = ch / (b * b);
  if (!Number.isInteger(out)) throw c.invalid(`${ch} channels are no multiple of ${b * b}`);
  const first = c.choice('mode', 'DCR', 'CRD') === 'DCR';
  const parts = c.ops.reshape(x, first ? [n, b, b, out, h * w] : [n, out, b, b, h * w]);
  // To [n, out, by, bx, h * w], then [n * out, by, bx, h, w] to [n * out, h, by, w, bx]: six axes at most.
  const ordered = first ? c.ops.transpose(parts, [0, 3, 1, 2, 4]) : parts;
  const spread = c.ops.transpose(c.ops.reshape(ordered, [n * out, b, b, h, w]), [0, 3, 1, 4, 2]);
  return c.ops.reshape(spread, [n, out, h * b, w * b]);
}

/** The block's position becomes the slower part of the channel's index (DCR), or since opset 28 the faster (CRD). */
function spaceToDepth<T extends Shaped>(c: OpContext<T>): T {
  const x = c.x(0);
  const [n, ch, h, w, b] = block(c, x);
  if (h % b || w % b) throw c.invalid(`[${x.shape.join(', ')}] is no multiple of the block ${b}`);
  const parts = c.ops.reshape(x, [n * ch, h / b, b, w / b, b]);
  const lines = c.ops.reshape(c.ops.transpose(parts, [0, 2, 4, 1, 3]), [n, ch, b * b, (h / b) * (w / b)]);
  const ordered = c.choice('mode', 'DCR', 'CRD') === 'DCR' ? c.ops.transpose(lines, [0, 2, 1, 3]) : lines;
  return c.ops.reshape(ordered, [n, ch * b * b, h / b, w / b]);
}

export const MOVEMENT: Rows = {
  Concat: row(concatenation),
  DepthToSpace: row(depthToSpace),
  Expand: row((c) => c.ops.broadcastTo(c.x(0), broadcastDims(c.node, c.operand(0).shape, c.numbers(1) ?? [])), {
    constants: [1],
  }),
  Gather: row(gather, { constants: [1] }),
  Pad: row(padding, { constants: [1, 2, 3] }),
  Shape: row((c) => {
    const { shape } = c.operand(0);
    const dims = shape.slice(c.int('start', 0), c.int('end', shape.length));
    return c.ops.constant(dims, [dims.length]);
  }, { dtype: gives('i64'), reads: [] }), // prettier-ignore
  Size: row((c) => c.number(elements(c.operand(0).shape)), { dtype: gives('i64'), reads: [] }),
  Slice: row(cropping, { constants: [1, 2, 3, 4] }),
  SpaceToDepth: row(spaceToDepth),
  Split: row(split, { constants: [1] }),
  Squeeze: row((c) => {
    const { shape } = c.operand(0);
    return c.ops.reshape(c.x(0), squeezeDims(c.node, shape, c.opset < 13 ? c.ints('axes') : c.numbers(1)));
  }, { constants: [1] }), // prettier-ignore
  Tile: row(tile, { constants: [1] }),
  Transpose: row(transposition),
  Unsqueeze: row((c) => {
    const axes = (c.opset < 13 ? c.ints('axes') : c.numbers(1)) ?? [];
    return c.ops.reshape(c.x(0), unsqueezeDims(c.node, c.operand(0).shape, axes));
  }, { constants: [1] }), // prettier-ignore
};
