/** What SVG and HTML of figures have in common. */
import { colorAt } from '../../image/colormap.ts';
import type { RgbaImage } from '../../image/image.ts';
import { encodePng } from '../../image/png.ts';
import type { Scale } from './values.ts';

/** Text and attribute values. */
export const escape = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

export async function dataUri(picture: RgbaImage): Promise<string> {
  const bytes = await encodePng(picture);
  let text = '';
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return `data:image/png;base64,${btoa(text)}`;
}

/** Colours along a bar, evenly spaced; the maps are linear between fewer points than these. */
export function stops({ colors }: Pick<Scale, 'colors'>): string[] {
  const count = 21;
  return Array.from({ length: count }, (_, i) => {
    const color = colorAt(colors, i / (count - 1)).map(Math.round);
    return `#${color.map((c) => c.toString(16).padStart(2, '0')).join('')}`;
  });
}

/** Sizes in px; nothing is smaller than 12. */
export const SIZES = { text: 12, title: 14, cell: 224 } as const;

/** Ink and paper, light and dark. */
export const PALETTE = {
  light: { ink: '#1c1c1e', quiet: '#55555c', paper: '#ffffff', line: '#d8d8de', accent: '#0b57d0', warn: '#a3340a' },
  dark: { ink: '#ececf0', quiet: '#b0b0ba', paper: '#17171a', line: '#3a3a42', accent: '#8ab4f8', warn: '#ffab84' },
} as const;
