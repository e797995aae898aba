/** Everything that a page can import, used. */
import * as wgrad from 'wgrad';
import * as ascent from 'wgrad/ascent';
import * as browser from 'wgrad/browser';
import * as explain from 'wgrad/explain';
import * as image from 'wgrad/image';
import * as onnx from 'wgrad/onnx';
import * as train from 'wgrad/train';

Object.assign(globalThis, {
  all: { wgrad, ascent, browser, explain, image, onnx, train },
  async run(file: string, pixels: number[]) {
    const model = await onnx.loadOnnx(await wgrad.Engine.create(), file);
    const { logits } = await model.run(Float32Array.from(pixels));
    return [...logits!];
  },
  /** By a method whose code comes when it is called. */
  async maps(file: string, pixels: number[]) {
    const model = await onnx.loadOnnx(await wgrad.Engine.create(), file);
    const { map } = await explain.explain(model, Float32Array.from(pixels), { method: 'rise', samples: 8, target: 0 });
    return [...map];
  },
});
