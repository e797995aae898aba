/** Pictures as a page has them, to 8-bit sRGB: files by the browser's own decoder, and what it draws. */
import { WgradError } from '../errors.ts';
import type { Image, RgbaImage } from './image.ts';

/** How a picture is read. */
export interface DecodeOptions {
  /** Pictures of more pixels are refused; default 100 million. */
  maxPixels?: number | undefined;
  /** What messages call it; default: the file's name, or 'picture'. */
  name?: string | undefined;
}

/** What a page draws: an `img`, `svg` image, `video` (its present frame), canvas, bitmap or frame of a video. */
export type DrawnPicture =
  | HTMLImageElement
  | SVGImageElement
  | HTMLVideoElement
  | HTMLCanvasElement
  | OffscreenCanvas
  | ImageBitmap
  | VideoFrame;

/**
 * A picture, upright and in sRGB. Transparency is laid on white, EXIF orientation is applied, an animation gives its
 * first frame.
 * @param source a file, its bytes, or what the page draws.
 * @throws WgradError 'image-decode': no picture, damaged, too large, not loaded, or of another site that does not share it.
 */
export async function decodeImage(
  source: Blob | Uint8Array | DrawnPicture,
  options: DecodeOptions = {},
): Promise<Image> {
  const name = options.name ?? (typeof File === 'function' && source instanceof File ? source.name : 'picture');
  const fail = (reason: string, cause?: unknown, remedy?: string) =>
    new WgradError('image-decode', `${name}: ${reason}`, { cause, ...(remedy !== undefined && { remedy }) });
  if (typeof createImageBitmap !== 'function') {
    throw fail('this is no page, and has no decoder', undefined, "In Node use createEngine() and decodeImage() of 'wgrad/node'"); // prettier-ignore
  }
  const isFile = source instanceof Blob || source instanceof Uint8Array;
  if ('decode' in source) await source.decode().catch((cause: unknown) => Promise.reject(fail('the img has no picture', cause))); // prettier-ignore
  const drawn = source instanceof Uint8Array ? new Blob([source as Uint8Array<ArrayBuffer>]) : source;
  const bitmap = await createImageBitmap(drawn, { imageOrientation: 'from-image' }).catch((cause: unknown) => {
    throw fail(isFile ? 'not a picture that this browser can decode' : 'there is nothing to see in it yet', cause);
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
  } catch (cause) {
    if (!(cause instanceof DOMException) || cause.name !== 'SecurityError') throw cause;
    throw fail('it is of another site, which does not share it', cause, "Set crossOrigin = 'anonymous' before src; the site must allow it"); // prettier-ignore
  } finally {
    bitmap.close();
  }
}

/** RGBA, as canvases have it, to RGB on white. */
export function dropAlpha({ width, height, data }: RgbaImage): Image {
  const out = new Uint8ClampedArray(width * height * 3);
  for (let i = 0, j = 0; j < out.length; i += 4) {
    const opacity = data[i + 3]! / 255;
    for (let c = 0; c < 3; c++) out[j++] = data[i + c]! * opacity + 255 * (1 - opacity);
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
