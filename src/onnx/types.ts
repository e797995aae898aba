/**
 * The plain intermediate form of an ONNX model: what a file says, decoded, checked and free of protobuf.
 * The importer builds graphs from it (once for each batch size), and the exporter writes it back.
 */

/** Element types that can be read. All compute in float32; integers and booleans serve shape arithmetic only. */
export type OnnxDtype =
  'f32' | 'f16' | 'bf16' | 'f64' | 'i8' | 'i16' | 'i32' | 'i64' | 'u8' | 'u16' | 'u32' | 'u64' | 'bool';

/**
 * A constant. Narrow floats (f32, f16, bf16) are held as Float32Array, which is exact; everything else as
 * Float64Array, which is exact up to 2^53: enough for any shape, and saturating for markers such as INT64_MAX.
 */
export interface OnnxTensor {
  dims: readonly number[];
  dtype: OnnxDtype;
  data: Float32Array | Float64Array;
}

export type OnnxAttribute =
  | { type: 'float'; value: number }
  | { type: 'int'; value: number }
  | { type: 'string'; value: string }
  | { type: 'tensor'; value: OnnxTensor }
  | { type: 'floats'; value: readonly number[] }
  | { type: 'ints'; value: readonly number[] }
  | { type: 'strings'; value: readonly string[] }
  /** A subgraph or another kind that no supported op has; its presence is reported by the op that carries it. */
  | { type: 'other'; value: null };

export interface OnnxNode {
  /** The node's name in the file, or `opType_index` where the file gives none. Unique. */
  name: string;
  opType: string;
  /** '' is the standard domain. */
  domain: string;
  /** '' marks an omitted optional input. */
  inputs: readonly string[];
  outputs: readonly string[];
  attributes: ReadonlyMap<string, OnnxAttribute>;
}

export interface OnnxValueInfo {
  name: string;
  dtype: OnnxDtype;
  /** A number, or the name of a symbolic dimension ('' where unnamed); null where the file gives no shape. */
  dims: readonly (number | string)[] | null;
}

export interface OnnxGraph {
  name: string;
  irVersion: number;
  producer: string;
  /** Version of the standard operator set, 7 to 28. */
  opset: number;
  /** In topological order, whatever the order in the file. */
  nodes: readonly OnnxNode[];
  initializers: ReadonlyMap<string, OnnxTensor>;
  /** What a caller feeds: graph inputs that are not initialisers. */
  inputs: readonly OnnxValueInfo[];
  outputs: readonly OnnxValueInfo[];
  /** The file's metadata_props, such as `labels` and `preprocess`. */
  metadata: ReadonlyMap<string, string>;
}

/** Reads the file that an external tensor names. Rejects with 'onnx-external-data' where it must not be read. */
export type ExternalDataResolver = (location: string) => Promise<Uint8Array>;

/** The operator set versions whose semantics the importer knows. */
export const OPSET_MIN = 7;
export const OPSET_MAX = 28;

interface DtypeRow {
  /** TensorProto.DataType. */
  code: number;
  bytes: number;
  float: boolean;
}

export const DTYPES: Readonly<Record<OnnxDtype, DtypeRow>> = {
  f32: { code: 1, bytes: 4, float: true },
  u8: { code: 2, bytes: 1, float: false },
  i8: { code: 3, bytes: 1, float: false },
  u16: { code: 4, bytes: 2, float: false },
  i16: { code: 5, bytes: 2, float: false },
  i32: { code: 6, bytes: 4, float: false },
  i64: { code: 7, bytes: 8, float: false },
  bool: { code: 9, bytes: 1, float: false },
  f16: { code: 10, bytes: 2, float: true },
  f64: { code: 11, bytes: 8, float: true },
  u32: { code: 12, bytes: 4, float: false },
  u64: { code: 13, bytes: 8, float: false },
  bf16: { code: 16, bytes: 2, float: true },
};

const BY_CODE = new Map(Object.entries(DTYPES).map(([name, row]) => [row.code, name as OnnxDtype]));

/** The dtype of a TensorProto.DataType code; undefined for strings, complex numbers and 8-bit floats. */
export function dtypeOfCode(code: number): OnnxDtype | undefined {
  return BY_CODE.get(code);
}

export function isFloat(dtype: OnnxDtype): boolean {
  return DTYPES[dtype].float;
}

/** Number of elements; 1 for a scalar. */
export function elements(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}

/** The array that holds `dtype` in an {@link OnnxTensor}, filled with zeros. */
export function allocate(dtype: OnnxDtype, length: number): Float32Array | Float64Array {
  return isFloat(dtype) && dtype !== 'f64' ? new Float32Array(length) : new Float64Array(length);
}
