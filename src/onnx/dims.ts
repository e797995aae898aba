/** ONNX's rules for the dims that the shape-changing ops give, shared by constant folding and the graph builder. */
import { attrInt, attrInts, nodeError, normalizeAxis } from './attributes.ts';
import { elements, type OnnxNode, type OnnxTensor } from './types.ts';

/** Dims of the broadcast of `a` and `b` (numpy's rule). */
export function broadcastDims(node: OnnxNode, a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[i - rank + a.length] ?? 1;
    const y = b[i - rank + b.length] ?? 1;
    if (x !== y && x !== 1 && y !== 1)
      throw nodeError(node, `[${a.join(', ')}] and [${b.join(', ')}] do not broadcast`);
    return x === 1 ? y : x;
  });
}

/** Target dims of Reshape: 0 copies the input's dimension (unless allowzero), -1 takes what is left. */
export function reshapeDims(node: OnnxNode, from: readonly number[], target: readonly number[]): number[] {
  const allowZero = attrInt(node, 'allowzero', 0) !== 0;
  const dims = target.map((dim, i) => (dim === 0 && !allowZero ? (from[i] ?? 0) : dim));
  const free = dims.indexOf(-1);
  if (free >= 0) dims[free] = elements(from) / (elements(dims) / -1);
  if (dims.some((dim) => !Number.isInteger(dim) || dim < 0) || elements(dims) !== elements(from))
    throw nodeError(node, `[${from.join(', ')}] does not reshape to [${target.join(', ')}]`);
  return dims;
}

/** Dims after Squeeze; without axes every 1 goes. */
export function squeezeDims(node: OnnxNode, dims: readonly number[], axes: readonly number[] | undefined): number[] {
  const drop = axes?.map((axis) => normalizeAxis(node, axis, dims.length));
  const bad = drop?.find((axis) => dims[axis] !== 1);
  if (bad !== undefined) throw nodeError(node, `axis ${bad} of [${dims.join(', ')}] is not 1`);
  return dims.filter((dim, axis) => (drop ? !drop.includes(axis) : dim !== 1));
}

/** Dims after Unsqueeze; the axes count in the output. */
export function unsqueezeDims(node: OnnxNode, dims: readonly number[], axes: readonly number[]): number[] {
  const rank = dims.length + axes.length;
  const added = new Set(axes.map((axis) => normalizeAxis(node, axis, rank)));
  if (added.size !== axes.length) throw nodeError(node, `axes [${axes.join(', ')}] repeat`);
  const rest = [...dims];
  return Array.from({ length: rank }, (_, axis) => (added.has(axis) ? 1 : rest.shift()!));
}

/** Start, stop and step for each sliced axis, clamped as ONNX and numpy do. */
export function sliceRanges(
  node: OnnxNode,
  dims: readonly number[],
  inputs: readonly (OnnxTensor | undefined)[],
  opset: number,
): { axis: number; start: number; count: number; step: number }[] {
  const list = (index: number, key: string): readonly number[] | undefined =>
    opset < 10 ? attrInts(node, key) : inputs[index] && [...inputs[index]!.data];
  const starts = list(1, 'starts');
  const ends = list(2, 'ends');
  if (!starts || !ends || starts.length !== ends.length) throw nodeError(node, 'starts and ends must have one length');
  const axes = list(3, 'axes') ?? starts.map((_, i) => i);
  const steps = (opset < 10 ? undefined : list(4, 'steps')) ?? starts.map(() => 1);
  return starts.map((from, i) => {
    const axis = normalizeAxis(node, axes[i] ?? NaN, dims.length);
    const dim = dims[axis]!;
    const step = steps[i] ?? 1;
    if (!Number.isInteger(step) || step === 0) throw nodeError(node, `step ${step}`);
    const clamp = (x: number, low: number, high: number) => Math.min(Math.max(x < 0 ? x + dim : x, low), high);
    const start = step > 0 ? clamp(from, 0, dim) : clamp(from, 0, dim - 1);
    const stop = step > 0 ? clamp(ends[i]!, 0, dim) : clamp(ends[i]!, -1, dim - 1);
    return { axis, start, step, count: Math.max(0, Math.ceil((stop - start) / step)) };
  });
}
