/** A figure as an SVG that stands alone: text as text, pictures inside, no script, no request, light and dark. */
import type { Cell, Grid } from './grid.ts';
import { markup, raw, type Content, type Markup } from '../../report/markup.ts';
import { pngUrl } from '../../report/pictures.ts';
import { face, sizes, themes, type Theme } from '../../report/tokens.ts';
import { stops, ticksOf, type Scale } from './values.ts';

const GAP = 16;
const BAR = 10;
const TITLE = 14;
const LINE = Math.round(sizes.small * 1.35);
/** Width of a letter over its height: a little more than the mean of common faces, so that lines fit without measuring. */
const LETTER = 0.56;

/** Lines of at most `width` px at `size` px, broken at spaces, but not at those that hold words together. */
export function wrap(text: string, width: number, size: number): string[] {
  const most = Math.max(1, Math.floor(width / (LETTER * size)));
  const lines: string[] = [];
  for (const word of text.split(/[ \t\n]+/).filter((w) => w !== '')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= most) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(...(word.match(new RegExp(`.{1,${most}}`, 'gsu')) ?? []));
  }
  return lines;
}

const text = (x: number, y: number, content: string, kind = '', anchor = 'start'): Markup =>
  markup`<text x="${x}" y="${y}" class="${kind}" text-anchor="${anchor}">${content}</text>`;

/** A block of lines from `y` down. */
const lines = (x: number, y: number, list: readonly string[], kind = 'quiet'): Content =>
  list.map((line, i) => text(x, y + LINE * (i + 1) - 4, line, kind));

function bar(x: number, y: number, width: number, scale: Scale): Content {
  const anchors = ['start', 'middle', 'end'] as const;
  const below = y + BAR + LINE - 3;
  return [
    markup`<rect x="${x}" y="${y}" width="${width}" height="${BAR}" fill="url(#wgrad-${scale.colors})"/>`,
    ticksOf(scale).map((t, i) => text(x + (width * i) / 2, below, t, 'quiet', anchors[i])),
  ];
}

const gradients = (scales: readonly Scale[]): Content =>
  [...new Set(scales.map((s) => s.colors))].map((colors) => {
    const points = stops({ colors });
    const inside = points.map((c, i) => markup`<stop offset="${i / (points.length - 1)}" stop-color="${c}"/>`);
    return markup`<linearGradient id="wgrad-${colors}">${inside}</linearGradient>`;
  });

const theme = ({ ink, quiet, paper }: Theme) =>
  `.wgrad-figure{background:${paper}}.wgrad-figure .paper{fill:${paper}}.wgrad-figure text{fill:${ink}}.wgrad-figure .quiet{fill:${quiet}}`;

const style =
  `.wgrad-figure text{font:${sizes.small}px ${face}}` +
  `.wgrad-figure .title{font-size:${TITLE}px;font-weight:600}.wgrad-figure image{image-rendering:pixelated}` +
  `${theme(themes.light)}@media(prefers-color-scheme:dark){${theme(themes.dark)}}`;

/** '\u2713 ' before the title of a row that the network gets right. */
const signs = { right: '\u2713 ', wrong: '\u2717 ' } as const;

/**
 * A figure as one SVG file, its words as text.
 * @param cell width of a picture, px.
 */
export async function gridSvg(grid: Grid, { cell = sizes.picture }: { cell?: number } = {}): Promise<string> {
  const fit = (list: readonly string[] = [], width = cell) => list.flatMap((t) => wrap(t, width, sizes.small));
  const left = (column: number) => GAP + column * (cell + GAP);
  const width = left(grid.columns.length);
  const whole = width - 2 * GAP;
  const parts: Content[] = [];
  let y = GAP;
  const heads = grid.columns.map((c) => ({ title: wrap(c.title, cell, TITLE), text: fit(c.text) }));
  heads.forEach((head, i) => {
    parts.push(lines(left(i), y, head.title, 'title'), lines(left(i), y + LINE * head.title.length, head.text));
  });
  y += LINE * Math.max(0, ...heads.map((head) => head.title.length + head.text.length)) + GAP / 2;
  for (const row of grid.rows) {
    const title = wrap(`${row.verdict ? signs[row.verdict] : ''}${row.title}`, whole, TITLE);
    const notes = fit(row.text, whole);
    parts.push(lines(GAP, y, title, 'title'), lines(GAP, y + LINE * title.length, notes));
    y += LINE * (title.length + notes.length) + GAP / 2;
    const high = Math.max(0, ...row.cells.map((c) => heightOf(c, cell)));
    const bars = !grid.scale && row.cells.some((c) => c.drawing?.scale) ? BAR + LINE + 6 : 0;
    const captions = row.cells.map((c) => fit(c.caption));
    for (const [i, c] of row.cells.entries()) {
      const tall = heightOf(c, cell);
      if (c.drawing) {
        const href = await pngUrl(c.drawing.picture);
        parts.push(markup`<image x="${left(i)}" y="${y}" width="${cell}" height="${tall}" href="${href}"/>`);
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
  return markup`<svg xmlns="http://www.w3.org/2000/svg" class="wgrad-figure" role="img" width="${width}" height="${y}" viewBox="0 0 ${width} ${y}">
<title>${grid.title}</title><style>${raw(style)}</style><defs>${gradients(scales)}</defs>
<rect class="paper" width="${width}" height="${y}"/>${parts}</svg>
`.text;
}

/** Height of a cell's picture. */
function heightOf({ drawing }: Cell, width: number): number {
  return drawing ? Math.round((width * drawing.picture.height) / drawing.picture.width) : 0;
}
