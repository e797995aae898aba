/** Whether a plan fits the device: known before anything is uploaded or compiled, and said with the batch that would. */
import { WgradError } from '../errors.ts';
import type { Device } from '../gpu/device.ts';
import type { Plan } from './plan.ts';

/**
 * @throws WgradError 'limit-exceeded' where one buffer is larger than the device's buffers may be, 'out-of-memory' where
 *   all of them together are more than the engine may take; both name the bytes and a batch that fits.
 */
export function requireRoom(plan: Plan, device: Device): void {
  const { plannedBytes, inputBytes, staticBytes } = plan.stats;
  const resultBytes = [...plan.outputs.values()].reduce((n, { tensor }) => n + 4 * tensor.size, 0);
  const bytes = plannedBytes + inputBytes + staticBytes + resultBytes;
  const what = `the program needs ${megabytes(bytes)} beside its variables (${megabytes(plannedBytes)} of them intermediates)`;

  const { maxStorageBufferBindingSize, maxBufferSize } = device.limits;
  const limit = maxStorageBufferBindingSize < maxBufferSize ? 'maxStorageBufferBindingSize' : 'maxBufferSize';
  const most = device.limits[limit];
  const largest = plan.regions.reduce((a, b) => (a.bytes < b.bytes ? b : a), { bytes: 0, label: '' });
  if (largest.bytes > most) {
    const one = `${largest.label} alone ${megabytes(largest.bytes)}, the adapter's ${limit} is ${megabytes(most)}`;
    throw new WgradError('limit-exceeded', `${what}: ${one}`, { remedy: remedy(plan, most / largest.bytes) });
  }

  const free = device.most - device.memory.bytes;
  if (bytes > free) {
    const have = `the engine may take ${megabytes(device.most)}, of which ${megabytes(free)} are free`;
    throw new WgradError('out-of-memory', `${what}: ${have}`, { remedy: remedy(plan, free / bytes) });
  }
}

/** @param share of the present bytes that there is room for; they grow with the batch. */
function remedy({ inputs }: Plan, share: number): string {
  const batch = Math.max(1, ...[...inputs.values()].map(({ tensor }) => (tensor.rank > 1 ? tensor.shape[0]! : 1)));
  const fits = Math.floor(batch * share);
  return fits >= 1 ? `A batch of ${fits} fits, one of ${batch} does not` : 'Use a smaller picture or model';
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(bytes < 1e8 ? 1 : 0)} MB`;
