/** Runs a model with onnxruntime: the independent answer for importer and exporter. */
import * as ort from 'onnxruntime-node';

export interface Answer {
  dims: readonly number[];
  data: Float32Array;
}

/** The first output of a model with one float input. */
export async function onnxruntime(
  bytes: Uint8Array | string,
  data: Float32Array,
  dims: readonly number[],
): Promise<Answer> {
  const options: ort.InferenceSession.SessionOptions = { graphOptimizationLevel: 'disabled', intraOpNumThreads: 1, logSeverityLevel: 3 }; // prettier-ignore
  const session = await (typeof bytes === 'string' ? ort.InferenceSession.create(bytes, options) : ort.InferenceSession.create(bytes, options)); // prettier-ignore
  try {
    const outputs = await session.run({ [session.inputNames[0]!]: new ort.Tensor('float32', data, dims) });
    const first = outputs[session.outputNames[0]!]!;
    return { dims: first.dims, data: first.data as Float32Array };
  } finally {
    await session.release();
  }
}
