/** What a run costs on the host once its program is warm. */
import { expect, it } from 'vitest';
import { input } from '../../src/graph/leaves.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import * as ops from '../../src/ops/index.ts';
import { testEngine } from '../support/engine.ts';

const DEPTH = 300;
const values = new Float32Array(16).fill(0.1);

/** So many tiny dispatches; pairs of equal kernels follow each other. */
async function chain() {
  let y: Tensor = input('x', [16]);
  for (let i = 0; i < DEPTH; i++) y = i % 4 < 2 ? ops.tanh(y) : ops.exp(y);
  const engine = await testEngine();
  return { engine, program: await engine.compile({ outputs: { y }, fuse: false }) };
}

it('calls of a dispatch: two, and one more where the kernel changes', async () => {
  const { engine, program } = await chain();
  const gpu = engine.gpuDevice;
  const counts: Record<string, number> = {};
  const original = gpu.createCommandEncoder.bind(gpu);
  const counted = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(of, key) {
        const value: unknown = Reflect.get(of, key);
        if (typeof value !== 'function') return value;
        return (...given: unknown[]) => {
          counts[String(key)] = (counts[String(key)] ?? 0) + 1;
          const result: unknown = value.apply(of, given);
          return key === 'beginComputePass' ? counted(result as GPUComputePassEncoder) : result;
        };
      },
    });
  gpu.createCommandEncoder = (descriptor) => counted(original(descriptor));
  try {
    await program.run({ x: values });
  } finally {
    gpu.createCommandEncoder = original;
    program.dispose();
  }
  expect(counts).toEqual({
    beginComputePass: 1,
    setPipeline: DEPTH / 2,
    setBindGroup: DEPTH,
    dispatchWorkgroups: DEPTH,
    end: 1,
    copyBufferToBuffer: 1,
    finish: 1,
  });
});

it('the next run is with the GPU before the results of the one before are back', async () => {
  const { engine, program } = await chain();
  const { queue } = engine.gpuDevice;
  const events: string[] = [];
  const original = queue.submit.bind(queue);
  queue.submit = (list) => {
    events.push('submit');
    return original(list);
  };
  try {
    const run = (i: number) => program.run({ x: values }).then(() => events.push(`result ${i}`));
    await Promise.all([0, 1, 2, 3].map(run));
  } finally {
    queue.submit = original;
    program.dispose();
  }
  expect(events.slice(0, 2)).toEqual(['submit', 'submit']);
  let underWay = 0;
  for (const event of events) expect((underWay += event === 'submit' ? 1 : -1)).toBeLessThanOrEqual(2);
  expect(underWay).toBe(0);
});
