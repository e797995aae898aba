/** Superpixels: which parts of a picture belong together, by the four ways that LIME and its kin use. */
import { WgradError } from '../../errors.ts';
import type { Image } from '../../image/image.ts';
import { choice, count, custom, floats, nonNegative, positive, readOptions, whole } from '../../options.ts';
import type { OptionsOf, ResolvedOptions } from '../../options.ts';
import { Pace } from '../../pace.ts';
import { felzenszwalb } from './felzenszwalb.ts';
import { checkColors, colorsOf, type Colors } from './picture.ts';
import { quickshift } from './quickshift.ts';
import { slic } from './slic.ts';

/** Names and defaults: quickshift's are those of LIME for pictures, the others' those of scikit-image. */
const defaults = {
  quickshift: { kernelSize: 4, maxDistance: 200, ratio: 0.2, sigma: 0, segmentSeed: 0, noise: undefined },
  slic: { segmentCount: 100, compactness: 10, sigma: 0 },
  felzenszwalb: { scale: 1, sigma: 0.8, minSize: 20 },
  grid: { cells: 8 },
} as const;

/** Name of a way to cut a picture into segments. */
export type Segmentation = keyof typeof defaults;
/** All names of {@link Segmentation}. */
export const segmentations = Object.keys(defaults) as Segmentation[];

const wayOptions = {
  segmentation: choice(segmentations, 'quickshift', 'how the picture is cut into segments'),
  kernelSize: positive(undefined, 'quickshift: width of its density kernel, pixels (default 4)'),
  maxDistance: positive(undefined, 'quickshift: longest link, larger makes fewer segments (default 200)'),
  ratio: positive(undefined, 'quickshift: weight of colour against place (default 0.2)'),
  segmentSeed: whole(undefined, 'quickshift: of the noise that breaks ties (default 0)'),
  noise: floats('quickshift: that noise itself, [H,W]'),
  segmentCount: count(undefined, 'slic: about how many segments (default 100)'),
  compactness: positive(undefined, 'slic: weight of place against colour (default 10)'),
  scale: positive(undefined, 'felzenszwalb: larger makes larger segments (default 1)'),
  minSize: count(undefined, 'felzenszwalb: pixels of the smallest segment (default 20)'),
  sigma: nonNegative(undefined, 'blur before, pixels (default 0; felzenszwalb 0.8)'),
  cells: count(undefined, 'grid: cells along each side (default 8)'),
};

/** Of every method that works on segments. One that the chosen way does not know is an error. */
export const segmentOptions = {
  ...wayOptions,
  labels: custom<Int32Array>(
    "the segments themselves, each pixel's from 0 without gaps, [H,W]",
    'an Int32Array',
    (v) => v instanceof Int32Array,
  ),
};

/** How a picture is cut into segments, and the settings of that way. */
export type SegmentOptions = OptionsOf<typeof wayOptions>;

/** What of {@link segmentOptions} was given. */
export type GivenSegments = Partial<ResolvedOptions<typeof segmentOptions>>;

/**
 * Cuts a picture into segments, off the main turn of events: pages stay alive meanwhile.
 * @returns the segment of each pixel, [H,W], numbered from 0 without gaps.
 * @throws WgradError 'invalid-argument', 'shape', 'not-finite'; the signal's reason.
 */
export async function segment(
  image: Image,
  options: SegmentOptions = {},
  control: { signal?: AbortSignal | undefined } = {},
): Promise<Int32Array> {
  return segmentColors(colorsOf(image), readOptions('segment', wayOptions, options), control);
}

/** The same of colours from 0 to 1, with options that were read. */
export async function segmentColors(
  picture: Colors,
  given: GivenSegments,
  { signal }: { signal?: AbortSignal | undefined },
): Promise<Int32Array> {
  checkColors(picture);
  const name = given.segmentation ?? 'quickshift';
  return ways[name](picture, given, new Pace(signal));
}

type Way = (picture: Colors, given: GivenSegments, pace: Pace) => Promise<Int32Array>;

const ways: Record<Segmentation, Way> = {
  quickshift(picture, given, pace) {
    const { segmentSeed, noise, ...options } = settled('quickshift', given);
    if (noise && noise.length !== picture.width * picture.height) {
      throw new WgradError('shape', `quickshift: ${noise.length} values of noise for ${picture.width} x ${picture.height} pixels`); // prettier-ignore
    }
    return quickshift(picture, { ...options, noise, seed: segmentSeed }, pace);
  },
  slic(picture, given, pace) {
    const { segmentCount: segments, ...options } = settled('slic', given);
    return slic(picture, { ...options, segments }, pace);
  },
  felzenszwalb: (picture, given, pace) => felzenszwalb(picture, settled('felzenszwalb', given), pace),
  // A picture smaller than the grid has a cell a pixel.
  async grid({ width, height }, given) {
    const { cells } = settled('grid', given);
    const [rows, columns] = [Math.min(cells, height), Math.min(cells, width)];
    return Int32Array.from({ length: width * height }, (_, i) => {
      const [y, x] = [Math.floor(i / width), i % width];
      return Math.floor((y * rows) / height) * columns + Math.floor((x * columns) / width);
    });
  },
};

type Numbers<T> = { -readonly [K in keyof T]: T[K] extends number ? number : Float32Array | undefined };

/** The way's own options, with its defaults. @throws WgradError 'invalid-argument' for another way's. */
function settled<W extends Segmentation>(way: W, given: GivenSegments): Numbers<(typeof defaults)[W]> {
  const own = defaults[way];
  checkUnused(way, given, Object.keys(own));
  const entries = Object.entries(own).map(([name, value]) => [name, given[name as keyof GivenSegments] ?? value]);
  return Object.fromEntries(entries) as Numbers<(typeof defaults)[W]>;
}

/** Nothing but `own` options of segmentations may be given. @throws WgradError 'invalid-argument'. */
export function checkUnused(what: string, given: GivenSegments, own: readonly string[] = []): void {
  const names = Object.keys(wayOptions).filter((name) => name !== 'segmentation' && !own.includes(name));
  const unused = names.find((name) => given[name as keyof GivenSegments] !== undefined);
  if (unused === undefined) return;
  const remedy = own.length > 0 ? `Its options are: ${own.join(', ')}` : 'Given labels are taken as they are';
  throw new WgradError('invalid-argument', `${what} has no use for '${unused}'`, { remedy });
}
