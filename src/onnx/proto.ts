/**
 * The one place that calls onnx-proto. Its protobufjs has no recursion limit and no notion of a bad model: whatever
 * it throws, a stack overflow included, leaves here as 'onnx-parse'.
 */
import proto from 'onnx-proto';
import type { onnx } from 'onnx-proto';
import { WgradError } from '../errors.ts';

const REMEDY = 'The file is damaged or is not ONNX: download or export it again';

/** @throws 'onnx-parse' */
export function parseModel(bytes: Uint8Array, source: string): onnx.IModelProto {
  let model: onnx.IModelProto;
  try {
    model = proto.onnx.ModelProto.decode(bytes);
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

export function serializeModel(model: onnx.IModelProto): Uint8Array {
  return proto.onnx.ModelProto.encode(model).finish();
}
