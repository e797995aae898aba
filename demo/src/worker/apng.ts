/**
 * Animated PNG (W3C PNG, third edition): lossless, all colours, played by every browser. The frames are PNGs whose data
 * chunks are put one behind the other.
 */
import { crc32, encodePng } from '../../../src/image/png.ts';
import type { Image } from '../../../src/image/image.ts';

const SIGNATURE = 8;
/** Milliseconds for which the last frame stays. */
const REST = 1000;

interface Chunk {
  type: string;
  data: Uint8Array;
}

function* chunksOf(png: Uint8Array): Generator<Chunk> {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  for (let at = SIGNATURE; at < png.length;) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...png.subarray(at + 4, at + 8));
    yield { type, data: png.subarray(at + 8, at + 8 + length) };
    at += 12 + length;
  }
}

function chunk(type: string, ...parts: Uint8Array[]): Uint8Array {
  const length = parts.reduce((n, part) => n + part.length, 0);
  const bytes = new Uint8Array(12 + length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, length);
  for (let i = 0; i < 4; i++) bytes[4 + i] = type.charCodeAt(i);
  let at = 8;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  view.setUint32(at, crc32(bytes.subarray(4, at)));
  return bytes;
}

const numbers = (...values: number[]): Uint8Array => {
  const bytes = new Uint8Array(4 * values.length);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => view.setUint32(4 * i, value));
  return bytes;
};

/**
 * @param frames of one size, at least one. @param delay of each, milliseconds. It plays for ever.
 */
export async function encodeApng(frames: readonly Image[], delay: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let sequence = 0;
  for (const [i, frame] of frames.entries()) {
    const png = await encodePng(frame);
    const shown = new Uint8Array(6);
    // Thousandths of a second; the frame replaces what was there.
    new DataView(shown.buffer).setUint16(0, i === frames.length - 1 ? Math.max(REST, delay) : delay);
    new DataView(shown.buffer).setUint16(2, 1000);
    const control = () => chunk('fcTL', numbers(sequence++, frame.width, frame.height, 0, 0), shown);
    for (const { type, data } of chunksOf(png)) {
      if (i === 0 && type === 'IHDR') {
        parts.push(png.subarray(0, SIGNATURE), chunk('IHDR', data), chunk('acTL', numbers(frames.length, 0)));
      }
      if (type !== 'IDAT') continue;
      parts.push(control(), i === 0 ? chunk('IDAT', data) : chunk('fdAT', numbers(sequence++), data));
    }
  }
  parts.push(chunk('IEND'));
  return new Uint8Array(await new Blob(parts as Uint8Array<ArrayBuffer>[]).arrayBuffer());
}
