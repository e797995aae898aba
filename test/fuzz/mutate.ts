/** What damage looks like: of any bytes, of an ONNX file's structure, of a safetensors header, of a picture. */
import { crc32 } from '../../src/image/png.ts';
import type { Random } from '../../src/random.ts';
import { copyField, join, messages, readMessage, writeMessage, type Field, type Message } from './wire.ts';

const SPECIAL_INTS = [0n, 1n, 2n, 3n, 7n, 64n, 255n, 1000n, 4096n, 65535n, 65536n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n, 2n ** 40n, 2n ** 62n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n, 2n ** 64n - 2n, 2n ** 64n - 2n ** 31n]; // prettier-ignore
const SPECIAL_FLOATS = [0, -0, 1, -1, NaN, Infinity, -Infinity, 1e-45, 3.4e38, -3.4e38, 0.5, 1e9];

/** Ops that inflate, or that take many shapes: what a renamed node becomes. */
const OPS = ['Concat', 'Expand', 'ConstantOfShape', 'Range', 'Reshape', 'Add', 'Mul', 'Conv', 'MaxPool', 'Pad', 'Slice', 'Gather', 'Transpose', 'Shape', 'Squeeze', 'Unsqueeze', 'Resize', 'Tile', 'Split', 'MatMul', 'Gemm', 'ReduceMean', 'BatchNormalization', 'Softmax', 'Cast', 'Where', 'Flatten', 'Identity', 'Relu', 'Dropout', 'Clip', 'AveragePool', 'GlobalAveragePool', 'Constant', 'Loop', 'If']; // prettier-ignore

const text = (s: string) => new TextEncoder().encode(s);

export function mutateBytes(bytes: Uint8Array, random: Random, reach = bytes.length): Uint8Array {
  const at = random.int(Math.max(1, Math.min(reach, bytes.length)));
  const length = 1 + random.int(random.pick([2, 8, 64]));
  const out = bytes.slice();
  switch (random.int(7)) {
    case 0:
      if (out.length) out[at]! ^= 1 << random.int(8);
      return out;
    case 1:
      if (out.length) out[at] = random.pick([0, 1, 0x7f, 0x80, 0xff, random.int(256)]);
      return out;
    case 2: {
      const width = random.pick([2, 4, 8]);
      if (at + width > out.length) return out;
      const value = BigInt.asUintN(8 * width, random.pick(SPECIAL_INTS));
      const little = random.int(2) === 0;
      for (let i = 0; i < width; i++) out[at + (little ? i : width - 1 - i)] = Number((value >> BigInt(8 * i)) & 255n);
      return out;
    }
    case 3:
      return join([out.subarray(0, at), out.subarray(at + length)]);
    case 4:
      return join([out.subarray(0, at), out.subarray(at, at + length), out.subarray(at)]);
    case 5:
      return join([out.subarray(0, at), Uint8Array.from({ length }, () => random.int(256)), out.subarray(at)]);
    default:
      return out.subarray(0, at);
  }
}

/** One to four changes of the message tree, mostly one; in one file of five, bytes of the result as well, or alone. */
export function mutateModel(bytes: Uint8Array, random: Random): Uint8Array {
  let out = bytes;
  const way = random.int(10);
  if (way < 9) {
    const root = readMessage(bytes);
    for (let n = random.pick([1, 1, 1, 2, 3, 4]); n > 0; n--) mutateTree(root, random);
    out = writeMessage(root);
  }
  if (way >= 8) for (let n = 1 + random.int(3); n > 0; n--) out = mutateBytes(out, random);
  return out;
}

type TreeMutation = (message: Message, random: Random, all: readonly Message[]) => void;

const TREE: readonly TreeMutation[] = [
  // gone
  ({ fields }, random) => fields.splice(random.int(fields.length), 1 + (random.int(4) === 0 ? random.int(5) : 0)),
  // twice, or many times
  ({ fields }, random) => {
    const field = random.pick(fields);
    const times = random.pick([1, 1, 1, 2, 20]);
    const at = random.int(fields.length + 1);
    for (let n = 0; n < times; n++) fields.splice(at, 0, copyField(field));
  },
  // in another order
  ({ fields }, random) => {
    const [a, b] = [random.int(fields.length), random.int(fields.length)];
    [fields[a], fields[b]] = [fields[b]!, fields[a]!];
  },
  (message, random) => (message.fields = random.shuffle(message.fields)),
  // another value
  (message, random, all) => changeValue(random.pick(message.fields), random, all),
  (message, random, all) => changeValue(random.pick(message.fields), random, all),
  (message, random, all) => changeValue(random.pick(message.fields), random, all),
  // under another number
  ({ fields }, random) => (random.pick(fields).number = random.pick([random.pick(fields).number, 1 + random.int(20)])),
  // from a like message: an attribute of another node, a dimension of another tensor
  ({ kind, fields }, random, all) => {
    const other = random.pick(all.filter((m) => m.kind === kind && m.fields.length > 0));
    if (other) fields.splice(random.int(fields.length + 1), 0, copyField(random.pick(other.fields)));
  },
];

function mutateTree(root: Message, random: Random): void {
  const all = messages(root);
  if (random.int(12) === 0) return inflate(all, random);
  const kind = random.pick(['graph', 'node', 'node', 'attribute', 'attribute', 'tensor', 'value', 'dim', 'model']);
  const fitting = all.filter((m) => m.fields.length > 0 && m.kind === kind);
  const message = random.pick(fitting.length ? fitting : all.filter((m) => m.fields.length > 0));
  if (message) random.pick(TREE)(message, random, all);
}

function changeValue(field: Field, random: Random, all: readonly Message[]): void {
  switch (field.type) {
    case 'varint':
      if (random.int(3)) field.value = random.pick(SPECIAL_INTS);
      else field.value = BigInt.asUintN(64, field.value + BigInt(random.int(9) - 4));
      return;
    case 'fixed32':
      field.value = new Uint8Array(Float32Array.of(random.pick(SPECIAL_FLOATS)).buffer);
      return;
    case 'fixed64':
      field.value = new Uint8Array(Float64Array.of(random.pick(SPECIAL_FLOATS)).buffer);
      return;
    case 'message':
      if (field.value.fields.length) changeValue(random.pick(field.value.fields), random, all);
      return;
    case 'bytes': {
      const leaves = all.flatMap((m) => m.fields).filter((f) => f.type === 'bytes' && f.value.length < 200);
      const way = random.int(6);
      if (way < 2) field.value = random.pick(leaves)?.value as Uint8Array;
      else if (way === 2) field.value = text(random.pick(OPS));
      else if (way === 3) field.value = new Uint8Array(random.pick([0, 1, 8, 4096]));
      else if (field.value.length % 4 === 0 && field.value.length && random.int(2)) specialElement(field, random);
      else field.value = mutateBytes(field.value, random);
      field.value ??= new Uint8Array();
    }
  }
}

/** Numbers in raw_data become special ones, as int64 or float32. */
function specialElement(field: Extract<Field, { type: 'bytes' }>, random: Random): void {
  const bytes = field.value.slice();
  const wide = bytes.length % 8 === 0 && random.int(2) === 0;
  const at = (wide ? 8 : 4) * random.int(bytes.length / (wide ? 8 : 4));
  const view = new DataView(bytes.buffer);
  if (wide) view.setBigUint64(at, random.pick(SPECIAL_INTS), true);
  else view.setFloat32(at, random.pick(SPECIAL_FLOATS), true);
  field.value = bytes;
}

/** A constant that no file holds, and many nodes that double or read it: small files that ask for much. */
function inflate(all: readonly Message[], random: Random): void {
  const graph = all.find((m) => m.kind === 'graph');
  if (!graph) return;
  const bytes = (number: number, value: Uint8Array | string): Field => ({ number, type: 'bytes', value: typeof value === 'string' ? text(value) : value }); // prettier-ignore
  const varint = (number: number, value: number): Field => ({ number, type: 'varint', value: BigInt(value) });
  const message = (number: number, kind: string, fields: Field[]): Field => ({ number, type: 'message', value: { kind, fields } }); // prettier-ignore
  const node = (op: string, output: string, ...inputs: string[]) => [...inputs.map((name) => bytes(1, name)), bytes(2, output), bytes(4, op)]; // prettier-ignore

  const dims = random.pick([[4096, 1000], [2 ** 20], [1], [2 ** 24], [64, 64, 64, 64], [1000, 1000, 1000], [0, 4096]]);
  const raw = new Uint8Array(BigInt64Array.from(dims.map(BigInt)).buffer);
  graph.fields.push(
    message(5, 'tensor', [bytes(8, 'large.dims'), varint(1, dims.length), varint(2, 7), bytes(9, raw)]),
  );
  const nodes = [node('ConstantOfShape', 'large0', 'large.dims')];
  const ops = random.int(2) ? [random.pick(OPS)] : ['Concat', 'Add', 'Expand', 'Transpose', 'Cast', random.pick(OPS)];
  const axis = message(5, 'attribute', [bytes(1, 'axis'), varint(3, 0), varint(20, 2)]);
  const count = random.pick([3, 12, 40, 400]);
  for (let i = 0; i < count; i++) {
    const op = random.pick(ops);
    const from = random.int(3) ? `large${i}` : 'large0';
    nodes.push([...node(op, `large${i + 1}`, from, random.pick([from, 'large.dims'])), ...(op === 'Concat' ? [axis] : [])]); // prettier-ignore
  }
  // What follows reads it too.
  const reader = random.pick(all.filter((m) => m.kind === 'node'));
  const slot = reader?.fields.find((field) => field.number === 1 && field.type === 'bytes');
  if (slot && random.int(2)) slot.value = text(`large${random.int(count)}`);
  graph.fields.unshift(...nodes.map((fields) => message(1, 'node', fields)));
}

/** Changes a header's JSON as a whole, an entry, or the bytes. */
export function mutateSafetensors(bytes: Uint8Array, random: Random): Uint8Array {
  if (random.int(3) === 0) return mutateBytes(bytes, random, random.pick([16, 400, bytes.length]));
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as Record<string, any>;
  for (let n = 1 + random.int(3); n > 0; n--) mutateEntry(header, random);
  let json = JSON.stringify(header);
  if (random.int(6) === 0) json = json.replace(/\d+/, () => random.pick(['1e400', '-0', '1.5', '9'.repeat(400), '"1"', 'null'])); // prettier-ignore
  if (random.int(20) === 0) json = '['.repeat(5000) + json;
  const encoded = text(json);
  const size = new Uint8Array(8);
  new DataView(size.buffer).setBigUint64(0, random.int(8) ? BigInt(encoded.length) : random.pick(SPECIAL_INTS), true);
  return join([size, encoded, bytes.subarray(8 + length)]);
}

function mutateEntry(header: Record<string, any>, random: Random): void {
  const names = Object.keys(header);
  const name = random.pick(names) ?? '';
  const entry = header[name] as { dtype?: unknown; shape?: unknown[]; data_offsets?: unknown[] } | undefined;
  const odd = () => random.pick<unknown>([0, -1, 1.5, 2 ** 31, 2 ** 53, 2 ** 60, 1e300, null, '3', [], {}, true]);
  const list = random.pick(['shape', 'data_offsets'] as const);
  switch (random.int(7)) {
    case 0:
      delete header[name];
      return;
    case 1:
      header[random.pick(['__proto__', 'constructor', '__metadata__', '', 'x'.repeat(1e4)])] = random.pick([entry, odd()]); // prettier-ignore
      return;
    case 2:
      header[name] = random.pick([odd(), header[random.pick(names)!]]);
      return;
    case 3:
      if (entry && typeof entry === 'object')
        entry.dtype = random.pick<unknown>(['F16', 'BF16', 'I64', 'U8', 'BOOL', 'F4', 'toString', odd()]);
      return;
    case 4:
      if (Array.isArray(entry?.[list])) entry[list]![random.int(entry[list]!.length + 1)] = odd();
      return;
    case 5:
      if (Array.isArray(entry?.[list])) entry[list]!.push(...Array<unknown>(random.pick([1, 40])).fill(odd()));
      return;
    default:
      if (entry && typeof entry === 'object') Object.assign(entry, { [random.pick(['dtype', list])]: odd() });
  }
}

/** Bytes, mostly of the headers; the checksums of PNG chunks are made right again in two files of three. */
export function mutatePicture(bytes: Uint8Array, random: Random): Uint8Array {
  let out = bytes;
  for (let n = 1 + random.int(3); n > 0; n--) out = mutateBytes(out, random, random.pick([32, 128, 1024, out.length]));
  if (out[0] === 0x89 && random.int(3)) out = withChecksums(out);
  return out;
}

function withChecksums(png: Uint8Array): Uint8Array {
  const out = png.slice();
  const view = new DataView(out.buffer);
  for (let at = 8; at + 12 <= out.length;) {
    const end = at + 8 + view.getUint32(at);
    if (end + 4 > out.length) break;
    view.setUint32(end, crc32(out.subarray(at + 4, end)));
    at = end + 4;
  }
  return out;
}
