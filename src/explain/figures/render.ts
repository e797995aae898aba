/** A map in one call: on a canvas of the page, or as an SVG that stands alone. */
import { WgradError } from '../../errors.ts';
import type { Image, RgbaImage } from '../../image/image.ts';
import { resizeAndCrop } from '../../image/preprocess.ts';
import { checkPicture } from '../../model/gate.ts';
import { imageOf, preprocessOf } from '../../model/image_space.ts';
import type { Model } from '../../model/model.ts';
import type { PictureSource } from '../../model/pictures.ts';
import { short } from '../../report/numbers.ts';
import type { Attribution } from '../types.ts';
import { drawMap, type Drawing } from './draw.ts';
import type { FigureOptions } from './options.ts';
import { targetInWords } from './plots.ts';
import { gridSvg } from './svg.ts';
import { colorsInWords, errorInWords } from './words.ts';

/** Options of {@link draw} and {@link mapSvg}: how a map is drawn, and over what. */
export type DrawOptions = FigureOptions & {
  /**
   * The picture that the map is of, as `model.classify` takes it, or the values [C,H,W] that were explained. Without one
   * the map is drawn alone (`mode: 'heat'`).
   */
  over?: PictureSource | Float32Array | undefined;
  /**
   * The model that was explained: `over` is read, resized and cropped as it sees pictures. Without it `over` is pixels
   * (an `Image`, `ImageData`), of the map's proportions.
   */
  model?: Model | undefined;
  /** Stops the reading of `over` and rejects with its reason. */
  signal?: AbortSignal | undefined;
};

/** Of a page, of a Worker, or any other with the same 2D context. */
export type DrawnCanvas = HTMLCanvasElement | OffscreenCanvas;

/**
 * Draws a map on a canvas:
 *
 * ```ts
 * const map = await explain(model, await model.pixels(img), { method: 'grad-cam' });
 * await draw(canvas, map, { over: img, model, opacity: 0.5 });
 * ```
 *
 * The canvas gets the picture's extents in pixels (the map's, where it is drawn alone); its size on the page is CSS's.
 * @returns what was drawn, with the scale of its colours for a legend (`ticksOf`).
 * @throws (rejects) WgradError 'invalid-argument' (an option; a canvas without a 2D context; a picture that needs the
 *   model), 'shape' (proportions other than the map's), 'not-finite', and what reading the picture throws; the signal's
 *   reason. The canvas is then as it was.
 */
export async function draw(canvas: DrawnCanvas, map: Attribution, options: DrawOptions = {}): Promise<Drawing> {
  const { drawing } = await drawn(map, options);
  const context = canvas.getContext('2d') as CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D | null;
  if (!context) {
    throw new WgradError('invalid-argument', 'draw: the canvas gives no 2D context', {
      remedy: 'Give one that WebGL or WebGPU does not draw on, and that no Worker has',
    });
  }
  const { width, height, data } = drawing.picture;
  Object.assign(canvas, { width, height });
  const pixels = context.createImageData(width, height);
  pixels.data.set(data);
  context.putImageData(pixels, 0, 0);
  return drawing;
}

/**
 * The map as one SVG file, with what it explains, the score, the legend of its colours and its error figure as text:
 * `element.innerHTML = await mapSvg(map, { over: img, model })`.
 * @param options as of {@link draw}; `width` of the picture in px, default 224.
 * @throws (rejects) as {@link draw}.
 */
export async function mapSvg(map: Attribution, options: DrawOptions & { width?: number } = {}): Promise<string> {
  const { width, ...how } = options;
  const { drawing, mode } = await drawn(map, how);
  const what = targetInWords(map);
  const error = errorInWords(map);
  const words = drawing.scale ? colorsInWords(drawing.scale.sign, what) : colorsInWords('all', what, mode);
  const cell = { drawing, caption: [words, ...(error ? [error] : [])] };
  const row = { title: `${what}: score ${short(map.score)}`, cells: [cell] };
  const grid = { title: `${map.method}: ${what}`, columns: [{ title: map.method }], rows: [row] };
  return gridSvg(grid, width === undefined ? {} : { cell: width });
}

async function drawn(map: Attribution, { over, model, signal, ...figure }: DrawOptions) {
  const image = over === undefined ? undefined : await pictureBelow(map, over, model, signal);
  const mode = figure.mode ?? (image ? 'blended' : 'heat');
  return { drawing: drawMap(image, map, { ...figure, mode }), mode };
}

async function pictureBelow(
  { shape: [, h, w], method }: Attribution,
  over: PictureSource | Float32Array,
  model: Model | undefined,
  signal: AbortSignal | undefined,
): Promise<Image> {
  if (over instanceof Float32Array && model) {
    checkPicture(over, model.pictureShape, 'draw: the picture');
    return imageOf(model, over);
  }
  if (model) {
    const { readPicture } = await import('../../model/pictures.ts');
    const image = await readPicture(model.engine, over as PictureSource, { signal });
    const [, height, width] = model.pictureShape;
    return resizeAndCrop(image, preprocessOf(model), { width, height });
  }
  if (!isPixels(over)) {
    throw new WgradError('invalid-argument', 'draw: what the map is drawn over needs the model that sees it', {
      remedy: 'Give { over, model }, or pixels as an Image or ImageData',
    });
  }
  const { fromPixels } = await import('../../model/pictures.ts');
  const image = fromPixels(over);
  const { width, height } = image;
  // A layer's map has whole cells, and so the proportions of the picture within one of them.
  if (Math.abs(width * h - height * w) >= Math.max(width, height)) {
    throw new WgradError('shape', `draw: a picture of ${width} x ${height} under a map of ${method} of ${w} x ${h}`, {
      remedy: 'Give the picture as the model sees it: { over, model }',
    });
  }
  return image;
}

const isPixels = (value: unknown): value is Image | RgbaImage | ImageData =>
  typeof value === 'object' && value !== null && 'data' in value && 'width' in value;
