/** The segments of a model's picture, for the methods that hide and show them. */
import { WgradError } from '../../errors.ts';
import type { Model } from '../../model/model.ts';
import { checkUnused, segmentColors, type GivenSegments } from './index.ts';
import { countSegments } from './labels.ts';
import type { Colors } from './picture.ts';

export interface Segments {
  /** [H*W] */
  labels: Int32Array;
  count: number;
}

/**
 * The given labels, or those of a segmentation of the picture [C,H,W] in the model's input space.
 * @throws WgradError as {@link segmentColors}; 'invalid-argument' where there are fewer than
 * two segments.
 */
export async function segmentsOf(
  what: string,
  model: Model,
  pixels: Float32Array,
  given: GivenSegments,
  signal?: AbortSignal,
): Promise<Segments> {
  const labels = given.labels ?? (await segmentColors(colorsFor(what, model, pixels, given), given, { signal }));
  if (given.labels) checkUnused(what, given);
  const [, h, w] = model.pictureShape;
  return { labels, count: countSegments(labels, h * w, what) };
}

/** A grid goes by no colours: it cuts any picture. */
function colorsFor(what: string, model: Model, pixels: Float32Array, { segmentation }: GivenSegments): Colors {
  const [, height, width] = model.pictureShape;
  if (segmentation === 'grid') return { width, height, data: new Float64Array(3 * width * height) };
  return colorsOf(what, model, pixels);
}

/**
 * The picture as it was before it became input: 8-bit RGB from 0 to 1. Where the model does not say how pictures become
 * input, its values between their extremes.
 */
export function colorsOf(what: string, { pictureShape, preprocess }: Model, pixels: Float32Array): Colors {
  const [channels, height, width] = pictureShape;
  if (channels !== 1 && channels !== 3) {
    throw new WgradError('invalid-argument', `${what}: a picture of ${channels} channels has no colours to go by`, {
      remedy: "Give the segments themselves, as 'labels', or segmentation: 'grid'",
    });
  }
  let [low, high] = [Infinity, -Infinity];
  for (const v of pixels) [low, high] = [Math.min(low, v), Math.max(high, v)];
  const plain = { mean: [low], std: [high > low ? high - low : 1] };
  const { mean, std } = preprocess ?? plain;
  const area = width * height;
  const data = Float64Array.from({ length: 3 * area }, (_, i) => {
    const c = channels === 1 ? 0 : i % 3;
    const inverted = pixels[c * area + Math.floor(i / 3)]! * (std[c] ?? std[0]!) + (mean[c] ?? mean[0]!);
    return Math.round(255 * Math.min(1, Math.max(0, inverted))) / 255;
  });
  return { width, height, data };
}
