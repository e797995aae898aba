/** Values that somebody has on the device: a buffer, or a part of one. */

/** A part of a buffer, in bytes. */
export interface BufferRange {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly size: number;
}

/** Undefined for what is no buffer. Known by what it can do: in Node there is no global class. */
export function rangeOf(value: unknown): BufferRange | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const given = value as GPUBuffer | GPUBufferBinding;
  if ('mapAsync' in given) return { buffer: given, offset: 0, size: given.size };
  const { buffer, offset = 0, size } = given as GPUBufferBinding;
  if (typeof buffer !== 'object' || buffer === null || !('mapAsync' in buffer)) return undefined;
  return { buffer, offset, size: size ?? buffer.size - offset };
}
