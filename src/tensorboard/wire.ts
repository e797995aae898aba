/** Protobuf messages as lists of fields, on the writer of protobufjs. A field that is undefined is left out. */
// @ts-expect-error: protobufjs has types for its entry only
import ProtobufWriter from 'protobufjs/src/writer.js';

/** The part of protobufjs's Writer that is used here. */
interface Writer {
  uint32(value: number): Writer;
  int64(value: number): Writer;
  float(value: number): Writer;
  double(value: number): Writer;
  string(value: string): Writer;
  bytes(value: Uint8Array): Writer;
  fork(): Writer;
  ldelim(): Writer;
  finish(): Uint8Array;
}

export type Field = (writer: Writer) => void;
type Fields = readonly (Field | undefined)[];

const VARINT = 0;
const BITS64 = 1;
const DELIMITED = 2;
const BITS32 = 5;

const tag = (writer: Writer, field: number, wire: number) => writer.uint32((field << 3) | wire);
const put = (writer: Writer, fields: Fields) => fields.forEach((field) => field?.(writer));

export const integer =
  (field: number, value: number): Field =>
  (w) =>
    tag(w, field, VARINT).int64(value);

export const float =
  (field: number, value: number): Field =>
  (w) =>
    tag(w, field, BITS32).float(value);

export const double =
  (field: number, value: number): Field =>
  (w) =>
    tag(w, field, BITS64).double(value);

export const text =
  (field: number, value: string): Field =>
  (w) =>
    tag(w, field, DELIMITED).string(value);

export const bytes =
  (field: number, value: Uint8Array): Field =>
  (w) =>
    tag(w, field, DELIMITED).bytes(value);

/** A repeated number, packed. */
export const doubles =
  (field: number, values: ArrayLike<number>): Field =>
  (w) => {
    tag(w, field, DELIMITED).fork();
    for (let i = 0; i < values.length; i++) w.double(values[i]!);
    w.ldelim();
  };

export const sub =
  (field: number, ...fields: Fields): Field =>
  (w) => {
    tag(w, field, DELIMITED).fork();
    put(w, fields);
    w.ldelim();
  };

export function message(...fields: Fields): Uint8Array {
  const writer = new (ProtobufWriter as new () => Writer)();
  put(writer, fields);
  return writer.finish();
}
