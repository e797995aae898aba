/** What a device is, for reports. */
import type { BenchResult } from './result.ts';

const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupStorageSize',
] as const;

export function aboutAdapter(device: GPUDevice, description: string): BenchResult['adapter'] {
  const { vendor, architecture, device: name } = device.adapterInfo;
  const limits = Object.fromEntries(LIMITS.map((limit) => [limit, device.limits[limit]]));
  return { description, vendor, architecture, device: name, features: [...device.features].sort(), limits };
}
