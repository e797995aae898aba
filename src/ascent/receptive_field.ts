/**
 * Which pixels a position of a layer depends on, by going back through the graph: along each axis of a tensor the range
 * that is read. A window of size k, stride s, dilation d and padding p reads of [a, b]
 *
 *   [a s - p, b s - p + (k - 1) d]
 *
 * what is elementwise reads the same, a transpose the same along other axes; of any other op all of its inputs count. A
 * field is a bound: what a unit cares for is mostly the middle of it.
 */
import { WgradError } from '../errors.ts';
import type { Box } from '../image/image.ts';
import type { ConvAttrs } from '../gemm/geometry.ts';
import { topologicalOrder, type Node, type Tensor } from '../graph/tensor.ts';
import { binaryNames } from '../ops/binary.ts';
import type { PoolAttrs } from '../ops/pool.ts';
import { unaryNames } from '../ops/unary.ts';

type Range = readonly [first: number, last: number];

/** What is read of input i of a node where `read` is read of its output. */
type Rule = (node: Node, read: readonly Range[], input: Tensor, i: number) => readonly Range[];

const whole = (t: Tensor): Range[] => t.shape.map((d) => [0, d - 1]);

const clipped = (ranges: readonly Range[], t: Tensor): Range[] =>
  ranges.map(([a, b], axis) => [Math.max(0, a), Math.min(t.shape[axis]! - 1, b)]);

const elementwise: Rule = (_, read, x) =>
  x.shape.map((d, axis) => (d === 1 ? [0, 0] : read[read.length - x.rank + axis]!));

type Windows = Pick<PoolAttrs, 'kernel' | 'strides' | 'dilations' | 'pads'>;

function windowed({ kernel, strides, dilations, pads }: Windows, read: readonly Range[], x: Tensor): Range[] {
  const along = (axis: 0 | 1): Range => {
    const [a, b] = read[2 + axis]!;
    const [s, p] = [strides[axis], pads[axis]];
    return [a * s - p, b * s - p + (kernel[axis] - 1) * dilations[axis]];
  };
  return [read[0]!, [0, x.shape[1]! - 1], along(0), along(1)];
}

const conv: Rule = ({ attrs, inputs }, read, x, i) => {
  const [kh, kw] = inputs[1]!.shape.slice(2) as [number, number];
  return i > 0 ? whole(x) : windowed({ ...(attrs as ConvAttrs), kernel: [kh, kw] }, read, x);
};

const rules: Readonly<Record<string, Rule>> = {
  ...Object.fromEntries([...unaryNames, ...binaryNames, 'where', 'elementwise'].map((name) => [name, elementwise])),
  batch_norm: (_, read, x, i) => (i === 0 ? read : whole(x)),
  conv2d: conv,
  max_pool2d: ({ attrs }, read, x) => windowed(attrs as PoolAttrs, read, x),
  avg_pool2d: ({ attrs }, read, x) => windowed(attrs as PoolAttrs, read, x),
  transpose: ({ attrs }, read, x) =>
    x.shape.map((_, axis) => read[(attrs as { perm: readonly number[] }).perm.indexOf(axis)]!),
  pad: ({ attrs }, read) =>
    read.map(([a, b], axis) => {
      const before = (attrs as { before: readonly number[] }).before[axis]!;
      return [a - before, b - before];
    }),
};

/**
 * The pixels that a position of a layer may depend on, clipped to the picture.
 * @param value of a layer [1,K,h,w]. @param picture that it is computed from [1,C,H,W].
 * @throws WgradError 'not-differentiable' where the value does not depend on the picture.
 */
export function receptiveField(value: Tensor, picture: Tensor, [y, x]: readonly [number, number]): Box {
  const read = new Map<Tensor, readonly Range[]>([[value, [[0, 0], [0, value.shape[1]! - 1], [y, y], [x, x]]]]); // prettier-ignore
  for (const node of topologicalOrder([value]).reverse()) {
    const ranges = node.outputs.map((t) => read.get(t)).find((r) => r !== undefined);
    if (!ranges) continue;
    const rule: Rule = rules[node.op.name] ?? ((_, __, t) => whole(t));
    node.inputs.forEach((t, i) => {
      const wanted = clipped(rule(node, ranges, t, i), t);
      const known = read.get(t);
      read.set(t, known ? wanted.map(([a, b], k) => [Math.min(a, known[k]![0]), Math.max(b, known[k]![1])]) : wanted);
    });
  }
  const found = read.get(picture);
  if (!found) throw new WgradError('not-differentiable', `${value} does not depend on the picture`);
  const [[top, bottom], [left, right]] = found.slice(2) as [Range, Range];
  return { left, top, width: right - left + 1, height: bottom - top + 1 };
}
