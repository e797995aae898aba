/**
 * A map as a picture. With s in [0, 1] the strength of a pixel's value on the scale, colour(v) that of the colour map,
 * and grey the picture's brightness (Captum's modes; LIME's outlines are in regions.ts):
 *
 *   blended   opacity colour(v) + (1 - opacity) grey
 *   heat      colour(v)
 *   masked    s picture
 *   alpha     picture with the opacity s
 *   original  picture
 */
import { WgradError } from '../../errors.ts';
import { colorAt } from '../../image/colormap.ts';
import { checkImage, luma, type Image, type RgbaImage } from '../../image/image.ts';
import { readOptions } from '../../options.ts';
import type { Attribution } from '../types.ts';
import { figureOptions, type FigureMode, type FigureOptions } from './options.ts';
import { drawRegions } from './regions.ts';
import { position, scaleOf, strength, valuesOf, type Scale } from './values.ts';

/** A drawn map, with the scale of its colours. */
export interface Drawing {
  picture: RgbaImage;
  /** What the colours stand for; absent where none are drawn. */
  scale?: Scale;
}

interface Pixel {
  /** The picture's own bytes, and their brightness. */
  rgb: ArrayLike<number>;
  grey: number;
  value: number;
  scale: Scale;
  opacity: number;
}

/** Red, green, blue and opacity, 0 to 255; the array rounds. */
type Paint = (p: Pixel) => readonly [number, number, number, number];

const times = (k: number, rgb: ArrayLike<number>) => [k * rgb[0]!, k * rgb[1]!, k * rgb[2]!] as const;

const paints: Readonly<Record<Exclude<FigureMode, 'regions'>, Paint>> = {
  blended: ({ value, scale, grey, opacity }) => {
    const color = colorAt(scale.colors, position(value, scale));
    const mix = (c: number) => opacity * c + (1 - opacity) * grey;
    return [mix(color[0]), mix(color[1]), mix(color[2]), 255];
  },
  heat: ({ value, scale }) => [...colorAt(scale.colors, position(value, scale)), 255],
  masked: ({ value, scale, rgb }) => [...times(Math.abs(strength(value, scale)), rgb), 255],
  alpha: ({ value, scale, rgb }) => [...times(1, rgb), 255 * Math.abs(strength(value, scale))],
  original: ({ rgb }) => [...times(1, rgb), 255],
};

/** Modes whose colours are those of the scale. */
const coloured: readonly FigureMode[] = ['blended', 'heat'];

/**
 * @param image the picture that the map is of; undefined where only the map is at hand: then the mode must be 'heat'.
 * @param given see {@link figureOptions}; `scale`, where several maps share one (`scaleOf`).
 * @throws WgradError 'invalid-argument' (an option; 'regions' of a map that has none), 'not-finite'.
 */
export function drawMap(
  image: Image | undefined,
  a: Attribution,
  { scale: shared, ...given }: FigureOptions & { scale?: Scale | undefined } = {},
): Drawing {
  const options = readOptions('a figure', figureOptions, given);
  const { mode, opacity } = options;
  if (!image && mode !== 'heat') {
    throw new WgradError('invalid-argument', `a figure: mode '${mode}' needs the picture`, {
      remedy: "Give it, or draw the map alone: mode: 'heat'",
    });
  }
  if (image) checkImage(image);
  if (mode === 'regions') return drawPicture(drawRegions(image!, a, options));
  const map = valuesOf(a, options, image);
  const scale = shared ?? scaleOf([map], options);
  const { width, height } = map;
  const grey = image && luma(image);
  const picture = { width, height, data: new Uint8ClampedArray(4 * width * height) };
  const rgb = new Uint8Array(3);
  for (let i = 0; i < width * height; i++) {
    if (image) for (let c = 0; c < 3; c++) rgb[c] = image.data[3 * i + c]!;
    const pixel = { rgb, grey: grey?.[i] ?? 0, value: map.values[i]!, scale, opacity };
    picture.data.set(paints[mode](pixel).map(Math.round), 4 * i);
  }
  return { picture, ...(coloured.includes(mode) && { scale }) };
}

/** A picture as it is, for the first column. */
export function drawPicture(image: Image): Drawing {
  checkImage(image);
  const { width, height } = image;
  const data = new Uint8ClampedArray(4 * width * height).fill(255);
  for (let i = 0; i < width * height; i++) data.set(image.data.subarray(3 * i, 3 * i + 3), 4 * i);
  return { picture: { width, height, data } };
}
