/** What a device is, and a contestant, for reports. */
import type { Contestant } from './case.ts';
import type { BenchResult, ContestantInfo } from './result.ts';

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

export const aboutContestant = ({ name, version, backend, context }: Contestant): ContestantInfo =>
  context === undefined ? { name, version, backend } : { name, version, backend, context };
