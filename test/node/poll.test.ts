/** Waiting for the GPU sleeps: Dawn's polls neither fill the event loop nor touch other people's setImmediate. */
import { expect, test } from 'vitest';
import { input } from '../../src/graph/leaves.ts';
import { add } from '../../src/ops/binary.ts';
import { testEngine } from '../support/engine.ts';

test('Dawn polls with pauses, and setImmediate stays what it is for everybody else', async () => {
  const engine = await testEngine();
  const x = input('x', [3]);
  const real = globalThis.setImmediate;
  let scheduled = 0;
  const counting = ((...args: Parameters<typeof real>) => {
    scheduled++;
    return real(...args);
  }) as typeof real;
  globalThis.setImmediate = counting;
  try {
    const { y } = await engine.evaluate({ y: add(x, x) }, { x: Float32Array.of(1, 2, 3) });
    expect([...y]).toEqual([2, 4, 6]);
    expect([scheduled, globalThis.setImmediate === counting]).toEqual([0, true]);
    await new Promise<void>((resolve) => setImmediate(resolve));
    expect(scheduled).toBe(1);
  } finally {
    globalThis.setImmediate = real;
  }
});
