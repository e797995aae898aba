/** One submission whose results come back to the host. */
import type { Device } from './device.ts';

/**
 * Encodes, submits, and hands `take` what was copied for it once the GPU is done.
 *
 * @param encode returns the mappable buffer into which it copied the results; undefined where nothing comes back, and
 *   only the end of the work is waited for.
 * @throws (rejects; the buffer is then of no more use) WgradError 'out-of-memory', 'kernel-invalid', 'device-lost': of this submission only.
 */
export async function submitAndRead<T>(
  device: Device,
  what: string,
  encode: (encoder: GPUCommandEncoder) => GPUBuffer | undefined,
  take: (mapped: ArrayBuffer) => T,
): Promise<T> {
  device.checkAlive();
  const { gpu } = device;
  let staging: GPUBuffer | undefined;
  const [done, accepted] = device.scoped(what, () => {
    const encoder = gpu.createCommandEncoder();
    staging = encode(encoder);
    gpu.queue.submit([encoder.finish()]);
    return staging ? device.map(staging) : device.whileAlive(gpu.queue.onSubmittedWorkDone());
  });
  // A refused submission may have the mapping refused as well, and is the reason for it.
  done.catch(() => undefined);
  await accepted;
  await done;
  device.checkAlive();
  try {
    return take(staging ? staging.getMappedRange() : new ArrayBuffer(0));
  } finally {
    staging?.unmap();
  }
}
