/**
 * One engine for all test files of a process: pipelines, dear to compile on a software adapter, are made once. What a
 * test changes of it for good (its loss, its limits, an exact count of its buffers) it does on an engine of its own.
 */
import { Engine } from '../../src/engine.ts';
import { createEngine } from '../../src/node/index.ts';
import { uncaught } from './uncaught.ts';

let engine: Promise<Engine> | undefined;

/** Fails the file if an error of the device reaches nobody. */
export function watched(engine: Engine): Engine {
  engine.gpuDevice.addEventListener('uncapturederror', (event) => uncaught.push(event.error.message));
  return engine;
}

export function testEngine(): Promise<Engine> {
  engine ??= createEngine().then(watched);
  return engine;
}

/** One to dispose of: on the device of {@link testEngine}, and with its pipelines. */
export async function freshEngine(): Promise<Engine> {
  const shared = await testEngine();
  const { gpuDevice: device, description, decoder } = shared;
  const engine = await Engine.create({ device, description, ...(decoder && { decoder }) });
  const inside = (e: Engine) => (e as unknown as { runtime: { pipelines: unknown } }).runtime;
  inside(engine).pipelines = inside(shared).pipelines;
  return engine;
}
