/** A table that scrolls sideways where the screen is narrower, its first column staying. */
import { markup, type Content, type Markup } from './markup.ts';

export interface Column {
  title: Content;
  /** Numbers stand to the right, digit below digit. Default 'start'. */
  align?: 'start' | 'end';
}

export interface Table {
  /** What it shows, above it. */
  caption?: Content;
  columns: readonly (Column | string)[];
  /** The first cell names the row. */
  rows: readonly (readonly Content[])[];
}

export function table({ caption, columns, rows }: Table): Markup {
  const known = columns.map((c): Column => (typeof c === 'string' ? { title: c } : c));
  const kind = (i: number) => (known[i]?.align === 'end' ? 'number' : 'text');
  const head = known.map((c, i) => markup`<th scope="col" class="${kind(i)}">${c.title}</th>`);
  const body = rows.map((row) => {
    const cells = row.map((cell, i) =>
      i === 0 ? markup`<th scope="row" class="${kind(0)}">${cell}</th>` : markup`<td class="${kind(i)}">${cell}</td>`,
    );
    return markup`<tr>${cells}</tr>\n`;
  });
  const named = caption !== undefined && markup`<caption>${caption}</caption>`;
  // In the order of the keyboard, since it can be scrolled.
  return markup`<div class="scroll" tabindex="0"><table class="data">${named}<thead><tr>${head}</tr></thead>
<tbody>${body}</tbody></table></div>`;
}

/** A few numbers that stand out, each over what it is. */
export const facts = (list: readonly { value: Content; label: Content }[]): Markup =>
  markup`<dl class="facts">${list.map(({ value, label }) => markup`<div><dt>${label}</dt><dd>${value}</dd></div>`)}</dl>`;

export const tableCss = `.scroll{overflow-x:auto;max-width:100%;margin:.75rem 0}
.data{border-collapse:separate;border-spacing:0;font-size:15px;line-height:1.4;font-variant-numeric:tabular-nums}
.data caption{text-align:left;color:var(--quiet);font-size:13px;padding:0 0 .4rem}
.data th,.data td{padding:.35rem 1.4rem .35rem 0;border-bottom:1px solid var(--line);text-align:left;vertical-align:top;font-weight:400}
.data thead th{color:var(--quiet);font-size:13px;border-bottom-color:var(--quiet);vertical-align:bottom}
.data .number{text-align:right;white-space:nowrap}
.data th:first-child{position:sticky;left:0;background:var(--paper)}
.facts{display:flex;flex-wrap:wrap;gap:16px 48px;margin:1.5rem 0 0}.facts div{display:flex;flex-direction:column-reverse;justify-content:flex-end}
.facts dd{margin:0;font-size:1.75rem;line-height:1.15;font-weight:650;letter-spacing:-.02em;font-variant-numeric:tabular-nums}.facts dt{font-size:13px;color:var(--quiet);max-width:16rem}`;
