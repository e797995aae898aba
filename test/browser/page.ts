/** Bundled by vite for the browser test: offers the job to the test. */
import { Engine } from '../../src/index.ts';
import { job, type JobResult } from './job.ts';

declare global {
  var runJob: (onnx: number[], pixels: number[]) => Promise<JobResult & { adapter: string }>;
}

globalThis.runJob = async (onnx, pixels) => {
  const engine = await Engine.create();
  const result = await job(engine, Uint8Array.from(onnx), Float32Array.from(pixels));
  engine.dispose();
  return { ...result, adapter: engine.description };
};
