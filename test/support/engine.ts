/** One engine for each test file. */
import { afterAll } from 'vitest';
import type { Engine } from '../../src/engine.ts';
import { createEngine } from '../../src/node/index.ts';

let engine: Promise<Engine> | undefined;

export function testEngine(): Promise<Engine> {
  engine ??= createEngine();
  return engine;
}

afterAll(async () => {
  (await engine)?.dispose();
  engine = undefined;
});
