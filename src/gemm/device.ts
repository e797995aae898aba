/** What of a device the choice of kernels depends on. */
import type { Device } from '../gpu/device.ts';
import type { GemmDevice } from './family.ts';

/** Adapters that compute on the CPU, by the names that they go by; browsers mark theirs as fallback too. */
const onTheCpu = /swiftshader|llvmpipe|lavapipe|basic render|software/i;

export function gemmDevice({ info, gpu, limits }: Pick<Device, 'info' | 'gpu' | 'limits'>): GemmDevice {
  // Not all implementations have these members yet.
  const { subgroupMinSize = 0, subgroupMaxSize = 0, isFallbackAdapter = false } = info as Partial<GPUAdapterInfo>;
  const known = gpu.features.has('subgroups') && subgroupMinSize === subgroupMaxSize;
  const names = `${info.vendor} ${info.architecture} ${info.device} ${info.description}`;
  return { limits, subgroup: known ? subgroupMinSize : 0, software: isFallbackAdapter || onTheCpu.test(names) };
}
