/** Runs a model with onnxruntime: the independent answer for importer and exporter. */
import * as ort from 'onnxruntime-web';

export interface Answer {
  dims: readonly number[];
  data: Float32Array;
}

const OPTIONS: ort.InferenceSession.SessionOptions = {
  graphOptimizationLevel: 'disabled',
  intraOpNumThreads: 1,
  logSeverityLevel: 3,
};

/** All outputs, as numbers, of a model with one input: float, or logical given as 0 and 1. */
export async function onnxruntimeAll(
  bytes: Uint8Array,
  data: Float32Array,
  dims: readonly number[],
  logical = false,
): Promise<Answer[]> {
  const session = await ort.InferenceSession.create(bytes, OPTIONS);
  try {
    const x = logical ? new ort.Tensor('bool', Uint8Array.from(data), dims) : new ort.Tensor('float32', data, dims);
    const outputs = await session.run({ [session.inputNames[0]!]: x });
    return session.outputNames.map((name) => {
      const { dims: shape, data: values } = outputs[name]!;
      return { dims: shape, data: Float32Array.from(values as ArrayLike<number | bigint>, Number) };
    });
  } finally {
    await session.release();
  }
}

/** An output, the first by default, of a model with one input. */
export async function onnxruntime(
  bytes: Uint8Array | string,
  data: Float32Array | Uint8Array,
  dims: readonly number[],
  output?: string,
): Promise<Answer> {
  const session = await (typeof bytes === 'string' ? ort.InferenceSession.create(bytes, OPTIONS) : ort.InferenceSession.create(bytes, OPTIONS)); // prettier-ignore
  try {
    const outputs = await session.run({
      [session.inputNames[0]!]:
        data instanceof Uint8Array ? new ort.Tensor('uint8', data, dims) : new ort.Tensor('float32', data, dims),
    });
    const first = outputs[output ?? session.outputNames[0]!]!;
    return { dims: first.dims, data: first.data as Float32Array };
  } finally {
    await session.release();
  }
}
