/**
 * TFRecord framing, little-endian: u64 length, masked CRC-32C of those 8 bytes, the data, masked CRC-32C of the data.
 * CRC-32C (Castagnoli): reflected polynomial 0x82F63B78, start and final XOR 0xFFFFFFFF. Source: tensorflow,
 * core/lib/io/record_writer.h and core/lib/hash/crc32c.h.
 */

const table = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0x82f63b78 ^ (n >>> 1) : n >>> 1;
  return n >>> 0;
});

export function crc32c(bytes: Uint8Array): number {
  let c = 0xffffffff;
  for (const b of bytes) c = table[(c ^ b) & 255]! ^ (c >>> 8);
  return ~c >>> 0;
}

/** The form in which a CRC is stored beside the data that it is of. */
export function maskedCrc32c(bytes: Uint8Array): number {
  const c = crc32c(bytes);
  return (((c >>> 15) | (c << 17)) + 0xa282ead8) >>> 0;
}

export function record(data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(data.length + 16);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc32c(bytes.subarray(0, 8)), true);
  bytes.set(data, 12);
  view.setUint32(12 + data.length, maskedCrc32c(data), true);
  return bytes;
}
