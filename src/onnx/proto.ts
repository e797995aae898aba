/**
 * The one place that reads protobuf: onnx-proto's code, cut down by scripts/proto.ts, on the reader of protobufjs.
 * Neither has a notion of a bad model: whatever they throw leaves here as 'onnx-parse'.
 */
// @ts-expect-error: protobufjs has types for its entry only
import Reader from 'protobufjs/src/reader.js';
import { WgradError } from '../errors.ts';
import { decodeModelProto, type IModelProto } from './proto_read.gen.ts';

export type * from './proto_read.gen.ts';

// reader.js leaves its 64-bit methods to the package's entry, which would bring services, base64 and more along.
if (!('int64' in Reader.prototype)) Reader._configure({ _configure: () => undefined });

const REMEDY = 'The file is damaged or is not ONNX: download or export it again';

/** @throws 'onnx-parse' */
export function parseModel(bytes: Uint8Array, source: string): IModelProto {
  let model: IModelProto;
  try {
    model = decodeModelProto(new Reader(bytes));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new WgradError('onnx-parse', `${source}: ${bytes.length} bytes do not decode as an ONNX model (${reason})`, {
      remedy: REMEDY,
      cause,
    });
  }
  const missing = !model.graph ? 'graph' : !model.opsetImport?.length ? 'operator set' : undefined;
  if (missing) throw new WgradError('onnx-parse', `${source}: the model has no ${missing}`, { remedy: REMEDY });
  return model;
}
