/** One engine for each test file. No test may cause a GPU error that no call answers for. */
import { afterAll, expect } from 'vitest';
import type { Engine } from '../../src/engine.ts';
import { createEngine } from '../../src/node/index.ts';

let engine: Promise<Engine> | undefined;
const uncaught: string[] = [];

/** Fails the file if an error of the device reaches nobody. */
export function watched(engine: Engine): Engine {
  engine.gpuDevice.addEventListener('uncapturederror', (event) => uncaught.push(event.error.message));
  return engine;
}

export function testEngine(): Promise<Engine> {
  engine ??= createEngine().then(watched);
  return engine;
}

afterAll(async () => {
  await (await engine)?.dispose();
  engine = undefined;
  expect(uncaught).toEqual([]);
});
