/** Pictures in whatever form a program has them, as a model's input. Loaded when a model first meets one. */
import type { Engine } from '../engine.ts';
import { WgradError } from '../errors.ts';
import { rangeOf } from '../gpu/buffer_range.ts';
import { decodeImage, dropAlpha, type DecodeOptions, type DrawnPicture } from '../image/decode.ts';
import { checkImage, type Image, type RgbaImage } from '../image/image.ts';
import { preprocess } from '../image/preprocess.ts';
import { receiveBytes } from '../receive.ts';
import { checkPicture } from './gate.ts';
import type { Model, ModelInput } from './model.ts';

/**
 * A picture: an address (in Node a path too), a file or its bytes, an answer of `fetch`, pixels (`ImageData`, or RGB and
 * RGBA bytes with their extents), what a page draws, or a texture of the engine's device.
 */
export type PictureSource =
  string | URL | Blob | ArrayBuffer | Uint8Array | Response | Image | RgbaImage | ImageData | DrawnPicture | GPUTexture;

/** How a picture is brought and read. */
export interface PictureOptions extends DecodeOptions {
  /** Stops the download and rejects with its reason. */
  signal?: AbortSignal | undefined;
}

const is = <T>(value: unknown, type: (new (...args: any[]) => T) | undefined): value is T =>
  type !== undefined && value instanceof type;

/**
 * The picture as the model's input [C,H,W]: resized, cropped and normalised as `model.preprocess` says. A Float32Array
 * or a buffer of the device is taken for such an input, and checked.
 * @throws WgradError 'image-decode', 'download-failed', 'shape', 'not-finite', 'invalid-argument' (no picture, or a model
 *   that does not say how pictures become its input); the signal's reason.
 */
export async function pixelsOf(
  model: Model,
  source: PictureSource | ModelInput,
  options: PictureOptions = {},
): Promise<Float32Array> {
  const shape = model.pictureShape;
  const range = rangeOf(source);
  if (source instanceof Float32Array || range) {
    const values = range ? await model.engine.readBuffer(range, options) : source;
    checkPicture(values, shape, options.name ?? 'the picture');
    return values;
  }
  const spec = model.preprocess;
  if (!spec) {
    throw new WgradError('invalid-argument', 'the model does not say how pictures become its input', {
      remedy: 'Load it with { preprocess: imagenetPreprocess } or what it was trained with, or give a Float32Array',
    });
  }
  const image = await readPicture(model.engine, source as PictureSource, options);
  return preprocess(image, spec, { width: shape[2], height: shape[1] });
}

/** The picture upright in 8-bit sRGB; transparency is laid on white. @throws as {@link pixelsOf}. */
export async function readPicture(engine: Engine, source: PictureSource, options: PictureOptions = {}): Promise<Image> {
  const { signal, maxPixels } = options;
  const decode = (file: Uint8Array | Blob, of: DecodeOptions) =>
    engine.decoder && file instanceof Uint8Array ? engine.decoder(file, of) : decodeImage(file, of);
  const named = (name: string) => ({ maxPixels, name: options.name ?? name });
  signal?.throwIfAborted();
  if (typeof source === 'string' || is(source, URL)) {
    const address = String(source);
    // Without an address to start from, plain names are files: the decoder reads those, where there are any.
    if (engine.decoder && !/^(https?|data|blob):/i.test(address)) return engine.decoder(source, named(address));
    return decode(await receiveBytes(address, { signal }), named(address.slice(0, 200)));
  }
  if (is(source, globalThis.Response)) {
    if (!source.ok) throw new WgradError('download-failed', `${source.url}: HTTP status ${source.status}`);
    return decode(new Uint8Array(await source.arrayBuffer()), named(source.url || 'picture'));
  }
  if (is(source, ArrayBuffer)) return decode(new Uint8Array(source), named('picture'));
  if (is(source, globalThis.Blob)) {
    const name = 'name' in source ? String(source.name) : 'picture';
    return decode(engine.decoder ? new Uint8Array(await source.arrayBuffer()) : source, named(name));
  }
  if (source instanceof Uint8Array) return decode(source, named('picture'));
  if (typeof source === 'object' && source !== null) {
    if ('createView' in source) return dropAlpha(await engine.readTexture(source, { signal }));
    if ('data' in source && 'width' in source) return fromPixels(source);
    if (typeof createImageBitmap === 'function') return decodeImage(source, named('picture'));
  }
  throw new WgradError('invalid-argument', `${Object.prototype.toString.call(source).slice(8, -1)} is no picture`, {
    remedy: 'Give an address, a file, its bytes, pixels, a Float32Array [C,H,W], or in a page what it draws',
  });
}

/** RGB or RGBA pixels as RGB on white. @throws WgradError 'invalid-argument'. */
export function fromPixels({ width, height, data }: Image | RgbaImage | ImageData): Image {
  const image = { width, height, data: data as Uint8ClampedArray };
  const channels = data.length === 4 * width * height ? 4 : 3;
  checkImage(image, channels);
  return channels === 4 ? dropAlpha(image) : image;
}
