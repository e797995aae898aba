/** Typed reading of node attributes: the default where absent, an error that names the node where wrong. */
import { WgradError } from '../errors.ts';
import type { OnnxAttribute, OnnxNode, OnnxTensor } from './types.ts';

export function nodeError(node: OnnxNode, reason: string): WgradError {
  return new WgradError('onnx-invalid', `node '${node.name}' (${node.opType}): ${reason}`);
}

function read<T extends OnnxAttribute['type']>(node: OnnxNode, key: string, type: T) {
  const attribute = node.attributes.get(key);
  if (attribute && attribute.type !== type)
    throw nodeError(node, `attribute '${key}' is of kind ${attribute.type}, not ${type}`);
  return attribute as Extract<OnnxAttribute, { type: T }> | undefined;
}

export const attrInt = (node: OnnxNode, key: string, fallback: number): number =>
  read(node, key, 'int')?.value ?? fallback;

export const attrFloat = (node: OnnxNode, key: string, fallback: number): number =>
  read(node, key, 'float')?.value ?? fallback;

export const attrString = (node: OnnxNode, key: string, fallback: string): string =>
  read(node, key, 'string')?.value ?? fallback;

export const attrTensor = (node: OnnxNode, key: string): OnnxTensor | undefined => read(node, key, 'tensor')?.value;

export const attrInts = (node: OnnxNode, key: string): readonly number[] | undefined => read(node, key, 'ints')?.value;

/** A list of exactly `length` integers, each at least `min`. */
export function attrIntsOf(
  node: OnnxNode,
  key: string,
  length: number,
  min: number,
  fallback: number,
): readonly number[] {
  const values = attrInts(node, key) ?? new Array<number>(length).fill(fallback);
  if (values.length !== length || values.some((value) => !(value >= min && value < 2 ** 31)))
    throw nodeError(node, `attribute '${key}' is [${values.slice(0, 8).join(', ')}], not ${length} integers >= ${min}`);
  return values;
}

/** Axes that were an attribute before opset `since` and are an input from then on; undefined where not given. */
export function axesOf(
  node: OnnxNode,
  input: OnnxTensor | undefined,
  opset: number,
  since: number,
): readonly number[] | undefined {
  return opset < since ? attrInts(node, 'axes') : input && [...input.data];
}

/** A negative axis counts from the end. */
export function normalizeAxis(node: OnnxNode, axis: number, rank: number): number {
  const at = axis < 0 ? axis + rank : axis;
  if (!(Number.isInteger(at) && at >= 0 && at < rank)) throw nodeError(node, `axis ${axis} of a rank of ${rank}`);
  return at;
}
