/** From an attribution to one number for each pixel of its picture, and the scale that turns numbers into colours. */
import { WgradError } from '../../errors.ts';
import { colorAt, type ColormapName } from '../../image/colormap.ts';
import { resizePlanes } from '../../image/resize.ts';
import { short } from '../../report/numbers.ts';
import { channelReduce, type ChannelReduction } from '../channels.ts';
import { methods } from '../methods/index.ts';
import type { Attribution, Method, Sign } from '../types.ts';

/** A map as it is drawn. */
export interface Values {
  /** One value a pixel, [height, width]; those that the sign leaves out are 0. */
  values: Float32Array;
  width: number;
  height: number;
  sign: Sign;
}

export type Drawable = Pick<Attribution, 'method' | 'map' | 'shape' | 'upsampled'>;

/** A method of another's making has no table entry, and gets the defaults. */
export const methodInfo = (name: string): Partial<Method> =>
  Object.hasOwn(methods, name) ? (methods as unknown as Record<string, Method>)[name]! : {};

const keep: Readonly<Record<Sign, (v: number) => number>> = {
  all: (v) => v,
  positive: (v) => Math.max(0, v),
  negative: (v) => Math.min(0, v),
  absolute: Math.abs,
};

/**
 * @param size of the picture, where the map is to be drawn over one.
 * @throws WgradError 'not-finite' for a map with NaN or infinity.
 */
export function valuesOf(
  a: Drawable,
  options: { sign?: Sign | undefined; reduce?: ChannelReduction | undefined } = {},
  size?: { width: number; height: number },
): Values {
  const { display } = methodInfo(a.method);
  const [, h, w] = a.shape;
  const { width, height } = size ?? { width: w, height: h };
  const atSize = a.upsampled?.length === width * height ? a.upsampled : undefined;
  let map = atSize ?? channelReduce(a, options.reduce ?? display?.reduce ?? 'sum');
  if (!map.every(Number.isFinite)) throw new WgradError('not-finite', `${a.method}: the map holds NaN or infinity`);
  if (!atSize && (w !== width || h !== height)) {
    map = resizePlanes({ width: w, height: h, channels: 1, data: map }, width, height).data;
  }
  const sign = options.sign ?? display?.sign ?? (map.some((v) => v < 0) ? 'all' : 'positive');
  return { values: map.map(keep[sign]), width, height, sign };
}

/** What a colour stands for. One scale may serve many maps: a figure's colours then mean the same everywhere. */
export interface Scale {
  sign: Sign;
  colors: ColormapName;
  /** The magnitude at the end of the scale. */
  limit: number;
}

/** The value below which `percent` % of `values` lie. */
export function percentileOf(values: Float32Array, percent: number): number {
  const sorted = values.slice().sort();
  return sorted[Math.min(sorted.length - 1, Math.floor((percent / 100) * sorted.length))] ?? 0;
}

/** The scale of one map, or one for several: the largest limit, and both signs where one of them has both. */
export function scaleOf(
  maps: readonly Values[],
  { percentile = 99.9, colors }: { percentile?: number | undefined; colors?: ColormapName | undefined } = {},
): Scale {
  const limit = Math.max(0, ...maps.map(({ values }) => percentileOf(values.map(Math.abs), percentile)));
  const first = maps[0]?.sign ?? 'all';
  const sign = maps.every((m) => m.sign === first) ? first : 'all';
  // A map of which fewer pixels than the percentile cuts off are not zero still has a scale.
  const largest = () => maps.reduce((m, { values }) => values.reduce((n, v) => Math.max(n, Math.abs(v)), m), 0);
  return { sign, colors: colors ?? (sign === 'all' ? 'diverging' : 'heat'), limit: limit || largest() || 1 };
}

/** Where a value lies on its scale: -1 to 1. */
export const strength = (v: number, { limit }: Scale): number => Math.max(-1, Math.min(1, v / limit));

/** Where it lies on the colour map: 0 to 1. */
export function position(v: number, scale: Scale): number {
  const s = strength(v, scale);
  return scale.sign === 'all' ? (s + 1) / 2 : Math.abs(s);
}

/** Colours along a bar, evenly spaced; the colour maps are linear between fewer points than these. */
export function stops({ colors }: Pick<Scale, 'colors'>): string[] {
  const count = 21;
  return Array.from({ length: count }, (_, i) => {
    const color = colorAt(colors, i / (count - 1)).map(Math.round);
    return `#${color.map((c) => c.toString(16).padStart(2, '0')).join('')}`;
  });
}

const tick = (v: number) => short(v, 2);

/** What stands at the start, middle and end of a colour bar. */
export function ticksOf({ sign, limit }: Scale): [string, string, string] {
  if (sign === 'all') return [tick(-limit), '0', tick(limit)];
  const end = sign === 'negative' ? -limit : limit;
  return ['0', tick(end / 2), tick(end)];
}
