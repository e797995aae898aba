/** Reads TensorBoard's event files by the messages' published schema, apart from what writes them. */
import protobuf from 'protobufjs';
import { crc32c } from '../../src/tensorboard/record.ts';

/** Cut from tensorflow/core/util/event.proto, framework/*.proto, and tensorboard/plugins. */
const schema = protobuf.parse(`
syntax = "proto3";
message Event { double wall_time = 1; int64 step = 2; oneof what { string file_version = 3; bytes graph_def = 4; Summary summary = 5; } SourceMetadata source_metadata = 10; }
message SourceMetadata { string writer = 1; }
message Summary { repeated SummaryValue value = 1; }
message SummaryValue { string tag = 1; oneof value { float simple_value = 2; Image image = 4; Histogram histo = 5; Tensor tensor = 8; } Metadata metadata = 9; }
message Image { int32 height = 1; int32 width = 2; int32 colorspace = 3; bytes encoded_image_string = 4; }
message Histogram { double min = 1; double max = 2; double num = 3; double sum = 4; double sum_squares = 5; repeated double bucket_limit = 6; repeated double bucket = 7; }
message Metadata { PluginData plugin_data = 1; }
message PluginData { string plugin_name = 1; bytes content = 2; }
message Tensor { int32 dtype = 1; Shape tensor_shape = 2; bytes tensor_content = 4; repeated bytes string_val = 8; }
message Shape { repeated Dim dim = 2; }
message Dim { int64 size = 1; }
message GraphDef { repeated NodeDef node = 1; Versions versions = 4; }
message NodeDef { string name = 1; string op = 2; repeated string input = 3; map<string, AttrValue> attr = 5; }
message AttrValue { AttrList list = 1; bytes s = 2; }
message AttrList { repeated Shape shape = 7; }
message Versions { int32 producer = 1; }
message HParams { int32 version = 1; Experiment experiment = 2; SessionStart session_start_info = 3; SessionEnd session_end_info = 4; }
message Experiment { repeated HParamInfo hparam_infos = 4; repeated MetricInfo metric_infos = 5; }
message HParamInfo { string name = 1; int32 type = 4; }
message MetricInfo { MetricName name = 1; }
message MetricName { string group = 1; string tag = 2; }
message SessionStart { map<string, Value> hparams = 1; }
message SessionEnd { int32 status = 1; }
message Value { oneof kind { double number_value = 2; string string_value = 3; bool bool_value = 4; } }
`, { keepCase: true }).root; // prettier-ignore

/** A message as a plain object, 64-bit numbers as numbers. */
export function decodeMessage(type: string, bytes: Uint8Array): any {
  const found = schema.lookupType(type);
  return found.toObject(found.decode(bytes), { longs: Number, arrays: true, bytes: Array, defaults: false });
}

const masked = (bytes: Uint8Array) => (((crc32c(bytes) >>> 15) | (crc32c(bytes) << 17)) + 0xa282ead8) >>> 0;

/** The events of a file. @throws where a length or a check sum is wrong. */
export function readEvents(file: Uint8Array): any[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const events: any[] = [];
  for (let at = 0; at < file.length;) {
    const length = Number(view.getBigUint64(at, true));
    const data = file.subarray(at + 12, at + 12 + length);
    if (data.length !== length) throw new Error(`record at ${at} is cut`);
    if (view.getUint32(at + 8, true) !== masked(file.subarray(at, at + 8)))
      throw new Error(`length at ${at} is damaged`);
    if (view.getUint32(at + 12 + length, true) !== masked(data)) throw new Error(`record at ${at} is damaged`);
    events.push(decodeMessage('Event', data));
    at += 16 + length;
  }
  return events;
}

/** All values of a tag, in order: step beside what was written. */
export const valuesOf = (events: readonly any[], tag: string): { step: number; value: any }[] =>
  events.flatMap((event) =>
    (event.summary?.value ?? []).filter((value: any) => value.tag === tag).map((value: any) => ({ step: event.step ?? 0, value })),
  ); // prettier-ignore
