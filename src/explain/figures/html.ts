/**
 * A figure as HTML: a table with a row a picture. A table wider than the screen scrolls, and its first column stays; on a
 * narrow screen, and where there are many columns, the pictures of a row lie below one another instead, and what the
 * columns show stands after them.
 */
import { markup, type Content, type Markup } from '../../report/markup.ts';
import { pngUrl, verdict } from '../../report/pictures.ts';
import { sizes, themeCss } from '../../report/tokens.ts';
import type { Cell, Grid, Heading, Row } from './grid.ts';
import { stops, ticksOf, type Scale } from './values.ts';

/** More columns than this are no table on any screen. */
const WIDE = 8;

/** Width of a column's words, px. */
const NARROW = 148;

const paragraphs = (list: readonly string[] = []) => list.map((t) => markup`<p>${t}</p>`);

function bar(scale: Scale): Markup {
  const ticks = ticksOf(scale).map((t) => markup`<span>${t}</span>`);
  return markup`<div class="bar" style="background:linear-gradient(90deg,${stops(scale).join(',')})"></div><div class="ticks">${ticks}</div>`;
}

async function cell(c: Cell, { title }: Heading, row: Heading, shared: boolean): Promise<Markup> {
  const lines = (c.caption ?? []).map((line) => markup`<span>${line}</span>`);
  if (!c.drawing) return markup`<td class="empty"><b>${title}</b><p>${lines}</p></td>`;
  const image = markup`<img alt="${`${title}: ${row.title}`}" src="${await pngUrl(c.drawing.picture)}">`;
  const own = !shared && c.drawing.scale ? bar(c.drawing.scale) : '';
  const caption = lines.length > 0 && markup`<figcaption>${lines}</figcaption>`;
  return markup`<td><figure><b>${title}</b>${image}${own}${caption}</figure></td>`;
}

function rowHead({ title, text, verdict: kind }: Row): Content {
  return markup`<h3>${title}${kind && [' ', verdict(kind)]}</h3>${paragraphs(text)}`;
}

/** A figure as a fragment of HTML, its words as text. */
export async function gridHtml(grid: Grid): Promise<string> {
  const rows: Markup[] = [];
  for (const row of grid.rows) {
    const cells: Markup[] = [];
    for (const [i, c] of row.cells.entries()) {
      cells.push(await cell(c, grid.columns[i] ?? { title: '' }, row, grid.scale !== undefined));
    }
    const head = markup`<tr class="row"><th scope="rowgroup" colspan="${grid.columns.length}"><div>${rowHead(row)}</div></th></tr>`;
    rows.push(markup`<tbody>${head}<tr>${cells}</tr></tbody>\n`);
  }
  // Without words it has nothing to say where heads are a legend behind the rows.
  const heads = grid.columns.map((c) => markup`<th scope="col"${c.text?.length ? '' : markup` class="bare"`}><h3>${c.title}</h3>${paragraphs(c.text)}</th>`); // prettier-ignore
  const below = grid.scale && markup`<div class="shared">${bar(grid.scale)}${paragraphs([grid.scaleText ?? ''])}</div>`;
  const many = grid.columns.length > WIDE ? 'wgrad-grid many' : 'wgrad-grid';
  // Columns narrow until they all fit, or are as narrow as their words allow.
  const width = `--cell:clamp(${NARROW}px,calc((100vw - 112px)/${grid.columns.length} - 16px),${sizes.picture}px)`;
  return markup`<div class="${many}" style="${width}" tabindex="0" role="group" aria-label="${grid.title}"><table><thead><tr>${heads}</tr></thead>
${rows}</table>${below}</div>`.text;
}

/** Rules of the folded form, in which the head comes last. Titles, pictures, bars and captions of a line stand at one height. */
const folded = (at: string) => `${at} table{display:flex;flex-direction:column}${at} tbody{display:block}
${at} thead{display:block;order:1;border-top:1px solid var(--line);padding-top:12px}${at} thead tr{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(260px,100%),1fr));gap:14px 32px}
${at} thead th:first-child,${at} thead th.bare{display:none!important}${at} thead th{display:block;width:auto;min-width:0;padding:0;position:static!important}
${at} tbody tr{display:grid;grid-template-columns:repeat(auto-fill,minmax(144px,1fr));gap:0 12px}${at} tbody tr.row{display:block}
${at} td,${at} .row th{display:block;width:auto;padding-right:0;position:static!important}${at} tbody td b{display:block}${at} img{width:100%;max-width:${sizes.picture}px}${at} .bar,${at} .ticks{max-width:${sizes.picture}px}
${at} td{display:grid;grid-row:span 5;grid-template-rows:subgrid;align-content:start}${at} figure{display:contents}`;

/** What a grid needs beside the variables of a page's colours. */
export const gridCss = `.wgrad-grid{overflow-x:auto;color:var(--ink);font-size:14px;line-height:1.4;margin:1rem 0}
.wgrad-grid table{border-collapse:separate;border-spacing:0}
.wgrad-grid th,.wgrad-grid td{text-align:left;vertical-align:top;font-weight:400;padding:0 16px 16px 0;width:var(--cell)}
.wgrad-grid h3{font-size:15px;line-height:1.3;margin:0 0 3px}.wgrad-grid p,.wgrad-grid figcaption{font-size:13px;color:var(--quiet);margin:0 0 3px}
.wgrad-grid thead th{min-width:var(--cell)}.wgrad-grid .row th{border-top:1px solid var(--line);padding-top:14px;padding-bottom:10px}
.wgrad-grid .row th div{position:sticky;left:0;width:max-content;max-width:min(60rem,88vw)}
.wgrad-grid figure{margin:0}.wgrad-grid figcaption{margin-top:3px}.wgrad-grid figcaption span{display:block}
.wgrad-grid td b{display:none;font-size:13px;font-weight:600;margin-bottom:3px;max-width:var(--cell);overflow-wrap:break-word}.wgrad-grid tbody+tbody td b{display:block}
.wgrad-grid img{display:block;width:var(--cell);height:auto;image-rendering:pixelated;border-radius:4px}
.wgrad-grid .bar{height:8px;margin-top:6px;border-radius:2px}.wgrad-grid .ticks{display:flex;justify-content:space-between;font-size:${sizes.small}px;color:var(--quiet);font-variant-numeric:tabular-nums}
.wgrad-grid td:first-child,.wgrad-grid thead th:first-child{position:sticky;left:0;background:var(--paper);z-index:1}
${folded('.wgrad-grid.many')}
@media(max-width:720px){${folded('.wgrad-grid')}}`;

/** For a grid in a page of another's: colours as variables, which the page may set to its own, and {@link gridCss}. */
export const figureStyle = `${themeCss()}
.wgrad-grid .right{color:var(--right)}.wgrad-grid .wrong{color:var(--wrong)}${gridCss}`;
