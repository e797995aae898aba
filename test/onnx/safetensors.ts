/** The few tensors of a reference file that a test wants: float32, float16 is widened. */
import { closeSync, openSync, readSync } from 'node:fs';
import { f16ToF32 } from '../../src/onnx/half.ts';

export function readTensors(
  path: string,
  names: readonly string[],
): Map<string, { dims: number[]; data: Float32Array }> {
  const file = openSync(path, 'r');
  const read = (offset: number, length: number) => {
    const bytes = new Uint8Array(length);
    readSync(file, bytes, 0, length, offset);
    return bytes;
  };
  try {
    const size = Number(new DataView(read(0, 8).buffer).getBigUint64(0, true));
    const header = JSON.parse(new TextDecoder().decode(read(8, size)));
    return new Map(
      names.map((name) => {
        const { dtype, shape, data_offsets: [from, to] } = header[name]; // prettier-ignore
        const { buffer } = read(8 + size + from, to - from);
        const data = dtype === 'F16' ? Float32Array.from(new Uint16Array(buffer), f16ToF32) : new Float32Array(buffer);
        return [name, { dims: shape, data }];
      }),
    );
  } finally {
    closeSync(file);
  }
}
