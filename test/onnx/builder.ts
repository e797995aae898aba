/** Writes small ONNX models for the tests: the shortest way to say a graph, with every freedom to say a bad one. */
import proto from 'onnx-proto';
import type { onnx } from 'onnx-proto';

export type Attribute =
  number | string | readonly number[] | { float: number } | { floats: readonly number[] } | onnx.ITensorProto;

export interface ModelSpec {
  opset?: number;
  nodes?: onnx.INodeProto[];
  initializers?: onnx.ITensorProto[];
  inputs?: onnx.IValueInfoProto[];
  outputs?: onnx.IValueInfoProto[];
  metadata?: Record<string, string>;
  irVersion?: number;
  /** Versions of further operator sets. */
  domains?: Record<string, number>;
}

/** A node. Whole numbers become INT attributes, `{ float }` a FLOAT, lists INTS, tensors TENSOR. */
export function node(
  opType: string,
  inputs: string[],
  outputs: string[],
  attributes: Record<string, Attribute> = {},
  name = '',
): onnx.INodeProto {
  return { opType, input: inputs, output: outputs, name, attribute: Object.entries(attributes).map(attribute) };
}

function attribute([name, value]: [string, Attribute]): onnx.IAttributeProto {
  if (typeof value === 'number') return { name, type: 2, i: value };
  if (typeof value === 'string') return { name, type: 3, s: new TextEncoder().encode(value) };
  if (Array.isArray(value)) return { name, type: 7, ints: [...value] as number[] };
  if ('floats' in value) return { name, type: 6, floats: [...value.floats] };
  if ('float' in value) return { name, type: 1, f: value.float };
  return { name, type: 4, t: value as onnx.ITensorProto };
}

/** A float32 tensor in raw_data; without values, a seeded pattern in [-0.5, 0.5). */
export function f32(name: string, dims: number[], values?: ArrayLike<number>): onnx.ITensorProto {
  const count = dims.reduce((a, b) => a * b, 1);
  const data = values ? Float32Array.from(values) : pattern(count, name.length + dims.length);
  return { name, dims, dataType: 1, rawData: new Uint8Array(data.buffer) };
}

export function i64(name: string, dims: number[], values: readonly number[]): onnx.ITensorProto {
  const data = BigInt64Array.from(values.map((value) => BigInt(value)));
  return { name, dims, dataType: 7, rawData: new Uint8Array(data.buffer) };
}

/** Numbers in [-0.5, 0.5) from a linear congruential generator. */
export function pattern(count: number, seed: number): Float32Array {
  let state = (seed * 2654435761) >>> 0;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  });
}

export function value(name: string, dims: (number | string)[], elemType = 1): onnx.IValueInfoProto {
  const dim = dims.map((d) => (typeof d === 'number' ? { dimValue: d } : { dimParam: d }));
  return { name, type: { tensorType: { elemType, shape: { dim } } } };
}

export function model(spec: ModelSpec): Uint8Array {
  return encode({
    irVersion: spec.irVersion ?? 8,
    producerName: 'test',
    opsetImport: Object.entries({ '': spec.opset ?? 13, ...spec.domains }).map(([domain, version]) => ({
      domain,
      version,
    })),
    graph: {
      name: 'g',
      node: spec.nodes ?? [],
      initializer: spec.initializers ?? [],
      input: spec.inputs ?? [value('x', ['N', 3, 8, 8])],
      output: spec.outputs ?? [value('y', ['N', 4])],
    },
    metadataProps: Object.entries(spec.metadata ?? {}).map(([key, entry]) => ({ key, value: entry })),
  });
}

export function encode(proto_: onnx.IModelProto): Uint8Array {
  return Uint8Array.from(proto.onnx.ModelProto.encode(proto_).finish());
}

/** Conv 3->4, ReLU, global pooling, Gemm 4->2: the smallest thing like a classifier. */
export function smallSpec(): ModelSpec {
  return {
    nodes: [
      node('Conv', ['x', 'conv1.weight'], ['a'], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }, 'c'),
      node('Relu', ['a'], ['b'], {}, 'r'),
      node('GlobalAveragePool', ['b'], ['p'], {}, 'gap'),
      node('Flatten', ['p'], ['f'], { axis: 1 }, 'fl'),
      node('Gemm', ['f', 'fc.weight', 'fc.bias'], ['y'], { transB: 1 }, 'g'),
    ],
    initializers: [f32('conv1.weight', [4, 3, 3, 3]), f32('fc.weight', [2, 4]), f32('fc.bias', [2])],
    outputs: [value('y', ['N', 2])],
    metadata: { labels: '["a", "b"]' },
  };
}
