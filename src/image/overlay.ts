/** An attribution map laid over its picture, with a colour bar that says what the colours mean. */
import { WgradError } from '../errors.ts';
import { colorAt, type ColormapName } from './colormap.ts';
import { drawNumber, textWidth } from './digits.ts';
import { blank, enlarge, fill, luma, paste, type Image } from './image.ts';

export interface OverlayOptions {
  /** Zero in the middle of a diverging map; else from zero (or the minimum) up. Default false. */
  signed?: boolean;
  /** Weight of the map over the greyed picture. Default 0.6. */
  alpha?: number;
  /** Values beyond this percentile of the magnitudes are clipped, so that single pixels do not hide the rest. */
  percentile?: number;
  /** Default 'diverging' for signed maps, 'heat' for others. */
  colormap?: ColormapName;
  /** Colour bar under the picture. Default true. */
  bar?: boolean;
  /** Small pictures are enlarged to about this width. Default 224. */
  width?: number;
}

/** The value below which `percent` % of `values` lie. */
export function percentileOf(values: Float32Array, percent: number): number {
  const sorted = values.slice().sort();
  return sorted[Math.min(sorted.length - 1, Math.floor((percent / 100) * sorted.length))] ?? 0;
}

const tick = (v: number) =>
  v === 0
    ? '0'
    : Math.abs(v) >= 0.01 && Math.abs(v) < 1000
      ? String(+v.toPrecision(2))
      : v.toExponential(0).replace('+', '');

/**
 * @param map one value a pixel, [H, W] of the picture.
 * @throws WgradError 'shape' where they differ in size; 'not-finite' for a map with NaN.
 */
export function overlay(image: Image, map: Float32Array, options: OverlayOptions = {}): Image {
  const { signed = false, alpha = 0.6, percentile = 99.9, bar = true, width = 224 } = options;
  if (map.length !== image.width * image.height) {
    throw new WgradError('shape', `overlay: ${map.length} values for ${image.width} x ${image.height} pixels`);
  }
  if (!map.every(Number.isFinite)) throw new WgradError('not-finite', 'overlay: the map holds NaN or infinity');
  const colormap = options.colormap ?? (signed ? 'diverging' : 'heat');
  const top = percentileOf(map.map(Math.abs), percentile) || 1;
  const position = (v: number) => (signed ? (v / top + 1) / 2 : v / top);
  const grey = luma(image);
  const blended = blank(image.width, image.height);
  map.forEach((v, i) => {
    const color = colorAt(colormap, position(v));
    for (let c = 0; c < 3; c++) blended.data[3 * i + c] = Math.round(alpha * color[c]! + (1 - alpha) * grey[i]!);
  });
  const picture = enlarge(blended, Math.max(1, Math.round(width / image.width)));
  return bar ? withBar(picture, colormap, [signed ? -top : 0, signed ? 0 : top / 2, top]) : picture;
}

const BAR = { height: 10, gap: 4, text: 5 } as const;

function withBar(picture: Image, colormap: ColormapName, ticks: readonly number[]): Image {
  const scale = picture.width >= 160 ? 2 : 1;
  const text = BAR.text * scale;
  const out = blank(picture.width, picture.height + BAR.height + 3 * BAR.gap + text, [255, 255, 255]);
  paste(out, picture, 0, 0);
  const top = picture.height + BAR.gap;
  for (let x = 0; x < out.width; x++) {
    fill(out, { left: x, top, width: 1, height: BAR.height }, colorAt(colormap, x / (out.width - 1)));
  }
  ticks.forEach((v, i) => {
    const label = tick(v);
    const wide = textWidth(label, scale);
    const left = Math.round((i / (ticks.length - 1)) * (out.width - wide));
    drawNumber(out, label, left, top + BAR.height + BAR.gap, scale, [0, 0, 0]);
  });
  return out;
}
