/**
 * TensorProto -> OnnxTensor, in every form in which exporters store numbers: raw_data, the typed repeated fields
 * (float16 and the small integers travel in int32_data); external files are in external.ts. The bytes that a shape needs are counted
 * and compared with the bytes that are there before anything is allocated.
 */
import type { ITensorProto } from './proto.ts';
import { WgradError } from '../errors.ts';
import { bf16ToF32, f16ToF32 } from '../formats/half.ts';
import { allocate, dtypeOfCode, DTYPES, elements, type OnnxDtype, type OnnxTensor } from './types.ts';

/** Larger dimensions than this do not occur, and products of a few of them still stay exact in a double. */
const MAX_DIM = 2 ** 31;

/** protobuf's 64-bit integers arrive as numbers, as halves where a Long library is there, or not at all. */
type Int = number | { low: number; high: number; unsigned: boolean };

export function int(value: Int | null | undefined): number {
  if (typeof value === 'number') return value;
  return value ? (value.unsigned ? value.high >>> 0 : value.high) * 2 ** 32 + (value.low >>> 0) : 0;
}

function invalid(what: string, reason: string): WgradError {
  return new WgradError('onnx-invalid', `${what}: ${reason}`);
}

/** Checked dims and dtype of a TensorProto, without touching its data. */
export function header(tensor: ITensorProto, what: string): { dims: number[]; dtype: OnnxDtype; count: number } {
  const dtype = dtypeOfCode(tensor.dataType ?? 0);
  if (!dtype) throw new WgradError('onnx-unsupported', `${what}: data type ${tensor.dataType ?? 0} cannot be read`);
  const dims = (tensor.dims ?? []).map(int);
  if (dims.some((dim) => !(dim >= 0 && dim <= MAX_DIM)) || dims.length > 16)
    throw invalid(what, `impossible shape [${dims.slice(0, 17).join(', ')}]`);
  return { dims, dtype, count: elements(dims) };
}

const READERS: Readonly<Record<OnnxDtype, (view: DataView, offset: number) => number>> = {
  f32: (v, o) => v.getFloat32(o, true),
  f16: (v, o) => f16ToF32(v.getUint16(o, true)),
  bf16: (v, o) => bf16ToF32(v.getUint16(o, true)),
  f64: (v, o) => v.getFloat64(o, true),
  i8: (v, o) => v.getInt8(o),
  i16: (v, o) => v.getInt16(o, true),
  i32: (v, o) => v.getInt32(o, true),
  i64: (v, o) => Number(v.getBigInt64(o, true)),
  u8: (v, o) => v.getUint8(o),
  u16: (v, o) => v.getUint16(o, true),
  u32: (v, o) => v.getUint32(o, true),
  u64: (v, o) => Number(v.getBigUint64(o, true)),
  bool: (v, o) => (v.getUint8(o) ? 1 : 0),
};

/** Little-endian bytes of any alignment to numbers. `bytes` must hold exactly `count` elements. */
export function readRaw(bytes: Uint8Array, dtype: OnnxDtype, count: number): Float32Array | Float64Array {
  if (dtype === 'f32') {
    // Protobuf hands out views at odd offsets: a copy is aligned, and lets the file's buffer go.
    return new Float32Array(new Uint8Array(bytes).buffer, 0, count);
  }
  const data = allocate(dtype, count);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = DTYPES[dtype].bytes;
  const read = READERS[dtype];
  for (let i = 0; i < count; i++) data[i] = read(view, i * size);
  return data;
}

/** The repeated field in which a dtype is stored when raw_data is not used. */
function typedField(tensor: ITensorProto, dtype: OnnxDtype): readonly Int[] {
  if (dtype === 'f32') return tensor.floatData ?? [];
  if (dtype === 'f64') return tensor.doubleData ?? [];
  if (dtype === 'i64') return tensor.int64Data ?? [];
  if (dtype === 'u32' || dtype === 'u64') return tensor.uint64Data ?? [];
  return tensor.int32Data ?? [];
}

function readTyped(values: readonly Int[], dtype: OnnxDtype): Float32Array | Float64Array {
  const data = allocate(dtype, values.length);
  const convert = dtype === 'f16' ? f16ToF32 : dtype === 'bf16' ? bf16ToF32 : undefined;
  for (let i = 0; i < values.length; i++) data[i] = convert ? convert(int(values[i]) & 0xffff) : int(values[i]);
  return data;
}

/** A tensor stored in the file itself. @throws 'onnx-invalid' where its shape and its bytes disagree. */
export function readTensor(tensor: ITensorProto, what: string): OnnxTensor {
  const { dims, dtype, count } = header(tensor, what);
  if (isExternal(tensor)) throw invalid(what, 'external data is allowed for initialisers only');
  const raw = tensor.rawData;
  if (raw && raw.length > 0) {
    expectBytes(what, dims, dtype, count, raw.length);
    return { dims, dtype, data: readRaw(raw, dtype, count) };
  }
  const values = typedField(tensor, dtype);
  if (values.length !== count)
    throw invalid(what, `shape [${dims.join(', ')}] needs ${count} elements, the file holds ${values.length}`);
  return { dims, dtype, data: readTyped(values, dtype) };
}

function expectBytes(what: string, dims: number[], dtype: OnnxDtype, count: number, have: number): void {
  const need = count * DTYPES[dtype].bytes;
  if (need !== have) throw invalid(what, `${dtype} [${dims.join(', ')}] needs ${need} bytes, the file holds ${have}`);
}

/** TensorProto.DataLocation.EXTERNAL */
export function isExternal(tensor: ITensorProto): boolean {
  return tensor.dataLocation === 1;
}
