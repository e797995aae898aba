/** A figure as an SVG that stands alone: text as text, pictures inside, no script, no request, light and dark. */
import type { Cell, Grid } from './grid.ts';
import { dataUri, escape, PALETTE, SIZES, stops } from './markup.ts';
import { ticksOf, type Scale } from './values.ts';

const GAP = 16;
const BAR = 10;
const LINE = Math.round(SIZES.text * 1.35);
/** Width of a letter over its height: a little more than the mean of common faces, so that lines fit without measuring. */
const LETTER = 0.56;

/** Lines of at most `width` px at `size` px, broken at spaces. */
export function wrap(text: string, width: number, size: number): string[] {
  const most = Math.max(1, Math.floor(width / (LETTER * size)));
  const lines: string[] = [];
  for (const word of text.split(/\s+/).filter((w) => w !== '')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= most) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(...(word.match(new RegExp(`.{1,${most}}`, 'gsu')) ?? []));
  }
  return lines;
}

const text = (x: number, y: number, content: string, kind = '', anchor = 'start') =>
  `<text x="${x}" y="${y}"${kind && ` class="${kind}"`}${anchor === 'start' ? '' : ` text-anchor="${anchor}"`}>${escape(content)}</text>`; // prettier-ignore

/** A block of lines from `y` down; its height with it. */
function lines(x: number, y: number, list: readonly string[], kind = 'quiet'): string {
  return list.map((line, i) => text(x, y + LINE * (i + 1) - 4, line, kind)).join('');
}

function bar(x: number, y: number, width: number, scale: Scale): string {
  const ticks = ticksOf(scale);
  const anchors = ['start', 'middle', 'end'] as const;
  const below = y + BAR + LINE - 3;
  return (
    `<rect x="${x}" y="${y}" width="${width}" height="${BAR}" fill="url(#wgrad-${scale.colors})"/>` +
    ticks.map((t, i) => text(x + (width * i) / 2, below, t, 'quiet', anchors[i])).join('')
  );
}

const gradients = (scales: readonly Scale[]) =>
  [...new Set(scales.map((s) => s.colors))]
    .map((colors) => {
      const points = stops({ colors });
      const inside = points.map((c, i) => `<stop offset="${i / (points.length - 1)}" stop-color="${c}"/>`).join('');
      return `<linearGradient id="wgrad-${colors}">${inside}</linearGradient>`;
    })
    .join('');

const theme = ({ ink, quiet, paper }: (typeof PALETTE)['light' | 'dark']) =>
  `.wgrad-figure{background:${paper}}.wgrad-figure .paper{fill:${paper}}.wgrad-figure text{fill:${ink}}.wgrad-figure .quiet{fill:${quiet}}`;

const style =
  `.wgrad-figure text{font:${SIZES.text}px system-ui,-apple-system,'Segoe UI',sans-serif}` +
  `.wgrad-figure .title{font-size:${SIZES.title}px;font-weight:600}.wgrad-figure image{image-rendering:pixelated}` +
  `${theme(PALETTE.light)}@media(prefers-color-scheme:dark){${theme(PALETTE.dark)}}`;

/** @param cell width of a picture, px. */
export async function gridSvg(grid: Grid, { cell = SIZES.cell }: { cell?: number } = {}): Promise<string> {
  const fit = (list: readonly string[] = [], width = cell) => list.flatMap((t) => wrap(t, width, SIZES.text));
  const left = (column: number) => GAP + column * (cell + GAP);
  const width = left(grid.columns.length);
  const whole = width - 2 * GAP;
  const parts: string[] = [];
  let y = GAP;
  const heads = grid.columns.map((c) => ({ title: wrap(c.title, cell, SIZES.title), text: fit(c.text) }));
  heads.forEach((head, i) => {
    parts.push(lines(left(i), y, head.title, 'title'), lines(left(i), y + LINE * head.title.length, head.text));
  });
  y += LINE * Math.max(0, ...heads.map((head) => head.title.length + head.text.length)) + GAP / 2;
  for (const row of grid.rows) {
    const title = wrap(row.title, whole, SIZES.title);
    const notes = fit(row.text, whole);
    parts.push(lines(GAP, y, title, 'title'), lines(GAP, y + LINE * title.length, notes));
    y += LINE * (title.length + notes.length) + GAP / 2;
    const high = Math.max(0, ...row.cells.map((c) => heightOf(c, cell)));
    const bars = !grid.scale && row.cells.some((c) => c.drawing?.scale) ? BAR + LINE + 6 : 0;
    const captions = row.cells.map((c) => fit(c.caption));
    for (const [i, c] of row.cells.entries()) {
      const tall = heightOf(c, cell);
      if (c.drawing) {
        const href = await dataUri(c.drawing.picture);
        parts.push(`<image x="${left(i)}" y="${y}" width="${cell}" height="${tall}" href="${href}"/>`);
        if (!grid.scale && c.drawing.scale) parts.push(bar(left(i), y + tall + 6, cell, c.drawing.scale));
      }
      parts.push(lines(left(i), y + (c.drawing ? high + bars : 0), captions[i]!));
    }
    y += high + bars + LINE * Math.max(0, ...captions.map((c) => c.length)) + GAP;
  }
  if (grid.scale) {
    parts.push(bar(GAP, y, whole, grid.scale));
    const words = fit(grid.scaleText === undefined ? [] : [grid.scaleText], whole);
    parts.push(lines(GAP, y + BAR + LINE, words));
    y += BAR + LINE * (1 + words.length) + GAP;
  }
  const scales = grid.scale ? [grid.scale] : grid.rows.flatMap((r) => r.cells.flatMap((c) => c.drawing?.scale ?? []));
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" class="wgrad-figure" role="img" width="${width}" height="${y}" viewBox="0 0 ${width} ${y}">` +
    `<title>${escape(grid.title)}</title><style>${style}</style><defs>${gradients(scales)}</defs>` +
    `<rect class="paper" width="${width}" height="${y}"/>${parts.join('\n')}</svg>\n`
  );
}

/** Height of a cell's picture. */
function heightOf({ drawing }: Cell, width: number): number {
  return drawing ? Math.round((width * drawing.picture.height) / drawing.picture.width) : 0;
}
