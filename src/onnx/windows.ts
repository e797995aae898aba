/**
 * Geometry of convolution and pooling windows as ONNX says it: explicit pads, auto_pad, ceil_mode. Along one axis
 * (sequences) or two (pictures); a sequence is a picture of one row.
 */
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
 * @param extent height and width of the input, or the length of a sequence.
 * @param weightKernel the same of the weight, for Conv; pooling reads `kernel_shape`.
 * @throws 'onnx-invalid' naming the node.
 */
export function readWindow(node: OnnxNode, extent: readonly number[], weightKernel?: readonly number[]): Window {
  const rank = extent.length;
  if (!weightKernel && !node.attributes.has('kernel_shape'))
    throw nodeError(node, "attribute 'kernel_shape' is missing");
  const list = (key: string) => attrIntsOf(node, key, rank, 1, 1);
  const kernel = node.attributes.has('kernel_shape') ? list('kernel_shape') : weightKernel!;
  if (weightKernel && kernel.some((k, i) => k !== weightKernel[i]))
    throw nodeError(node, `kernel_shape [${kernel.join(', ')}] and weight [${weightKernel.join(', ')}] disagree`);
  const [strides, dilations] = [list('strides'), list('dilations')];
  const explicit = attrIntsOf(node, 'pads', 2 * rank, 0, 0);
  const auto = attrString(node, 'auto_pad', 'NOTSET') || 'NOTSET';
  const pads = auto === 'NOTSET' ? explicit : autoPads(node, auto, extent, kernel, strides, dilations);
  const [before, after] = [pair(pads.slice(0, rank), 0), pair(pads.slice(rank), 0)];
  return {
    kernel: pair(kernel, 1),
    strides: pair(strides, 1),
    dilations: pair(dilations, 1),
    pads: [...before, ...after],
    ceil: attrInt(node, 'ceil_mode', 0) !== 0,
  };
}

/** Along a sequence the picture's rows get `neutral`. */
const pair = (values: readonly number[], neutral: number): Pair =>
  (values.length === 1 ? [neutral, values[0]] : values) as Pair;

/** SAME: out = ceil(in / stride); the odd pixel of padding goes below and right (UPPER) or above and left (LOWER). */
function autoPads(
  node: OnnxNode,
  auto: string,
  extent: readonly number[],
  kernel: readonly number[],
  strides: readonly number[],
  dilations: readonly number[],
): readonly number[] {
  if (auto === 'VALID') return extent.flatMap(() => [0, 0]);
  if (auto !== 'SAME_UPPER' && auto !== 'SAME_LOWER') throw nodeError(node, `auto_pad '${auto}'`);
  const total = extent.map((size, axis) => {
    const out = Math.ceil(size / strides[axis]!);
    return Math.max(0, (out - 1) * strides[axis]! + (kernel[axis]! - 1) * dilations[axis]! + 1 - size);
  });
  const less = total.map((t) => Math.floor(t / 2));
  const more = total.map((t) => Math.ceil(t / 2));
  return auto === 'SAME_UPPER' ? [...less, ...more] : [...more, ...less];
}
