/** Pictures of a map of segments: those that matter, the others hidden or coloured. */
import { WgradError } from '../errors.ts';
import { checkImage, type Color, type Image } from '../image/image.ts';
import { count, flag, nonNegative, readOptions, type OptionsOf } from '../options.ts';
import { segmentBoundaries } from './segments/labels.ts';
import type { Regions } from './types.ts';

const options = {
  positiveOnly: flag(true, 'segments that speak for the target'),
  negativeOnly: flag(false, 'segments that speak against it'),
  hideRest: flag(false, 'black where no segment is chosen'),
  numFeatures: count(5, 'segments, the largest values first'),
  minWeight: nonNegative(0, 'none with a smaller value than this'),
};

/**
 * The segments with the largest values: LIME's get_image_and_mask. Of one sign, they are shown as they are; of both,
 * those for the target are tinted green, those against it red.
 * @returns the picture, and for each pixel 1 (chosen), -1 (chosen, against the target, where both signs are) or 0.
 * @throws WgradError 'shape' where the picture is of another size; 'invalid-argument'.
 */
export function imageAndMask(
  image: Image,
  { labels, values }: Regions,
  given: OptionsOf<typeof options> = {},
): { image: Image; mask: Int8Array } {
  const resolved = readOptions('imageAndMask', options, given);
  const { negativeOnly, hideRest, numFeatures, minWeight } = resolved;
  // Asking for one sign is asking not to have the other.
  const positiveOnly = resolved.positiveOnly && !(negativeOnly && given.positiveOnly === undefined);
  if (positiveOnly && negativeOnly) {
    throw new WgradError('invalid-argument', 'imageAndMask: both positiveOnly and negativeOnly');
  }
  checkSize(image, labels);
  const byWeight = [...values.keys()]
    .filter((s) => values[s] !== 0)
    .sort((a, b) => Math.abs(values[b]!) - Math.abs(values[a]!) || a - b);
  const large = (s: number) => Math.abs(values[s]!) >= minWeight;
  const oneSign = positiveOnly || negativeOnly;
  const chosen = oneSign
    ? byWeight.filter((s) => values[s]! > 0 === positiveOnly && large(s)).slice(0, numFeatures)
    : byWeight.slice(0, numFeatures).filter(large);
  const sign = new Int8Array(values.length);
  for (const s of chosen) sign[s] = !oneSign && values[s]! < 0 ? -1 : 1;

  let brightest = 0;
  for (const v of image.data) brightest = Math.max(brightest, v);
  const data = hideRest ? new Uint8ClampedArray(image.data.length) : Uint8ClampedArray.from(image.data);
  const mask = Int8Array.from(labels, (label) => sign[label]!);
  mask.forEach((m, i) => {
    if (m === 0) return;
    data.set(image.data.subarray(3 * i, 3 * i + 3), 3 * i);
    if (!oneSign) data[3 * i + (m > 0 ? 1 : 0)] = brightest;
  });
  return { image: { width: image.width, height: image.height, data }, mask };
}

/** The picture with lines along the borders of segments, yellow by default. @throws WgradError 'shape'. */
export function markBoundaries(image: Image, labels: ArrayLike<number>, color: Color = [255, 255, 0]): Image {
  checkSize(image, labels);
  const { width, height } = image;
  const data = Uint8ClampedArray.from(image.data);
  segmentBoundaries(labels, width, height).forEach((edge, i) => edge && data.set(color, 3 * i));
  return { width, height, data };
}

function checkSize(image: Image, labels: ArrayLike<number>): void {
  checkImage(image);
  if (labels.length === image.width * image.height) return;
  throw new WgradError('shape', `${labels.length} labels for a picture of ${image.width} x ${image.height}`, {
    remedy: 'Give the picture at the size of the network: toImage of its input',
  });
}
