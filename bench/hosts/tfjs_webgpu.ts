/** tfjs's WebGPU backend on devices of our choice, with the limits that it asks for itself. */
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import type { Tfjs } from '../contestants/tfjs/layers.ts';

const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupStorageSize',
  'maxComputeWorkgroupsPerDimension',
] as const;

export async function gpuBackend(tf: Tfjs, Backend: typeof WebGPUBackend, open: () => Promise<GPUAdapter>) {
  const make = async () => {
    const adapter = await open();
    const requiredLimits = Object.fromEntries(LIMITS.map((name) => [name, adapter.limits[name]]));
    const device = await adapter.requestDevice({ requiredLimits });
    return { device, backend: new Backend(device, adapter.info) };
  };
  const { device, backend } = await make();
  // Its module registers one that asks for a device of its own.
  if (tf.engine().registryFactory['webgpu']) tf.removeBackend('webgpu');
  tf.registerBackend('webgpu', () => backend);
  await tf.setBackend('webgpu');
  await tf.ready();
  return {
    queue: device.queue,
    async another(name: string) {
      const { device, backend } = await make();
      tf.copyRegisteredKernels('webgpu', name);
      tf.registerBackend(name, () => backend);
      await tf.setBackend(name);
      return () => {
        for (const kernel of tf.getKernelsForBackend(name)) tf.unregisterKernel(kernel.kernelName, name);
        tf.removeBackend(name);
        device.destroy();
      };
    },
  };
}
