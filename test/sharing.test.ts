/** One device for wgrad and tfjs: both compute on it, neither takes the other's errors, and it outlives the engine. */
import * as tf from '@tensorflow/tfjs-core';
import { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { expect, it, vi } from 'vitest';
import { Engine } from '../src/engine.ts';
import { input } from '../src/graph/leaves.ts';
import { openAdapter } from '../src/node/adapter.ts';
import * as ops from '../src/ops/index.ts';

it('is shared with tfjs, by way of its buffers too', async () => {
  const { gpu, adapter } = await openAdapter();
  // tfjs asks there whether there is WebGPU at all.
  vi.stubGlobal('navigator', { gpu });
  const device = await adapter.requestDevice();
  const heard: string[] = [];
  device.addEventListener('uncapturederror', (event) => heard.push(event.error.message));
  const backend = new WebGPUBackend(device, adapter.info);
  tf.registerBackend('wgrad test', () => backend);
  tf.copyRegisteredKernels('webgpu', 'wgrad test');
  try {
    await tf.setBackend('wgrad test');
    const engine = await Engine.create({ device });
    expect(engine.gpuDevice).toBe(device);
    expect(engine.description).not.toBe('');

    const x = input('x', [2, 2]);
    const program = await engine.compile({ outputs: { y: ops.matmul(x, x) } });
    const theirs = tf.tensor2d([1, 2, 3, 4], [2, 2]);
    const product = () => tf.matMul(theirs, theirs).data();
    const [a, b, c] = await Promise.all([product(), program.run({ x: [1, 2, 3, 4] }), product()]);
    for (const values of [a, b.y, c]) expect([...values]).toEqual([7, 10, 15, 22]);

    // What tfjs has computed is fed to wgrad without leaving the device.
    const { buffer } = tf.add(theirs, 1).dataToGPU() as unknown as { buffer: GPUBuffer };
    expect([...(await program.run({ x: { buffer, size: 16 } })).y]).toEqual([16, 21, 28, 37]);

    // An error of somebody else's is not wgrad's, and the other way round.
    device.createBuffer({ size: 16, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.STORAGE, label: 'theirs' });
    expect((await program.run({ x: [0, 1, 1, 0] })).y[0]).toBe(1);
    await expect.poll(() => heard.length).toBe(1);
    const gone = device.createBuffer({ size: 16, usage: GPUBufferUsage.COPY_SRC });
    gone.destroy();
    await expect(program.run({ x: gone })).rejects.toMatchObject({ code: 'invalid-argument' });
    await product();
    expect(heard).toEqual([expect.stringContaining('theirs')]);

    await engine.dispose();
    expect([...(await product())]).toEqual([7, 10, 15, 22]);
    expect(heard).toHaveLength(1);
  } finally {
    tf.removeBackend('wgrad test');
    device.destroy();
    vi.unstubAllGlobals();
  }
});
