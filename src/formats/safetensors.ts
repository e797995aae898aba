/**
 * safetensors: u64 header length, JSON header {name: {dtype, shape, data_offsets}}, then the tensors' bytes, all
 * little-endian (as is every machine that has WebGPU). https://github.com/huggingface/safetensors#format
 * Files are untrusted: everything in the header is checked before any of it is used.
 */
import { WgradError } from '../errors.ts';
import { bf16ToF32, f16ToF32 } from './half.ts';

export type StoredData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array;

export interface StoredTensor {
  /** As in the file: F32, F16, BF16, F64, I8 to I64, U8 to U32, BOOL. */
  dtype: string;
  shape: readonly number[];
  /** Row-major. F16 and BF16 are widened to float32; BOOL is bytes of 0 and 1. */
  data: StoredData;
}

export interface Safetensors {
  /** In the order of the header. */
  readonly names: readonly string[];
  /** The `__metadata__` entry. */
  readonly metadata: Readonly<Record<string, string>>;
  has(name: string): boolean;
  /** @returns a copy. @throws WgradError 'unknown-name'. */
  read(name: string): StoredTensor;
  /** As float32, whatever it is stored as. @throws WgradError 'unknown-name'. */
  floats(name: string): { shape: readonly number[]; data: Float32Array };
}

type Decode = (bytes: ArrayBuffer) => StoredData;

const dtypes: Readonly<Record<string, { size: number; decode: Decode }>> = {
  F32: { size: 4, decode: (b) => new Float32Array(b) },
  F64: { size: 8, decode: (b) => new Float64Array(b) },
  F16: { size: 2, decode: (b) => Float32Array.from(new Uint16Array(b), f16ToF32) },
  BF16: { size: 2, decode: (b) => Float32Array.from(new Uint16Array(b), bf16ToF32) },
  I8: { size: 1, decode: (b) => new Int8Array(b) },
  I16: { size: 2, decode: (b) => new Int16Array(b) },
  I32: { size: 4, decode: (b) => new Int32Array(b) },
  I64: { size: 8, decode: (b) => new BigInt64Array(b) },
  U8: { size: 1, decode: (b) => new Uint8Array(b) },
  U16: { size: 2, decode: (b) => new Uint16Array(b) },
  U32: { size: 4, decode: (b) => new Uint32Array(b) },
  BOOL: { size: 1, decode: (b) => new Uint8Array(b) },
};

/** The reference implementation's own limit. */
const largestHeader = 100e6;

interface Entry {
  dtype: string;
  shape: number[];
  begin: number;
  end: number;
}

/**
 * @param source the file's name, for messages.
 * @throws WgradError 'file-format' naming `source` and, where one is at fault, the tensor.
 */
export function decodeSafetensors(bytes: Uint8Array, source = 'safetensors'): Safetensors {
  const fail = (reason: string, cause?: unknown) => new WgradError('file-format', `${source}: ${reason}`, { cause });
  if (bytes.length < 8) throw fail(`${bytes.length} bytes are too few for a safetensors file`);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true));
  if (length > largestHeader || length > bytes.length - 8) {
    throw fail(`the header claims ${length} bytes, the file has ${bytes.length}: not safetensors, or truncated`);
  }
  const start = 8 + length;
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, start)));
  } catch (cause) {
    throw fail('the header is not JSON', cause);
  }
  if (!isObject(header)) throw fail('the header is not a JSON object');

  const entries = new Map<string, Entry>();
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') {
      if (!isObject(value) || !Object.values(value).every((v) => typeof v === 'string')) {
        throw fail('__metadata__ is not a map of strings');
      }
      metadata = value as Record<string, string>;
    } else {
      entries.set(
        name,
        checkEntry(value, (reason) => fail(`tensor '${name}' ${reason}`)),
      );
    }
  }
  // The format allows neither gaps nor overlaps, so the tensors in order of their offsets must tile the data.
  let reached = 0;
  for (const [name, { begin, end }] of [...entries].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== reached)
      throw fail(`tensor '${name}' begins at byte ${begin}, not where the last one ends, ${reached}`);
    reached = end;
  }
  if (reached !== bytes.length - start) {
    throw fail(`the tensors need ${reached} bytes of data, the file has ${bytes.length - start}`);
  }

  const read = (name: string): StoredTensor => {
    const entry = entries.get(name);
    if (!entry) {
      throw new WgradError('unknown-name', `${source} has no tensor '${name}' (it has ${list([...entries.keys()])})`);
    }
    // A copy starts at an aligned address, which the tensor's own bytes need not. (Not slice(): a Node Buffer's shares.)
    const copy = new Uint8Array(entry.end - entry.begin);
    copy.set(bytes.subarray(start + entry.begin, start + entry.end));
    return { dtype: entry.dtype, shape: entry.shape, data: dtypes[entry.dtype]!.decode(copy.buffer) };
  };
  return {
    names: [...entries.keys()],
    metadata,
    has: (name) => entries.has(name),
    read,
    floats(name) {
      const { shape, data } = read(name);
      if (data instanceof Float32Array) return { shape, data };
      return { shape, data: Float32Array.from(data as ArrayLike<number | bigint>, Number) };
    },
  };
}

function checkEntry(value: unknown, fail: (reason: string) => WgradError): Entry {
  if (!isObject(value)) throw fail('is not described by an object');
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string' || !Object.hasOwn(dtypes, dtype)) throw fail(`has unknown dtype ${String(dtype)}`);
  if (!isExtents(shape)) throw fail('has a shape that is not a list of extents');
  if (!isExtents(offsets) || offsets.length !== 2) throw fail('has no pair of data_offsets');
  const need = shape.reduce((n, d) => n * d, dtypes[dtype]!.size);
  const [begin, end] = offsets as [number, number];
  if (end - begin !== need) throw fail(`[${shape.join(',')}] ${dtype} needs ${need} bytes, has ${end - begin}`);
  return { dtype, shape, begin, end };
}

export interface TensorToStore {
  shape: readonly number[];
  /** float32, int32, int64, uint8 ...: the array's type is the dtype written. */
  data: StoredData;
}

/** @throws WgradError 'invalid-argument' where a shape does not fit its data. */
export function encodeSafetensors(
  tensors: Readonly<Record<string, TensorToStore>> | ReadonlyMap<string, TensorToStore>,
  metadata?: Readonly<Record<string, string>>,
): Uint8Array {
  const entries: [string, TensorToStore][] = tensors instanceof Map ? [...tensors] : Object.entries(tensors);
  const header: Record<string, unknown> = metadata ? { __metadata__: metadata } : {};
  let offset = 0;
  for (const [name, { shape, data }] of entries) {
    if (shape.reduce((n, d) => n * d, 1) !== data.length) {
      throw new WgradError('invalid-argument', `tensor '${name}': ${data.length} values for [${shape.join(',')}]`);
    }
    header[name] = { dtype: dtypeOf(data), shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  // Padded with spaces so that the data starts at a multiple of 8.
  const start = 8 + Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(start + offset).fill(0x20, 8, start);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - 8), true);
  bytes.set(json, 8);
  offset = start;
  for (const [, { data }] of entries) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    offset += data.byteLength;
  }
  return bytes;
}

function dtypeOf(data: StoredData): string {
  if (data instanceof Float32Array) return 'F32';
  if (data instanceof Float64Array) return 'F64';
  if (data instanceof BigInt64Array) return 'I64';
  const signed = data instanceof Int8Array || data instanceof Int16Array || data instanceof Int32Array;
  return `${signed ? 'I' : 'U'}${8 * data.BYTES_PER_ELEMENT}`;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isExtents = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((v) => Number.isSafeInteger(v) && v >= 0);

const list = (names: string[]) => (names.length > 12 ? `${names.slice(0, 12).join(', ')}, ...` : names.join(', '));
