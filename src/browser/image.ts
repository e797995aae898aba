/** Pictures in a page, decoded by the browser to upright 8-bit sRGB. */
import { WgradError } from '../errors.ts';
import type { Image } from '../image/image.ts';

export interface DecodeOptions {
  /** Default 100 million. The browser has its own limit while it unpacks. */
  maxPixels?: number;
  /** For messages. */
  name?: string;
}

/**
 * @param source a file or its bytes. Transparency is laid on white, EXIF orientation is applied, an animation gives
 *   its first frame.
 * @throws WgradError 'image-decode': no picture, damaged, too large.
 */
export async function decodeImage(source: Blob | Uint8Array, options: DecodeOptions = {}): Promise<Image> {
  const name = options.name ?? (source instanceof File ? source.name : 'picture');
  const fail = (reason: string, cause?: unknown) => new WgradError('image-decode', `${name}: ${reason}`, { cause });
  const blob = source instanceof Blob ? source : new Blob([source as Uint8Array<ArrayBuffer>]);
  const bitmap = await createImageBitmap(blob, { imageOrientation: 'from-image' }).catch((cause: unknown) => {
    throw fail('not a picture that this browser can decode', cause);
  });
  try {
    const { width, height } = bitmap;
    const maxPixels = options.maxPixels ?? 100e6;
    if (width * height > maxPixels) throw fail(`${width} x ${height} is more than ${maxPixels} pixels`);
    const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
    if (!context) throw fail('this browser gives no 2D canvas');
    context.fillStyle = '#ffffff';
    context.fillRect(0, 0, width, height);
    context.drawImage(bitmap, 0, 0);
    return dropAlpha(context.getImageData(0, 0, width, height));
  } finally {
    bitmap.close();
  }
}

/** RGBA, as canvases have it, to RGB. */
export function dropAlpha({ width, height, data }: { width: number; height: number; data: Uint8ClampedArray }): Image {
  const out = new Uint8ClampedArray(width * height * 3);
  for (let i = 0, j = 0; j < out.length; i += 4, j += 3) {
    out[j] = data[i]!;
    out[j + 1] = data[i + 1]!;
    out[j + 2] = data[i + 2]!;
  }
  return { width, height, data: out };
}

/** RGB to what a canvas takes. */
export function toImageData(image: Image): ImageData {
  const out = new Uint8ClampedArray(image.width * image.height * 4).fill(255);
  for (let i = 0, j = 0; j < image.data.length; i += 4, j += 3) {
    out[i] = image.data[j]!;
    out[i + 1] = image.data[j + 1]!;
    out[i + 2] = image.data[j + 2]!;
  }
  return new ImageData(out, image.width, image.height);
}
