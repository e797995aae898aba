/** An app that has everything done in a Worker, with the script that the package brings. */
import { Engine, loadOnnx } from 'wgrad/worker';

Object.assign(globalThis, {
  async run(file: string, pixels: number[]) {
    await using engine = await Engine.create();
    const model = await loadOnnx(engine, file);
    const { logits } = await model.run(Float32Array.from(pixels));
    return [...logits];
  },
});
