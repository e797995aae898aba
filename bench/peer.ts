/** tfjs-webgpu on a device of its own on the same adapter, in the same process. */
import * as tf from '@tensorflow/tfjs-core';
import { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { openAdapter } from '../src/node/adapter.ts';

export async function openPeer(): Promise<typeof tf> {
  const { gpu, adapter } = await openAdapter();
  // tfjs asks whether there is WebGPU at all in the place where a page has it.
  Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true });
  const limits = adapter.limits;
  const device = await adapter.requestDevice({
    requiredLimits: {
      maxBufferSize: limits.maxBufferSize,
      maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
      maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
      maxComputeWorkgroupSizeX: limits.maxComputeWorkgroupSizeX,
      maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
    },
  });
  tf.registerBackend('webgpu', () => new WebGPUBackend(device, adapter.info));
  await tf.setBackend('webgpu');
  await tf.ready();
  if (tf.getBackend() !== 'webgpu') throw new Error(`tfjs fell back to ${tf.getBackend()}`);
  return tf;
}
