/** Pictures from disk, decoded by sharp: JPEG, PNG, WebP, GIF, TIFF and AVIF to upright 8-bit sRGB. */
import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { WgradError } from '../errors.ts';
import type { Image } from '../image/image.ts';

export interface DecodeOptions {
  /** Pictures with more pixels are refused before they are unpacked; default 100 million. */
  maxPixels?: number;
  /** For messages, where bytes are given. */
  name?: string;
}

/** Formats that hold pixels. Others that sharp may know (SVG, PDF) are programs that draw. */
const pixelFormats = ['jpeg', 'png', 'webp', 'gif', 'tiff', 'heif'];

/**
 * @param source a path, or the file's bytes. Grey, palette, 16-bit and CMYK pictures become RGB, transparency is laid
 *   on white, EXIF orientation is applied, an animation gives its first frame.
 * @throws WgradError 'file-missing'; 'image-decode' naming the file: no picture, damaged, too large.
 */
export async function decodeImage(source: string | Uint8Array, options: DecodeOptions = {}): Promise<Image> {
  const name = typeof source === 'string' ? source : (options.name ?? 'picture');
  const bytes = typeof source === 'string' ? await readPicture(source) : source;
  const fail = (reason: string, cause?: unknown) => new WgradError('image-decode', `${name}: ${reason}`, { cause });
  if (bytes.length === 0) throw fail('the file is empty');
  const limitInputPixels = options.maxPixels ?? 100e6;
  try {
    // 'error' refuses truncated files, and lets pass what decoders only warn about.
    const picture = sharp(bytes, { limitInputPixels, failOn: 'error' });
    const { format } = await picture.metadata();
    if (!pixelFormats.includes(format)) throw fail(`${format} is not a picture format that wgrad reads`);
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
    if (/pixel limit/i.test(reason)) throw fail(`more than ${limitInputPixels} pixels`, error);
    if (/unsupported image format/i.test(reason)) throw fail('not a picture', error);
    throw fail(`cannot be decoded (${reason.split('\n')[0]})`, error);
  }
}

async function readPicture(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    if (missing) throw new WgradError('file-missing', `picture ${path}: no such file`, { cause });
    throw new WgradError('image-decode', `${path}: cannot be read (${(cause as Error).message})`, { cause });
  }
}

/** Grey comes back with one channel. */
function toRgb(data: Uint8Array, channels: number): Uint8Array {
  if (channels === 3) return data;
  const out = new Uint8Array((data.length / channels) * 3);
  for (let i = 0, j = 0; j < out.length; i += channels, j += 3) {
    out[j] = data[i]!;
    out[j + 1] = data[channels > 2 ? i + 1 : i]!;
    out[j + 2] = data[channels > 2 ? i + 2 : i]!;
  }
  return out;
}
