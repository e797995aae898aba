/** Bundled by vite for the browser test: offers the job to the test. */
import { Engine, Model } from '../../src/index.ts';
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
