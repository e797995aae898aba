/** Geometry of convolution and pooling windows as ONNX says it: explicit pads, auto_pad, ceil_mode. */
import { attrInt, attrIntsOf, attrString, nodeError } from './attributes.ts';
import type { OnnxNode } from './types.ts';

export interface Window {
  kernel: readonly [number, number];
  strides: readonly [number, number];
  dilations: readonly [number, number];
  /** top, left, bottom, right */
  pads: readonly [number, number, number, number];
  ceil: boolean;
}

type Pair = readonly [number, number];

/**
 * @param extent height and width of the input.
 * @param weightKernel height and width of the weight, for Conv; pooling reads `kernel_shape`.
 * @throws 'onnx-invalid' naming the node.
 */
export function readWindow(node: OnnxNode, extent: readonly number[], weightKernel?: readonly number[]): Window {
  if (!weightKernel && !node.attributes.has('kernel_shape'))
    throw nodeError(node, "attribute 'kernel_shape' is missing");
  const kernel = node.attributes.has('kernel_shape') ? pair(node, 'kernel_shape') : (weightKernel as unknown as Pair);
  if (weightKernel && (kernel[0] !== weightKernel[0] || kernel[1] !== weightKernel[1]))
    throw nodeError(node, `kernel_shape [${kernel.join(', ')}] and weight [${weightKernel.join(', ')}] disagree`);
  const strides = pair(node, 'strides');
  const dilations = pair(node, 'dilations');
  const explicit = attrIntsOf(node, 'pads', 4, 0, 0) as unknown as Window['pads'];
  const auto = attrString(node, 'auto_pad', 'NOTSET') || 'NOTSET';
  const ceil = attrInt(node, 'ceil_mode', 0) !== 0;
  return { kernel, strides, dilations, pads: padsOf(node, auto, explicit, extent, kernel, strides, dilations), ceil };
}

function pair(node: OnnxNode, key: string): Pair {
  return attrIntsOf(node, key, 2, 1, 1) as unknown as Pair;
}

/** SAME: out = ceil(in / stride); the odd pixel of padding goes below and right (UPPER) or above and left (LOWER). */
function padsOf(
  node: OnnxNode,
  auto: string,
  explicit: Window['pads'],
  extent: readonly number[],
  kernel: Pair,
  strides: Pair,
  dilations: Pair,
): Window['pads'] {
  if (auto === 'NOTSET') return explicit;
  if (auto === 'VALID') return [0, 0, 0, 0];
  if (auto !== 'SAME_UPPER' && auto !== 'SAME_LOWER') throw nodeError(node, `auto_pad '${auto}'`);
  const total = [0, 1].map((axis) => {
    const out = Math.ceil(extent[axis]! / strides[axis]!);
    return Math.max(0, (out - 1) * strides[axis]! + (kernel[axis]! - 1) * dilations[axis]! + 1 - extent[axis]!);
  }) as [number, number];
  const less = total.map((t) => Math.floor(t / 2)) as [number, number];
  const more = total.map((t) => Math.ceil(t / 2)) as [number, number];
  const [begin, end] = auto === 'SAME_UPPER' ? [less, more] : [more, less];
  return [begin[0], begin[1], end[0], end[1]];
}
