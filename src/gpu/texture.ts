/** Pixels of a texture that somebody else has drawn on the device. */
import { WgradError } from '../errors.ts';
import { GPU_USAGE, type Device } from './device.ts';
import { submitAndRead } from './readback.ts';

/** 8-bit RGBA, rows top to bottom. */
export interface TexturePixels {
  width: number;
  height: number;
  data: Uint8ClampedArray;
}

const FORMATS = ['rgba8unorm', 'rgba8unorm-srgb', 'bgra8unorm', 'bgra8unorm-srgb'];

/** GPUTextureUsage.COPY_SRC; the global exists only in pages. */
const COPY_SRC = 1;

/** WebGPU copies rows of textures in steps of so many bytes. */
const ROW_STEP = 256;

/**
 * @throws WgradError 'invalid-argument' for a texture that cannot be copied or has other texels than four bytes;
 *   'kernel-invalid' where it is of another device; 'out-of-memory', 'device-lost'.
 */
export async function readTexture(device: Device, texture: GPUTexture): Promise<TexturePixels> {
  const { width, height, format, usage } = texture;
  const refuse = (why: string, remedy: string) =>
    new WgradError('invalid-argument', `texture ${texture.label || '(no label)'}: ${why}`, { remedy });
  if (!FORMATS.includes(format) || texture.dimension !== '2d' || texture.sampleCount > 1) {
    throw refuse(`${texture.dimension}, ${format}, ${texture.sampleCount} samples`, `Give a plain 2d one of ${FORMATS.join(', ')}`); // prettier-ignore
  }
  if (!(usage & COPY_SRC)) throw refuse('it cannot be copied', 'Create it with GPUTextureUsage.COPY_SRC');
  const bytesPerRow = Math.ceil((4 * width) / ROW_STEP) * ROW_STEP;
  const { COPY_DST, MAP_READ } = GPU_USAGE;
  const what = 'a read of a texture';
  const [staging, allocated] = device.scoped(what, () =>
    device.createBuffer(bytesPerRow * height, COPY_DST | MAP_READ, what),
  );
  const copy = (encoder: GPUCommandEncoder) => {
    encoder.copyTextureToBuffer({ texture }, { buffer: staging, bytesPerRow }, [width, height]);
    return staging;
  };
  const take = (mapped: ArrayBuffer) => {
    const data = new Uint8ClampedArray(4 * width * height);
    for (let y = 0; y < height; y++) data.set(new Uint8Array(mapped, y * bytesPerRow, 4 * width), y * 4 * width);
    return data;
  };
  try {
    const [data] = await Promise.all([submitAndRead(device, what, copy, take), allocated]);
    if (format.startsWith('bgra')) {
      for (let i = 0; i < data.length; i += 4) [data[i], data[i + 2]] = [data[i + 2]!, data[i]!];
    }
    return { width, height, data };
  } finally {
    device.destroyBuffer(staging);
  }
}
