/**
 * OnnxGraph -> ONNX bytes, with other values for its initialisers.
 *
 * Everything is written as float32, the type in which the engine computes and trains, unless weights are asked for in
 * float16: a float16 model's weights, casts and float16 inputs become float32, so that no runtime rounds what training
 * changed. Operator set, node names and
 * metadata are kept; external data comes home into the one file.
 */
// @ts-expect-error: protobufjs has types for its entry only
import Writer from 'protobufjs/src/writer.js';
import { WgradError } from '../errors.ts';
import type { IAttributeProto, IModelProto, INodeProto, ITensorProto, IValueInfoProto } from './proto.ts';
import { encodeModelProto } from './proto_write.gen.ts';
import { halfBytes } from './saved_forms.ts';
import { DTYPES, dtypeOfCode, elements, isFloat, type OnnxAttribute, type OnnxDtype, type OnnxGraph, type OnnxNode, type OnnxTensor, type OnnxValueInfo } from './types.ts'; // prettier-ignore

/** Protobuf messages end at 2 GB, and onnx-proto's lengths with them. */
const MAX_BYTES = 2 ** 31 - 1;

/** Initialisers outside the graph's inputs exist since IR version 4. */
const IR_VERSION_MIN = 4;

/** "To the end" is INT64_MAX in a file and 2^63 once read, which protobufjs would wrap around to INT64_MIN. */
class SaturatingWriter extends (Writer as new () => { int64(value: number | object): unknown }) {
  override int64(value: number): unknown {
    return super.int64(value >= 2 ** 63 ? { low: -1, high: 2 ** 31 - 1 } : value);
  }
}

export interface ExportOptions {
  /** Values that replace initialisers' data; shapes stay those of the graph. */
  values?: ReadonlyMap<string, Float32Array>;
  metadata?: ReadonlyMap<string, string>;
  /** Initialisers that are written as float16, with casts behind them: see `src/onnx/saved_forms.ts`. */
  halves?: ReadonlySet<string>;
}

/** @throws 'invalid-argument' where a value does not fill its initialiser. */
export function encodeOnnx(graph: OnnxGraph, options: ExportOptions = {}): Uint8Array {
  const initializer = [...graph.initializers].map(([name, tensor]) => {
    const { dims, dtype } = tensor;
    const data = options.values?.get(name) ?? tensor.data;
    if (data.length !== elements(dims))
      throw new WgradError('invalid-argument', `parameter '${name}' has ${elements(dims)} elements, not ${data.length}`); // prettier-ignore
    return (options.halves?.has(name) ? writeHalf : writeTensor)({ dims, dtype, data }, name);
  });
  const bytes = initializer.reduce((sum, tensor) => sum + tensor.rawData!.length, 0);
  if (bytes > MAX_BYTES) throw new WgradError('invalid-argument', `${bytes} bytes of weights do not fit one ONNX file`);
  const model: IModelProto = {
    irVersion: Math.max(graph.irVersion, IR_VERSION_MIN),
    producerName: 'wgrad',
    opsetImport: [
      { domain: '', version: graph.opset },
      // The others that are read (com.microsoft) have one version.
      ...[...new Set(graph.nodes.map(({ domain }) => domain))]
        .filter(Boolean)
        .map((domain) => ({ domain, version: 1 })),
    ],
    graph: {
      name: graph.name || 'graph',
      node: graph.nodes.map(writeNode),
      initializer,
      input: graph.inputs.map(writeValueInfo),
      output: graph.outputs.map(writeValueInfo),
    },
    metadataProps: [...(options.metadata ?? graph.metadata)].map(([key, value]) => ({ key, value })),
  };
  return encodeModelProto(model, new SaturatingWriter()).finish() as Uint8Array;
}

const written = (dtype: OnnxDtype): OnnxDtype => (isFloat(dtype) ? 'f32' : dtype);

/** Little-endian bytes of a tensor in the type in which it is written. */
function writeTensor({ dims, dtype, data }: OnnxTensor, name: string): ITensorProto {
  const type = written(dtype);
  const { bytes, code } = DTYPES[type];
  const rawData = new Uint8Array(data.length * bytes);
  if (type === 'f32') new Float32Array(rawData.buffer).set(data);
  else {
    const view = new DataView(rawData.buffer);
    data.forEach((value, i) => WRITERS[type](view, i * bytes, value));
  }
  return { name, dims: [...dims], dataType: code, rawData };
}

const writeHalf = ({ dims, data }: OnnxTensor, name: string): ITensorProto => ({
  ...{ name, dims: [...dims], dataType: DTYPES.f16.code, rawData: halfBytes(data) },
});

type ElementWriter = (view: DataView, offset: number, value: number) => void;

/** Back from the float64 in which integers are held; markers such as INT64_MAX saturate. */
const wide = (value: number, low: bigint, high: bigint): bigint => {
  const exact = BigInt(Math.trunc(value));
  return exact < low ? low : exact > high ? high : exact;
};

const WRITERS: Readonly<Record<Exclude<OnnxDtype, 'f32'>, ElementWriter>> = {
  f16: unreachable,
  bf16: unreachable,
  f64: unreachable,
  i8: (v, o, x) => v.setInt8(o, x),
  i16: (v, o, x) => v.setInt16(o, x, true),
  i32: (v, o, x) => v.setInt32(o, x, true),
  i64: (v, o, x) => v.setBigInt64(o, wide(x, -(2n ** 63n), 2n ** 63n - 1n), true),
  u8: (v, o, x) => v.setUint8(o, x),
  u16: (v, o, x) => v.setUint16(o, x, true),
  u32: (v, o, x) => v.setUint32(o, x, true),
  u64: (v, o, x) => v.setBigUint64(o, wide(x, 0n, 2n ** 64n - 1n), true),
  bool: (v, o, x) => v.setUint8(o, x),
};

function unreachable(): never {
  throw new Error('floats are written as f32');
}

function writeNode(node: OnnxNode): INodeProto {
  return {
    opType: node.opType,
    name: node.name,
    domain: node.domain,
    input: [...node.inputs],
    output: [...node.outputs],
    attribute: [...node.attributes].map(([name, attribute]) => writeAttribute(name, attribute, node)),
  };
}

function writeAttribute(name: string, attribute: OnnxAttribute, node: OnnxNode): IAttributeProto {
  const utf8 = (text: string) => new TextEncoder().encode(text);
  switch (attribute.type) {
    case 'float':
      return { name, type: 1, f: attribute.value };
    case 'int': {
      const target = node.opType === 'Cast' && name === 'to' ? dtypeOfCode(attribute.value) : undefined;
      return { name, type: 2, i: target ? DTYPES[written(target)].code : attribute.value };
    }
    case 'string':
      return { name, type: 3, s: utf8(attribute.value) };
    case 'tensor':
      return { name, type: 4, t: writeTensor(attribute.value, '') };
    case 'floats':
      return { name, type: 6, floats: [...attribute.value] };
    case 'ints':
      return { name, type: 7, ints: [...attribute.value] };
    case 'strings':
      return { name, type: 8, strings: attribute.value.map(utf8) };
    case 'other':
      throw new WgradError('onnx-unsupported', `node '${node.name}': attribute '${name}' cannot be written`);
  }
}

function writeValueInfo({ name, dtype, dims }: OnnxValueInfo): IValueInfoProto {
  const dim = dims?.map((d) => (typeof d === 'number' ? { dimValue: d } : d ? { dimParam: d } : {}));
  return { name, type: { tensorType: { elemType: DTYPES[written(dtype)].code, ...(dim && { shape: { dim } }) } } };
}
