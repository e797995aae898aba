/**
 * The regions that matter most, outlined on the picture, as LIME shows them: those of the largest magnitude, of the signs
 * that are asked for; tinted where both are, red for and blue against; the rest shown or hidden.
 */
import { WgradError } from '../../errors.ts';
import type { Image, RgbaImage } from '../../image/image.ts';
import type { Attribution, Sign } from '../types.ts';

interface RegionOptions {
  sign?: Sign | undefined;
  features: number;
  rest: 'show' | 'hide';
}

const wanted: Readonly<Record<Sign, (v: number) => boolean>> = {
  all: (v) => v !== 0,
  absolute: (v) => v !== 0,
  positive: (v) => v > 0,
  negative: (v) => v < 0,
};

/** Seen on nearly every picture, and no colour of the scales. */
const OUTLINE = [255, 235, 0] as const;
const TINT = { weight: 0.35, for: [200, 20, 40], against: [30, 80, 190] } as const;

/** The regions to show: numbers of the largest magnitude first. */
export function strongest(values: ArrayLike<number>, sign: Sign, features: number): number[] {
  return Array.from(values, (v, region) => ({ v, region }))
    .filter(({ v }) => wanted[sign](v))
    .sort((a, b) => Math.abs(b.v) - Math.abs(a.v) || a.region - b.region)
    .slice(0, features)
    .map(({ region }) => region);
}

/** Pixels of the chosen regions beside one that is not of the same region: the outline lies inside. */
function isOutline(labels: Int32Array, width: number, i: number): boolean {
  const x = i % width;
  const differs = (j: number) => labels[j] !== undefined && labels[j] !== labels[i];
  return (x > 0 && differs(i - 1)) || (x < width - 1 && differs(i + 1)) || differs(i - width) || differs(i + width);
}

/** @throws WgradError 'invalid-argument' for a method that has no regions; 'shape' where they are of another size. */
export function drawRegions(image: Image, a: Attribution, options: RegionOptions): RgbaImage {
  const { regions } = a;
  const { width, height } = image;
  if (!regions) {
    throw new WgradError('invalid-argument', `a figure: a map of ${a.method} has no regions to outline`, {
      remedy: "Choose another mode, such as 'blended', or a method that works on regions",
    });
  }
  const { labels, values } = regions;
  if (labels.length !== width * height) {
    throw new WgradError('shape', `a figure: ${labels.length} labels of regions for ${width} x ${height} pixels`);
  }
  const { sign = 'positive', features, rest } = options;
  const chosen = new Set(strongest(values, sign, features));
  const both = sign === 'all' || sign === 'absolute';
  const data = new Uint8ClampedArray(4 * width * height);
  for (let i = 0; i < width * height; i++) {
    const label = labels[i]!;
    const inside = chosen.has(label);
    const tint = values[label]! > 0 ? TINT.for : TINT.against;
    for (let c = 0; c < 3; c++) {
      const own = image.data[3 * i + c]!;
      if (!inside) data[4 * i + c] = rest === 'hide' ? 0 : own;
      else if (isOutline(labels, width, i)) data[4 * i + c] = OUTLINE[c]!;
      else data[4 * i + c] = both ? Math.round(TINT.weight * tint[c]! + (1 - TINT.weight) * own) : own;
    }
    data[4 * i + 3] = 255;
  }
  return { width, height, data };
}
