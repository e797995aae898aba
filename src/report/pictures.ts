/** Pictures with what is written below them, as many beside one another as there is room for. */
import type { Image, RgbaImage } from '../image/image.ts';
import { encodePng } from '../image/png.ts';
import { dataUrl, markup, type Content, type Markup } from './markup.ts';
import { sizes } from './tokens.ts';

export interface Picture {
  /** PNG, or an address. */
  source: Uint8Array | string;
  /** For those who cannot see it. */
  alt: string;
  caption?: Content;
  /** What stands out: a guess that is right, or wrong. */
  verdict?: 'right' | 'wrong' | undefined;
  /** Small pictures are enlarged with hard edges. Default true. */
  pixelated?: boolean;
}

/** A picture as an address, as PNG. */
export const pngUrl = async (image: Image | RgbaImage): Promise<string> => dataUrl(await encodePng(image));

const signs = { right: '\u2713', wrong: '\u2717' } as const;

/** Of a guess: a sign and a word, so that colour is not all that tells. */
export const verdict = (kind: 'right' | 'wrong', words: Content = kind): Markup =>
  markup`<span class="${kind}"><span aria-hidden="true">${signs[kind]} </span>${words}</span>`;

export function picture({ source, alt, caption, verdict: kind, pixelated = true }: Picture): Markup {
  const src = typeof source === 'string' ? source : dataUrl(source);
  const below = caption !== undefined && markup`<figcaption>${caption}</figcaption>`;
  return markup`<figure class="picture ${kind ? `is-${kind}` : ''}"><img alt="${alt}" src="${src}" class="${pixelated ? 'pixelated' : ''}">${below}</figure>`;
}

/** @param width of a picture where there is room, px. */
export const gallery = (pictures: readonly Picture[], { width = sizes.picture }: { width?: number } = {}): Markup =>
  markup`<div class="gallery" style="--width:${width}px">${pictures.map(picture)}</div>`;

export const pictureCss = `.gallery{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(var(--width),calc(50% - 8px)),1fr));gap:20px 16px;margin:1rem 0}
.picture{margin:0}.picture img{display:block;width:100%;height:auto;border-radius:4px}
.pixelated{image-rendering:pixelated}.picture figcaption{font-size:13px;line-height:1.4;color:var(--quiet);margin-top:.4rem;overflow-wrap:anywhere}
.is-wrong img{outline:3px solid var(--wrong);outline-offset:-3px}
.right{color:var(--right)}.wrong{color:var(--wrong)}.right,.wrong{font-weight:600}`;
