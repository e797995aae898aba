/** All pictures of `wgrad ascend` together: a page with captions, and one picture in rows. */
import { join, relative } from 'node:path';
import { blank, paste, type Image } from '../image/image.ts';
import { encodePng } from '../image/png.ts';
import { writeWhole } from '../node/write.ts';
import { gallery, percent, renderPage, short, type Picture } from '../report/index.ts';
import type { Context } from './command.ts';

export interface Drawn {
  /** As it was written. */
  unit: string;
  /** The objective's. */
  name: string;
  file: string;
  start: number;
  end: number;
  /** Share of positions at which the unit is off; null where it is about none. */
  dead: number | null;
  steps: number;
  image: Image;
}

/** Pictures of one size in rows, without gaps. @param columns default: about square. */
export function spritemap(images: readonly Image[], columns = Math.ceil(Math.sqrt(images.length))): Image {
  const { width, height } = images[0]!;
  const sheet = blank(columns * width, Math.ceil(images.length / columns) * height);
  images.forEach((image, i) => paste(sheet, image, (i % columns) * width, Math.floor(i / columns) * height));
  return sheet;
}

/** Writes `index.html` and `sheet.png`. */
export async function writeSheet(c: Context, folder: string, drawn: readonly Drawn[], steps: number): Promise<void> {
  const sprites = join(folder, 'sheet.png');
  await writeWhole(sprites, await encodePng(spritemap(drawn.map((d) => d.image))));
  const pictures: Picture[] = await Promise.all(
    drawn.map(async (d) => ({
      source: await encodePng(d.image),
      alt: d.name,
      caption: caption(d, steps),
    })),
  );
  const page = join(folder, 'index.html');
  await writeWhole(
    page,
    renderPage({
      title: 'What units respond to',
      intro: ['The numbers are the objective before the first step and after the last one.'],
      sections: [{ body: gallery(pictures) }],
      command: c.line,
      files: [...drawn.map((d) => ({ path: relative(folder, d.file), what: d.name })), { path: 'sheet.png', what: 'all of them' }], // prettier-ignore
    }),
  );
  c.print(`${page}: a page of ${drawn.length} pictures; ${sprites}: all in one`);
}

function caption({ name, start, end, dead, steps }: Drawn, asked: number): string {
  const off = dead ? `, off at ${percent(dead)} of its positions` : '';
  const early = steps < asked ? `; stopped at step ${steps} of ${asked}` : '';
  return `${name}: ${short(start)} to ${short(end)}${off}${early}`;
}
