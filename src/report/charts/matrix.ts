/** A table whose cells are tinted by their values: confusion matrices, similarities. A table, so that it can be read. */
import { markup, type Content, type Markup } from '../markup.ts';
import { short } from '../numbers.ts';
import { need } from './chart.ts';

export interface MatrixSpec {
  title: string;
  /** What a thing in the rows, and in the columns: 'is', 'is taken for'. Or a sentence on both. */
  axes: readonly [rows: string, columns: string] | string;
  rows: readonly string[];
  columns: readonly string[];
  /** [rows][columns] */
  values: readonly (readonly number[])[];
  /**
   * What colours mean: 'size', one colour; 'sign', red above zero and blue below; 'verdict', the diagonal is right and
   * the rest wrong, as in a confusion matrix. Default 'size'.
   */
  tint?: 'size' | 'sign' | 'verdict';
  /** What stands in a cell. */
  format?: (value: number, row: number, column: number) => Content;
}

const tints = {
  size: () => 'accent',
  sign: (v: number) => (v < 0 ? 'against' : 'for'),
  verdict: (_: number, row: number, column: number) => (row === column ? 'right' : 'wrong'),
} as const;

/** Names of columns as short as this stand upright otherwise. */
const SHORT = 8;

export function matrix(spec: MatrixSpec): Markup {
  const { title, axes, rows, columns, values, tint = 'size', format = (v) => short(v) } = spec;
  need(values.length === rows.length, title, `${values.length} rows of values for ${rows.length} names`);
  for (const row of values) need(row.length === columns.length, title, `${row.length} values for ${columns.length} columns`); // prettier-ignore
  const note = typeof axes === 'string' ? axes : `Rows: what it ${axes[0]}. Columns: what it ${axes[1]}.`;
  const most = Math.max(0, ...values.flatMap((row) => row.map(Math.abs)).filter(Number.isFinite)) || 1;
  const upright = columns.some((c) => c.length > SHORT) ? 'upright' : '';
  const head = columns.map((c) => markup`<th scope="col" class="${upright}">${c}</th>`);
  const body = values.map((row, r) => {
    const cells = row.map((v, c) => {
      const share = Number.isFinite(v) ? Math.abs(v) / most : 0;
      return markup`<td style="--tint:var(--${tints[tint](v, r, c)});--share:${share.toFixed(3)}" class="${v === 0 ? 'empty' : ''}">${format(v, r, c)}</td>`;
    });
    return markup`<tr><th scope="row">${rows[r]}</th>${cells}</tr>\n`;
  });
  return markup`<figure class="chart"><figcaption>${title}</figcaption><p class="note">${note}</p>
<div class="scroll" tabindex="0"><table class="matrix" aria-label="${title}"><thead><tr><td></td>${head}</tr></thead><tbody>${body}</tbody></table></div></figure>`;
}
