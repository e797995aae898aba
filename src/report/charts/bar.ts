/** Lying bars, so that names can be read; several a name where there are several series. */
import { markup } from '../markup.ts';
import { short } from '../numbers.ts';
import { seriesColor } from '../tokens.ts';
import { axisScale, LINE, px, svg, textWidth, type Axis } from './axes.ts';
import { need, type Chart } from './chart.ts';

export interface Bar {
  name: string;
  /** One a series; undefined where there is none. */
  values: readonly (number | undefined)[];
  /** Lower and upper end of an error bar, one a series. */
  intervals?: readonly (readonly [number, number] | undefined)[];
}

export interface BarSpec {
  title: string;
  /** Of the values; from 0, unless it is logarithmic or its domain says otherwise. */
  axis: Axis;
  bars: readonly Bar[];
  /** Names of the series. Default: one without a name. */
  series?: readonly string[];
}

const THICK = 14;
const GAP = 8;

export function barChart({ title, axis, bars, series = [''] }: BarSpec): Chart {
  need(bars.length > 0, title, 'there is no bar to draw');
  const format = axis.format ?? short;
  const all = bars.flatMap((b) => [...b.values, ...(b.intervals ?? []).flatMap((i) => i ?? [])]);
  const known = all.filter((v): v is number => v !== undefined);
  for (const b of bars) need(b.values.length === series.length, title, `'${b.name}' has ${b.values.length} values for ${series.length} series`); // prettier-ignore
  const texts = (b: Bar) => b.values.map((v) => (v === undefined ? '\u2013' : format(v)));
  return {
    title,
    draw(width) {
      const widest = Math.max(...bars.map((b) => textWidth(b.name)));
      // Long names stand above their bars.
      const above = widest > 0.42 * width;
      const left = above ? 0 : widest + 8;
      const right = width - Math.max(...bars.flatMap((b) => texts(b).map(textWidth))) - 8;
      const scale = axisScale(title, axis, axis.log ? known : [0, ...known], [left, right]);
      const zero = axis.log || axis.domain ? left : scale.at(0);
      const heads = series.length > 1 ? LINE + 6 : 0;
      const tall = (above ? LINE : 0) + series.length * (THICK + 2) + GAP;
      const lower = heads + bars.length * tall;
      let at = 0;
      const legend =
        series.length > 1 &&
        series.map((name, i) => {
          const entry = markup`<g transform="translate(${at} 0)"><rect width="12" height="12" fill="${seriesColor(i)}"/><text class="name" x="18" y="11">${name}</text></g>`; // prettier-ignore
          at += 34 + textWidth(name);
          return entry;
        });
      const grid = scale.ticks.map(
        (t) => markup`<line class="grid" x1="${px(t.at)}" x2="${px(t.at)}" y1="${heads}" y2="${lower}"/><text x="${px(t.at)}" y="${lower + LINE - 4}" text-anchor="${t.at < 12 ? 'start' : 'middle'}">${t.text}</text>`, // prettier-ignore
      );
      const rows = bars.map((b, row) => {
        const top = heads + row * tall + (above ? LINE : 0);
        const middle = top + (series.length * (THICK + 2)) / 2;
        const name = above
          ? markup`<text class="name" x="0" y="${top - 5}">${b.name}</text>`
          : markup`<text class="name" x="${left - 8}" y="${px(middle + 3)}" text-anchor="end">${b.name}</text>`;
        const drawn = b.values.map((v, i) => {
          const y = top + i * (THICK + 2);
          const [from, to] =
            v === undefined ? [zero, zero] : [Math.min(zero, scale.at(v)), Math.max(zero, scale.at(v))];
          const interval = b.intervals?.[i];
          const end = Math.max(to, interval ? scale.at(interval[1]) : to);
          return [
            markup`<rect x="${px(from)}" y="${y}" width="${px(Math.max(v === undefined ? 0 : 1, to - from))}" height="${THICK}" fill="${seriesColor(i)}"/>`,
            interval && markup`<line class="whisker" x1="${px(scale.at(interval[0]))}" x2="${px(scale.at(interval[1]))}" y1="${y + THICK / 2}" y2="${y + THICK / 2}"/>`, // prettier-ignore
            markup`<text x="${px(end + 6)}" y="${y + 11}">${texts(b)[i]}</text>`,
          ];
        });
        return [name, drawn];
      });
      const label = markup`<text x="${width}" y="${lower + 2 * LINE - 4}" text-anchor="end">${axis.label}</text>`;
      const summary = bars.map((b) => `${b.name}: ${texts(b).join(', ')}`).join('; ');
      return svg(title, summary, width, lower + 2 * LINE, [legend, grid, rows, label]);
    },
    values: {
      columns: ['', ...series.map((name) => ({ title: name || axis.label, align: 'end' as const }))],
      rows: bars.map((b) => [b.name, ...b.values.map((v) => (v === undefined ? '\u2013' : short(v, 4)))]),
    },
  };
}
