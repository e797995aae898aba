/** Protobuf's wire format as a tree, without a schema for leaves: read, changed anywhere, written back. */

/** Which fields of which message are messages themselves; everything else with a length is a leaf. */
const NESTED: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  model: { 7: 'graph', 8: 'opset', 14: 'entry' },
  graph: { 1: 'node', 5: 'tensor', 11: 'value', 12: 'value', 13: 'value' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph' },
  tensor: { 13: 'entry' },
  value: { 2: 'type' },
  type: { 1: 'tensorType' },
  tensorType: { 2: 'shape' },
  shape: { 1: 'dim' },
};

export interface Message {
  kind: string;
  fields: Field[];
}

export type Field =
  | { number: number; type: 'varint'; value: bigint }
  | { number: number; type: 'fixed64' | 'fixed32'; value: Uint8Array }
  | { number: number; type: 'bytes'; value: Uint8Array }
  | { number: number; type: 'message'; value: Message };

/** @throws RangeError where the bytes are no message. */
export function readMessage(bytes: Uint8Array, kind = 'model'): Message {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (at >= bytes.length) throw new RangeError('cut varint');
      const byte = bytes[at++]!;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asUintN(64, value);
    }
    throw new RangeError('long varint');
  };
  const take = (length: number): Uint8Array => {
    if (at + length > bytes.length) throw new RangeError('cut field');
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const number = tag >>> 3;
    const wire = tag & 7;
    if (wire === 0) fields.push({ number, type: 'varint', value: varint() });
    else if (wire === 1) fields.push({ number, type: 'fixed64', value: take(8) });
    else if (wire === 5) fields.push({ number, type: 'fixed32', value: take(4) });
    else if (wire === 2) {
      const value = take(Number(varint()));
      const nested = NESTED[kind]?.[number];
      if (nested) fields.push({ number, type: 'message', value: readMessage(value, nested) });
      else fields.push({ number, type: 'bytes', value });
    } else throw new RangeError(`wire type ${wire}`);
  }
  return { kind, fields };
}

const WIRE = { varint: 0, fixed64: 1, bytes: 2, message: 2, fixed32: 5 } as const;

export function writeMessage(message: Message): Uint8Array {
  const parts = message.fields.map(writeField);
  return join(parts);
}

function writeField(field: Field): Uint8Array {
  const tag = varint(BigInt(field.number * 8 + WIRE[field.type]));
  if (field.type === 'varint') return join([tag, varint(field.value)]);
  const value = field.type === 'message' ? writeMessage(field.value) : field.value;
  return WIRE[field.type] === 2 ? join([tag, varint(BigInt(value.length)), value]) : join([tag, value]);
}

function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

export function join(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Every message of the tree, the root first. */
export function messages(root: Message): Message[] {
  const all = [root];
  for (const message of all) for (const field of message.fields) if (field.type === 'message') all.push(field.value);
  return all;
}

export function copyField(field: Field): Field {
  if (field.type !== 'message') return { ...field };
  return { ...field, value: { kind: field.value.kind, fields: field.value.fields.map(copyField) } };
}
