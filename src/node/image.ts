/** Pictures from disk, decoded by sharp: JPEG, PNG, WebP, GIF, TIFF and AVIF to upright 8-bit sRGB. */
import type { Metadata, Sharp } from 'sharp';
import { WgradError } from '../errors.ts';
import type { Image } from '../image/image.ts';
import { pictureKind } from '../image/kinds.ts';
import { peer } from './peer.ts';
import { readWhole } from './read.ts';

/** Options of `decodeImage`. */
export interface DecodeOptions {
  /** Pictures with more pixels are refused before they are unpacked; default 100 million. */
  maxPixels?: number | undefined;
  /** For messages, where bytes are given. */
  name?: string | undefined;
}

export const decodeDefaults = { maxPixels: 100e6 } as const;

/** Formats that hold pixels. Others that sharp may know (SVG, PDF) are programs that draw. */
const pixelFormats = ['jpeg', 'png', 'webp', 'gif', 'tiff', 'heif'];

/**
 * @param source a path, or the file's bytes. Grey, palette, 16-bit and CMYK pictures become RGB, transparency is laid
 *   on white, EXIF orientation is applied, an animation gives its first frame. TIFFs of floats hold 0 to 1 for black to
 *   white, as those that NumPy's tools write.
 * @throws WgradError 'file-missing'; 'image-decode' naming the file: no picture, of a kind that is not read, damaged, of
 *   more pixels than the budget; 'package-missing' without sharp.
 */
export async function decodeImage(source: string | Uint8Array, options: DecodeOptions = {}): Promise<Image> {
  const path = typeof source === 'string' ? source : undefined;
  const name = path ?? options.name ?? 'picture';
  const bytes = typeof source === 'string' ? await readWhole(source, { code: 'image-decode' }) : source;
  const fail: Fail = (reason, cause, remedy) =>
    new WgradError('image-decode', `${name}: ${reason}`, { cause, ...(remedy !== undefined && { remedy }) });
  if (bytes.length === 0) throw fail('the file is empty');
  const limitInputPixels = options.maxPixels ?? decodeDefaults.maxPixels;
  if (!Number.isSafeInteger(limitInputPixels) || limitInputPixels < 1) {
    throw new WgradError(
      'invalid-argument',
      `maxPixels is ${limitInputPixels}; a whole number of at least 1 is needed`,
    );
  }
  const kind = pictureKind(bytes);
  if (kind && !kind.decodable) {
    throw fail(`${kind.name} pictures are not read`, undefined, 'Save it as PNG or JPEG');
  }
  const { default: sharp } = await peer('sharp', () => import('sharp'), 'decoding pictures');
  try {
    // 'error' refuses truncated files, and lets pass what decoders only warn about.
    const picture = sharp(bytes, { limitInputPixels, failOn: 'error' });
    const metadata = await picture.metadata();
    const { format, depth } = metadata;
    if (!pixelFormats.includes(format)) throw fail(`${format} is not a picture format that wgrad reads`);
    if (depth === 'float' || depth === 'double') return await decodeFloats(picture, metadata, fail);
    if (depth !== 'uchar' && depth !== 'ushort') {
      throw fail(
        `its values are ${depth}, whose black and white are not known`,
        undefined,
        'Save it with 8 or 16 bits',
      );
    }
    const { data, info } = await picture
      .autoOrient()
      .flatten({ background: '#ffffff' })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, data: toRgb(data, info.channels) };
  } catch (error) {
    if (error instanceof WgradError) throw error;
    const reason = (error as Error).message;
    if (/pixel limit/i.test(reason)) {
      throw fail(`more than ${limitInputPixels} pixels`, error, 'Make it smaller, or raise maxPixels');
    }
    if (/unsupported image format/i.test(reason)) throw fail('not a picture', error);
    throw fail(`cannot be decoded (${reason.split('\n')[0]})`, error);
  }
}

type Fail = (reason: string, cause?: unknown, remedy?: string) => WgradError;

/** Values as they are stored: the decoder itself takes colours of floats for linear light, and greys for 0 to 255. */
async function decodeFloats(picture: Sharp, { space }: Metadata, fail: Fail): Promise<Image> {
  const { data, info } = await picture
    .autoOrient()
    .pipelineColourspace(space)
    .toColourspace(space)
    .raw({ depth: 'float' })
    .toBuffer({ resolveWithObject: true });
  const values = new Float32Array(data.buffer, data.byteOffset, data.byteLength / 4);
  let [low, high] = [Infinity, -Infinity];
  for (const v of values) {
    if (!Number.isFinite(v)) throw fail('it holds NaN or infinity');
    [low, high] = [Math.min(low, v), Math.max(high, v)];
  }
  if (low < 0 || high > 1) {
    throw fail(
      `its values go from ${low} to ${high}`,
      undefined,
      'Scale a picture of floats to 0 for black and 1 for white',
    );
  }
  const { channels } = info;
  const alpha = channels === 2 || channels === 4;
  const out = new Uint8ClampedArray(info.width * info.height * channels);
  for (let i = 0; i < out.length; i++) {
    const opacity = alpha ? values[i - (i % channels) + channels - 1]! : 1;
    out[i] = 255 * (values[i]! * opacity + 1 - opacity);
  }
  return { width: info.width, height: info.height, data: toRgb(out, channels) };
}

/** Grey comes back with one channel. */
function toRgb(data: Uint8Array | Uint8ClampedArray, channels: number): Uint8Array | Uint8ClampedArray {
  if (channels === 3) return data;
  const out = new Uint8Array((data.length / channels) * 3);
  for (let i = 0, j = 0; j < out.length; i += channels, j += 3) {
    out[j] = data[i]!;
    out[j + 1] = data[channels > 2 ? i + 1 : i]!;
    out[j + 2] = data[channels > 2 ? i + 2 : i]!;
  }
  return out;
}
