/**
 * A figure as HTML: a table with a row a picture, for {@link figureStyle}. On a narrow screen the columns of a row lie
 * below one another; a table wider than the screen scrolls, and its first column stays.
 */
import type { Cell, Grid, Heading } from './grid.ts';
import { dataUri, escape, PALETTE, SIZES, stops } from './markup.ts';
import { ticksOf, type Scale } from './values.ts';

const paragraphs = (list: readonly string[] = []) => list.map((t) => `<p>${escape(t)}</p>`).join('');

const heading = ({ title, text }: Heading) => `<h3>${escape(title)}</h3>${paragraphs(text)}`;

function bar(scale: Scale): string {
  const ticks = ticksOf(scale).map((t) => `<span>${escape(t)}</span>`);
  return `<div class="bar" style="background:linear-gradient(90deg,${stops(scale).join(',')})"></div><div class="ticks">${ticks.join('')}</div>`;
}

async function cell(c: Cell, { title }: Heading, row: Heading, shared: boolean): Promise<string> {
  const caption = (c.caption ?? []).map((line) => `<span>${escape(line)}</span>`).join('');
  if (!c.drawing) return `<td class="empty"><b>${escape(title)}</b><p>${caption}</p></td>`;
  const alt = `${title}: ${row.title}`;
  const image = `<img alt="${escape(alt)}" width="${SIZES.cell}" src="${await dataUri(c.drawing.picture)}">`;
  const own = !shared && c.drawing.scale ? bar(c.drawing.scale) : '';
  return `<td><figure><b>${escape(title)}</b>${image}${own}<figcaption>${caption}</figcaption></figure></td>`;
}

export async function gridHtml(grid: Grid): Promise<string> {
  const rows: string[] = [];
  for (const row of grid.rows) {
    const cells: string[] = [];
    for (const [i, c] of row.cells.entries()) {
      cells.push(await cell(c, grid.columns[i] ?? { title: '' }, row, grid.scale !== undefined));
    }
    const head = `<tr class="row"><th scope="rowgroup" colspan="${grid.columns.length}"><div>${heading(row)}</div></th></tr>`;
    rows.push(`<tbody>${head}<tr>${cells.join('\n')}</tr></tbody>`);
  }
  const heads = grid.columns.map((c) => `<th scope="col">${heading(c)}</th>`).join('');
  const below = grid.scale ? `<div class="shared">${bar(grid.scale)}${paragraphs([grid.scaleText ?? ''])}</div>` : '';
  return `<div class="wgrad-grid" tabindex="0" role="group" aria-label="${escape(grid.title)}"><table><thead><tr>${heads}</tr></thead>${rows.join('\n')}</table>${below}</div>`;
}

const variables = (colors: Readonly<Record<string, string>>) =>
  Object.entries(colors)
    .map(([name, value]) => `--${name}:${value}`)
    .join(';');

/** Colours as variables, and what a grid needs; a page may set the variables to its own. */
export const figureStyle = `:root{color-scheme:light dark;${variables(PALETTE.light)}}
@media(prefers-color-scheme:dark){:root{${variables(PALETTE.dark)}}}
.wgrad-grid{overflow-x:auto;color:var(--ink);font-size:${SIZES.title}px;line-height:1.4}
.wgrad-grid table{border-collapse:separate;border-spacing:0}
.wgrad-grid th,.wgrad-grid td{text-align:left;vertical-align:top;font-weight:400;padding:0 16px 12px 0;width:${SIZES.cell}px}
.wgrad-grid h3{font-size:${SIZES.title + 1}px;margin:0 0 2px}.wgrad-grid p,.wgrad-grid figcaption{font-size:13px;color:var(--quiet);margin:0 0 3px}
.wgrad-grid thead th{min-width:${SIZES.cell}px}.wgrad-grid .row th{border-top:1px solid var(--line);padding-top:12px}
.wgrad-grid .row th div{position:sticky;left:0;width:max-content;max-width:min(60rem,90vw)}
.wgrad-grid figure{margin:0}.wgrad-grid figcaption span{display:block}
.wgrad-grid td b{display:none}.wgrad-grid img{display:block;width:${SIZES.cell}px;height:auto;image-rendering:pixelated}
.wgrad-grid .bar{height:10px;margin-top:6px}.wgrad-grid .ticks{display:flex;justify-content:space-between;font-size:${SIZES.text}px;color:var(--quiet);font-variant-numeric:tabular-nums}
.wgrad-grid td:first-child,.wgrad-grid thead th:first-child{position:sticky;left:0;background:var(--paper);z-index:1}
@media(max-width:720px){.wgrad-grid table,.wgrad-grid thead,.wgrad-grid tbody{display:block}
.wgrad-grid thead tr{display:block}.wgrad-grid thead th{display:block;width:auto;min-width:0;padding:0 0 10px;position:static!important}
.wgrad-grid tbody tr{display:grid;grid-template-columns:repeat(auto-fill,minmax(140px,1fr));gap:0 12px}.wgrad-grid tbody tr.row{display:block}
.wgrad-grid td,.wgrad-grid .row th{display:block;width:auto;padding-right:0;position:static!important}.wgrad-grid td b{display:block}.wgrad-grid img{width:100%}}`;
