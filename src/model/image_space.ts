/** Between pictures and a model's input space: which preprocessing holds, and how an input looks. */
import type { Image } from '../image/image.ts';
import { toImage } from '../image/preprocess.ts';
import { plainPixels, type Preprocess } from '../image/preprocess_spec.ts';
import type { Model } from './model.ts';

/** The model's own preprocessing, or pixel values in [0, 1] as they are where its file does not say. */
export const preprocessOf = (model: Model): Preprocess => model.preprocess ?? plainPixels(model.pictureShape[0]);

/** An input [C,H,W] of the size of {@link Model.pictureShape} as 8-bit RGB. */
export function imageOf(model: Model, input: Float32Array): Image {
  const [, height, width] = model.pictureShape;
  return toImage(input, { width, height }, preprocessOf(model));
}
