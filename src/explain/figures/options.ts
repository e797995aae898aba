/** What can be chosen of a figure, whatever the method: nothing here changes a map. */
import { colormaps, type ColormapName } from '../../image/colormap.ts';
import { choice, count, fraction, type OptionKind, type OptionsOf } from '../../options.ts';
import { channelReductions, type ChannelReduction } from '../channels.ts';
import type { Sign } from '../types.ts';

/** Captum's five ways to show a map, and LIME's outlines. */
export const figureModes = ['blended', 'heat', 'masked', 'alpha', 'original', 'regions'] as const;
/** How a map is drawn over its picture. */
export type FigureMode = (typeof figureModes)[number];

const signs: readonly Sign[] = ['all', 'positive', 'negative', 'absolute'];

/** Absent unless given. */
function optional<T extends string>(values: readonly T[], help: string): OptionKind<T> {
  return { ...choice(values, values[0]!, help), default: undefined } as OptionKind<T>;
}

/** A percentile of 0 would leave no scale. */
const percentile = {
  ...count(undefined, 'values beyond this percentile of the magnitudes are clipped, so that one pixel does not hide the rest'), // prettier-ignore
  default: 99.9,
  allowed: 'a number above 0, 100 at most,',
  accepts: (v: unknown) => typeof v === 'number' && v > 0 && v <= 100,
};

/** The table of {@link FigureOptions}: for each its kind, default and help. */
export const figureOptions = {
  mode: choice(
    figureModes,
    'blended',
    'how a map is drawn: blended over the picture in grey, heat map alone, picture masked by the map (dark elsewhere), ' +
      'picture as transparent as the map is weak, the original, or the strongest regions outlined',
  ),
  sign: optional(signs, 'which values are drawn (default: what the method means)'),
  reduce: optional<ChannelReduction>(
    channelReductions,
    'from the colours of a pixel to one value (default: what the method means)',
  ),
  colors: optional(
    Object.keys(colormaps) as ColormapName[],
    'diverging: red for, blue against; heat: dark to bright (default: diverging where both signs are drawn)',
  ),
  percentile,
  opacity: fraction(0.6, 'of a blended map'),
  features: count(5, 'regions that are outlined'),
  rest: choice(['show', 'hide'], 'show', 'what lies outside the outlined regions'),
} as const;

/** How maps are drawn: the mode, sign, colours, clipping and opacity. None of it changes the map. */
export type FigureOptions = OptionsOf<typeof figureOptions>;
