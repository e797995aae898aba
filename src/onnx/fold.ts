/**
 * Shape arithmetic at import. Exporters compute shapes inside the graph (Shape, Gather, Concat, Reshape); once the
 * batch size is known all of it is constant, so it is evaluated here and never becomes a kernel.
 *
 * Each row of {@link FOLDERS} is one op on small host tensors, in float64, with ONNX's semantics for its opset.
 */
import { attrInt, attrTensor, axesOf, nodeError, normalizeAxis } from './attributes.ts';
import { broadcastDims, reshapeDims, sliceRanges, squeezeDims, unsqueezeDims } from './dims.ts';
import { allocate, dtypeOfCode, elements, isFloat, type OnnxDtype, type OnnxNode, type OnnxTensor } from './types.ts';

/** No shape computation needs more; a crafted Expand or ConstantOfShape that asks for more is refused. */
const MAX_ELEMENTS = 2 ** 24;

/** @param inputs undefined where optional and omitted. */
type Folder = (node: OnnxNode, inputs: readonly (OnnxTensor | undefined)[], opset: number) => OnnxTensor;

export function canFold(opType: string): boolean {
  return FOLDERS.has(opType);
}

/** @throws 'onnx-invalid' naming the node. */
export function fold(node: OnnxNode, inputs: readonly (OnnxTensor | undefined)[], opset: number): OnnxTensor {
  return FOLDERS.get(node.opType)!(node, inputs, opset);
}

/** The constant that `Shape` gives for a value of these dims. `start` and `end` exist since opset 15. */
export function foldShape(node: OnnxNode, dims: readonly number[]): OnnxTensor {
  const end = node.attributes.has('end') ? attrInt(node, 'end', 0) : dims.length;
  return vector(dims.slice(attrInt(node, 'start', 0), end));
}

/** A 1-D int64 constant. */
export function vector(values: readonly number[]): OnnxTensor {
  return { dims: [values.length], dtype: 'i64', data: Float64Array.from(values) };
}

function need(node: OnnxNode, inputs: readonly (OnnxTensor | undefined)[], index: number): OnnxTensor {
  const input = inputs[index];
  if (!input) throw nodeError(node, `input ${index} is missing`);
  return input;
}

function make(node: OnnxNode, dims: readonly number[], dtype: OnnxDtype): OnnxTensor {
  const count = elements(dims);
  if (!dims.every((dim) => Number.isInteger(dim) && dim >= 0) || count > MAX_ELEMENTS)
    throw nodeError(node, `a constant of shape [${dims.join(', ')}] is not sensible`);
  return { dims, dtype, data: allocate(dtype, count) };
}

const strides = (dims: readonly number[]): number[] => dims.map((_, axis) => elements(dims.slice(axis + 1)));

/** Calls `visit(out, ...ins)` with the flat index into the output and into each broadcast source. */
function broadcastEach(
  dims: readonly number[],
  sources: readonly OnnxTensor[],
  visit: (out: number, at: number[]) => void,
) {
  const count = elements(dims);
  const outStrides = strides(dims);
  const steps = sources.map((source) => {
    const own = strides(source.dims);
    return dims.map((_, i) => {
      const axis = i - dims.length + source.dims.length;
      return axis >= 0 && source.dims[axis] !== 1 ? own[axis]! : 0;
    });
  });
  for (let out = 0; out < count; out++) {
    const at = sources.map(() => 0);
    dims.forEach((dim, axis) => {
      const index = Math.floor(out / outStrides[axis]!) % dim;
      steps.forEach((step, s) => (at[s]! += index * step[axis]!));
    });
    visit(out, at);
  }
}

function elementwise(compute: (a: number, b: number, integer: boolean) => number, dtype?: OnnxDtype): Folder {
  return (node, inputs) => {
    const a = need(node, inputs, 0);
    const b = need(node, inputs, 1);
    const out = make(node, broadcastDims(node, a.dims, b.dims), dtype ?? a.dtype);
    const integer = !isFloat(a.dtype);
    broadcastEach(out.dims, [a, b], (o, [i, j]) => (out.data[o] = compute(a.data[i!]!, b.data[j!]!, integer)));
    return out;
  };
}

function unary(compute: (a: number) => number): Folder {
  return (node, inputs) => {
    const a = need(node, inputs, 0);
    const out = make(node, a.dims, a.dtype);
    a.data.forEach((value, i) => (out.data[i] = compute(value)));
    return out;
  };
}

function cast(node: OnnxNode, input: OnnxTensor, dtype: OnnxDtype): OnnxTensor {
  const out = make(node, input.dims, dtype);
  const toBool = dtype === 'bool';
  const truncate = isFloat(input.dtype) && !isFloat(dtype);
  input.data.forEach((value, i) => (out.data[i] = toBool ? Number(value !== 0) : truncate ? Math.trunc(value) : value));
  return out;
}

const castTo: Folder = (node, inputs) => {
  const dtype = dtypeOfCode(attrInt(node, 'to', 0));
  if (!dtype) throw nodeError(node, `cannot cast to data type ${attrInt(node, 'to', 0)}`);
  return cast(node, need(node, inputs, 0), dtype);
};

const constantNode: Folder = (node) => {
  const tensor = attrTensor(node, 'value');
  if (tensor) return tensor;
  for (const key of ['value_int', 'value_ints', 'value_float', 'value_floats']) {
    const attribute = node.attributes.get(key);
    if (!attribute) continue;
    const integers = attribute.type === 'int' || attribute.type === 'ints';
    const data = integers ? Float64Array : Float32Array;
    const dtype = integers ? 'i64' : 'f32';
    if (attribute.type === 'int' || attribute.type === 'float')
      return { dims: [], dtype, data: data.of(attribute.value) };
    if (attribute.type === 'ints' || attribute.type === 'floats')
      return { dims: [attribute.value.length], dtype, data: data.from(attribute.value) };
  }
  throw nodeError(node, 'holds no numbers');
};

const constantOfShape: Folder = (node, inputs) => {
  const value = attrTensor(node, 'value');
  const out = make(node, [...need(node, inputs, 0).data], value?.dtype ?? 'f32');
  out.data.fill(value?.data[0] ?? 0);
  return out;
};

const gather: Folder = (node, inputs) => {
  const data = need(node, inputs, 0);
  const indices = need(node, inputs, 1);
  const axis = normalizeAxis(node, attrInt(node, 'axis', 0), data.dims.length);
  const size = data.dims[axis]!;
  const inner = elements(data.dims.slice(axis + 1));
  const outer = elements(data.dims.slice(0, axis));
  const out = make(node, [...data.dims.slice(0, axis), ...indices.dims, ...data.dims.slice(axis + 1)], data.dtype);
  let to = 0;
  for (let o = 0; o < outer; o++)
    for (const index of indices.data) {
      const at = index < 0 ? index + size : index;
      if (!(at >= 0 && at < size)) throw nodeError(node, `index ${index} is outside an axis of ${size}`);
      for (let i = 0; i < inner; i++) out.data[to++] = data.data[(o * size + at) * inner + i]!;
    }
  return out;
};

const slice: Folder = (node, inputs, opset) => {
  let current = need(node, inputs, 0);
  for (const { axis, start, count, step } of sliceRanges(node, current.dims, inputs, opset)) {
    const index = Float64Array.from({ length: count }, (_, i) => start + i * step);
    const attributes = new Map([['axis', { type: 'int' as const, value: axis }]]);
    current = gather({ ...node, attributes }, [current, { dims: [count], dtype: 'i64', data: index }], opset);
  }
  return current;
};

const concat: Folder = (node, inputs) => {
  const parts = inputs.map((_, i) => need(node, inputs, i));
  const first = need(node, inputs, 0);
  const axis = normalizeAxis(node, attrInt(node, 'axis', 0), first.dims.length);
  const outer = elements(first.dims.slice(0, axis));
  const total = parts.reduce((sum, part) => sum + (part.dims[axis] ?? 0), 0);
  const out = make(node, first.dims.map((dim, i) => (i === axis ? total : dim)), first.dtype); // prettier-ignore
  const chunks = parts.map((part) => elements(part.dims.slice(axis)));
  if (chunks.reduce((a, b) => a + b, 0) * outer !== out.data.length)
    throw nodeError(node, 'the inputs do not fit together');
  let to = 0;
  for (let o = 0; o < outer; o++)
    parts.forEach((part, p) => {
      for (let i = 0; i < chunks[p]!; i++) out.data[to++] = part.data[o * chunks[p]! + i]!;
    });
  return out;
};

const reshaped = (node: OnnxNode, input: OnnxTensor, dims: readonly number[]): OnnxTensor => {
  if (elements(dims) !== input.data.length)
    throw nodeError(node, `[${input.dims.join(', ')}] does not become [${dims.join(', ')}]`);
  return { ...input, dims };
};

const expand: Folder = (node, inputs) => {
  const input = need(node, inputs, 0);
  const dims = broadcastDims(node, input.dims, [...need(node, inputs, 1).data]);
  const out = make(node, dims, input.dtype);
  broadcastEach(dims, [input], (o, [i]) => (out.data[o] = input.data[i!]!));
  return out;
};

const where: Folder = (node, inputs) => {
  const [condition, a, b] = [need(node, inputs, 0), need(node, inputs, 1), need(node, inputs, 2)];
  const dims = broadcastDims(node, broadcastDims(node, condition.dims, a.dims), b.dims);
  const out = make(node, dims, a.dtype);
  broadcastEach(dims, [condition, a, b], (o, [c, i, j]) => {
    out.data[o] = condition.data[c!] ? a.data[i!]! : b.data[j!]!;
  });
  return out;
};

const range: Folder = (node, inputs) => {
  const [start, limit, delta] = [0, 1, 2].map((i) => need(node, inputs, i).data[0] ?? NaN) as [number, number, number];
  const out = make(node, [Math.max(0, Math.ceil((limit - start) / delta))], need(node, inputs, 0).dtype);
  for (let i = 0; i < out.data.length; i++) out.data[i] = start + i * delta;
  return out;
};

const reduceProd: Folder = (node, inputs, opset) => {
  const input = need(node, inputs, 0);
  const axes = axesOf(node, inputs[1], opset, 18);
  if (input.dims.length !== 1 || (axes && axes.length !== 1)) throw nodeError(node, 'is folded for vectors only');
  const product = [...input.data].reduce((a, b) => a * b, 1);
  const keep = attrInt(node, 'keepdims', 1) !== 0;
  return { dims: keep ? [1] : [], dtype: input.dtype, data: Float64Array.of(product) };
};

const FOLDERS: ReadonlyMap<string, Folder> = new Map<string, Folder>([
  ['Constant', constantNode],
  ['ConstantOfShape', constantOfShape],
  ['Identity', (node, inputs) => need(node, inputs, 0)],
  ['Cast', castTo],
  ['CastLike', (node, inputs) => cast(node, need(node, inputs, 0), need(node, inputs, 1).dtype)],
  ['Gather', gather],
  ['Slice', slice],
  ['Concat', concat],
  ['Expand', expand],
  ['Where', where],
  ['Range', range],
  ['ReduceProd', reduceProd],
  ['Reshape', (n, x) => reshaped(n, need(n, x, 0), reshapeDims(n, need(n, x, 0).dims, [...need(n, x, 1).data]))],
  ['Squeeze', (n, x, v) => reshaped(n, need(n, x, 0), squeezeDims(n, need(n, x, 0).dims, axesOf(n, x[1], v, 13)))],
  ['Unsqueeze', (n, x, v) => reshaped(n, need(n, x, 0), unsqueezeDims(n, need(n, x, 0).dims, axesOf(n, x[1], v, 13) ?? []))], // prettier-ignore
  ['Add', elementwise((a, b) => a + b)],
  ['Sub', elementwise((a, b) => a - b)],
  ['Mul', elementwise((a, b) => a * b)],
  ['Div', elementwise((a, b, integer) => (integer ? Math.trunc(a / b) : a / b))],
  ['Mod', elementwise((a, b) => a - b * Math.floor(a / b))],
  ['Min', elementwise((a, b) => Math.min(a, b))],
  ['Max', elementwise((a, b) => Math.max(a, b))],
  ['Equal', elementwise((a, b) => Number(a === b), 'bool')],
  ['Less', elementwise((a, b) => Number(a < b), 'bool')],
  ['Greater', elementwise((a, b) => Number(a > b), 'bool')],
  ['Neg', unary((a) => -a)],
  ['Floor', unary(Math.floor)],
  ['Ceil', unary(Math.ceil)],
  ['Sqrt', unary(Math.sqrt)],
  ['Not', unary((a) => Number(!a))],
]);

/** Op types that exist at import only, or may be folded away: what the importer accepts beyond its kernels. */
export const FOLDED_OPS: readonly string[] = ['Shape', 'Size', ...FOLDERS.keys()];
