/** An app that infers on an ONNX file. */
import { Engine } from 'wgrad';
import { loadOnnx } from 'wgrad/onnx';

Object.assign(globalThis, {
  async run(file: string, pixels: number[]) {
    const model = await loadOnnx(await Engine.create(), file);
    const { logits } = await model.run(Float32Array.from(pixels));
    return [...logits!];
  },
});
