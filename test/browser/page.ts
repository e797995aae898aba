/** Bundled by vite for the browser test: offers the job to the test. */
import { draw, type Attribution } from '../../src/explain/index.ts';
import { Engine, Model, type PictureSource } from '../../src/index.ts';
import { importOnnx, loadOnnx, type LoadProgress } from '../../src/onnx/index.ts';
import { job, type JobResult } from './job.ts';

let engine: Engine;
let model: Model;
let pending: Promise<string>;

export interface Loaded {
  code: string;
  parameters: number;
  warnings: string[];
  progress: LoadProgress[];
}

declare global {
  var startLoss: (onnx: number[], pixels: number[]) => Promise<number[]>;
  var loadWeights: (sha256: string, full: boolean) => Promise<Loaded>;
  var seePictures: (onnx: number[]) => Promise<{ farthest: Record<string, number>; drawn: number[]; wanted: number[] }>;
  var endLoss: (pixels: number[]) => Promise<{ code: string; logits: number[] }>;
  var runJob: (onnx: number[], pixels: number[]) => Promise<JobResult & { adapter: string }>;
}

globalThis.runJob = async (onnx, pixels) => {
  const engine = await Engine.create();
  const result = await job(engine, Uint8Array.from(onnx), Float32Array.from(pixels));
  engine.dispose();
  return { ...result, adapter: engine.description };
};

/** A model, its logits, and runs without end for a crash to hit. */
globalThis.startLoss = async (onnx, pixels) => {
  engine ??= await Engine.create();
  model ??= new Model(engine, await importOnnx(Uint8Array.from(onnx)));
  const picture = Float32Array.from(pixels);
  const { logits } = await model.run(picture);
  pending = (async () => {
    for (;;) await model.run(picture);
  })().catch((error: { code: string }) => error.code);
  return [...logits];
};

globalThis.endLoss = async (pixels) => {
  const code = await pending;
  // Chromium gives no adapter until its GPU process is back.
  for (let i = 0; ; i++) {
    try {
      await engine.restore();
      break;
    } catch (error) {
      if (i === 20) throw error;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
  return { code, logits: [...(await model.run(Float32Array.from(pixels))).logits] };
};

/** Weights from the server's /weights into the cache; `full`: there is no room in it. */
globalThis.loadWeights = async (sha256, full) => {
  engine ??= await Engine.create();
  const { put } = Cache.prototype;
  if (full) Cache.prototype.put = () => Promise.reject(new DOMException('no room', 'QuotaExceededError'));
  const [warnings, progress]: [string[], LoadProgress[]] = [[], []];
  try {
    const loaded = await loadOnnx(engine, new URL('/weights', location.href), {
      sha256,
      cache: true,
      onWarning: (warning) => warnings.push(warning),
      onProgress: (p) => progress.push(p),
    });
    return { code: '', parameters: loaded.network.parameters.size, warnings, progress };
  } catch (error) {
    return { code: (error as { code: string }).code, parameters: 0, warnings, progress };
  } finally {
    Cache.prototype.put = put;
  }
};

/** What a page draws, in every form, as a model's input: the largest difference from that of the pixels themselves. */
globalThis.seePictures = async (onnx) => {
  engine ??= await Engine.create();
  const model = new Model(engine, await importOnnx(Uint8Array.from(onnx)));
  const [width, height] = [40, 32];
  const canvas = Object.assign(document.createElement('canvas'), { width, height });
  const context = canvas.getContext('2d')!;
  const pixels = context.createImageData(width, height);
  pixels.data.forEach((_, i, data) => (data[i] = i % 4 === 3 ? 255 : (Math.floor(i / 4) * 5) % 256));
  context.putImageData(pixels, 0, 0);

  const url = canvas.toDataURL();
  const img = Object.assign(new Image(), { src: url });
  const video = Object.assign(document.createElement('video'), { muted: true, srcObject: canvas.captureStream() });
  await video.play();
  context.putImageData(pixels, 0, 0);
  const offscreen = new OffscreenCanvas(width, height);
  offscreen.getContext('2d')!.drawImage(canvas, 0, 0);
  const { COPY_SRC, COPY_DST, RENDER_ATTACHMENT } = GPUTextureUsage;
  const texture = engine.gpuDevice.createTexture({ size: [width, height], format: 'rgba8unorm', usage: COPY_SRC | COPY_DST | RENDER_ATTACHMENT }); // prettier-ignore
  engine.gpuDevice.queue.copyExternalImageToTexture({ source: canvas }, { texture }, [width, height]);
  const frame = new VideoFrame(canvas, { timestamp: 0 });
  const forms: Record<string, PictureSource> = {
    canvas,
    offscreen,
    img,
    video,
    frame,
    texture,
    address: url,
    bitmap: await createImageBitmap(canvas),
    blob: await (await fetch(url)).blob(),
  };
  const expected = await model.pixels(pixels);
  const farthest: Record<string, number> = {};
  for (const [name, source] of Object.entries(forms)) {
    const values = await model.pixels(source);
    farthest[name] = values.reduce((most, v, i) => Math.max(most, Math.abs(v - expected[i]!)), 0);
  }
  frame.close();
  texture.destroy();

  const map: Attribution = { method: 'gradient', map: expected, shape: model.pictureShape, target: 0, score: 1, error: { kind: 'none', reason: '' } }; // prettier-ignore
  const target = document.createElement('canvas');
  const { picture } = await draw(target, map, { over: img, model });
  const drawn = target.getContext('2d')!.getImageData(0, 0, target.width, target.height).data;
  model.dispose();
  return { farthest, drawn: [...drawn], wanted: [...picture.data] };
};
