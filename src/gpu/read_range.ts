/** Reading what somebody has on the device. */
import { WgradError } from '../errors.ts';
import type { BufferRange } from './buffer_range.ts';
import { GPU_USAGE, type Device } from './device.ts';
import { submitAndRead } from './readback.ts';

/** @throws WgradError 'invalid-argument' for what the device could not copy from. */
export function checkReadable({ buffer, offset, size }: BufferRange, what: string): void {
  const refuse = (why: string, remedy: string) =>
    new WgradError('invalid-argument', `${what}: the buffer ${buffer.label || '(no label)'} ${why}`, { remedy });
  if (!(buffer.usage & GPU_USAGE.COPY_SRC)) throw refuse('cannot be copied', 'Create it with GPUBufferUsage.COPY_SRC');
  if (buffer.mapState !== 'unmapped') throw refuse(`is ${buffer.mapState}`, 'Call unmap() first');
  if (!isWhole(offset) || !isWhole(size) || size === 0 || offset + size > buffer.size) {
    throw refuse(`has no ${size} bytes at ${offset}; it has ${buffer.size} in all`, 'Both are multiples of 4');
  }
}

const isWhole = (n: number) => Number.isInteger(n) && n >= 0 && n % 4 === 0;

/** What the device's refusal of somebody's buffer means. */
export function unreadable(error: Error): Error {
  if (!(error instanceof WgradError) || error.code !== 'kernel-invalid') return error;
  return new WgradError('invalid-argument', `a buffer that was given cannot be read: ${error.message}`, {
    remedy: 'It must be of engine.gpuDevice, not destroyed, and stay unmapped until the call is over',
    cause: error,
  });
}

/**
 * Its bytes as `take` makes them of a copy on the host.
 * @throws (rejects) WgradError 'kernel-invalid' where it is of another device, 'out-of-memory', 'device-lost'.
 */
export async function readRange<T>(
  device: Device,
  what: string,
  { buffer, offset, size }: BufferRange,
  take: (mapped: ArrayBuffer) => T,
): Promise<T> {
  device.checkAlive();
  const { COPY_DST, MAP_READ } = GPU_USAGE;
  const [staging, allocated] = device.scoped(what, () => device.createBuffer(size, COPY_DST | MAP_READ, what));
  const copy = (encoder: GPUCommandEncoder) => {
    encoder.copyBufferToBuffer(buffer, offset, staging, 0, size);
    return staging;
  };
  try {
    const [value] = await Promise.all([submitAndRead(device, what, copy, take), allocated]);
    return value;
  } finally {
    device.destroyBuffer(staging);
  }
}
