/**
 * The regions that matter most, outlined on the picture, as LIME shows them: those of the largest magnitude, of the sign
 * that is asked for; tinted where both are, red for and blue against, as everywhere; the rest shown or hidden.
 */
import { WgradError } from '../../errors.ts';
import type { Image } from '../../image/image.ts';
import { imageAndMask, markBoundaries } from '../regions.ts';
import type { Attribution, Sign } from '../types.ts';

interface RegionOptions {
  sign?: Sign | undefined;
  features: number;
  rest: 'show' | 'hide';
}

const TINT = { weight: 0.4, for: [200, 20, 40], against: [30, 80, 190] } as const;

/** @throws WgradError 'invalid-argument' for a method that has no regions; 'shape' where they are of another size. */
export function drawRegions(image: Image, a: Attribution, { sign = 'positive', features, rest }: RegionOptions): Image {
  const { regions } = a;
  if (!regions) {
    throw new WgradError('invalid-argument', `a figure: a map of ${a.method} has no regions to outline`, {
      remedy: "Choose another mode, such as 'blended', or a method that works on regions",
    });
  }
  const { mask } = imageAndMask(image, regions, {
    positiveOnly: sign === 'positive',
    negativeOnly: sign === 'negative',
    numFeatures: features,
  });
  const both = sign === 'all' || sign === 'absolute';
  const data = new Uint8ClampedArray(image.data.length);
  mask.forEach((m, i) => {
    const tint = m > 0 ? TINT.for : TINT.against;
    for (let c = 0; c < 3; c++) {
      const own = image.data[3 * i + c]!;
      if (m === 0) data[3 * i + c] = rest === 'hide' ? 0 : own;
      else data[3 * i + c] = both ? Math.round(TINT.weight * tint[c]! + (1 - TINT.weight) * own) : own;
    }
  });
  return markBoundaries({ width: image.width, height: image.height, data }, mask);
}
