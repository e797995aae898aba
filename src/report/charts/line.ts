/** Curves over one axis: losses, accuracies, scores as pixels go. */
import { line } from 'd3-shape';
import { markup } from '../markup.ts';
import { short } from '../numbers.ts';
import { seriesColor } from '../tokens.ts';
import { frame, px, type Axis } from './axes.ts';
import { need, type Chart } from './chart.ts';

export interface Series {
  name: string;
  /** From left to right. A value that is not finite leaves a gap. */
  points: readonly (readonly [x: number, y: number])[];
  dashed?: boolean;
  /** Of the tokens, such as 'var(--frozen)'. Default: the next of the series' colours. */
  color?: string;
}

export interface LineSpec {
  title: string;
  x: Axis;
  y: Axis;
  series: readonly Series[];
  height?: number;
}

/** So few points are marked. */
const MARKED = 24;

const DASHES = '5 4';

export function lineChart({ title, x, y, series, height = 260 }: LineSpec): Chart {
  need(series.some((s) => s.points.length > 0), title, 'there is no point to draw'); // prettier-ignore
  const points = series.flatMap((s) => s.points);
  const color = (i: number) => series[i]!.color ?? seriesColor(i);
  const legend = series.map(({ name, dashed }, i) => ({
    name,
    sample: markup`<line class="curve" x1="0" x2="18" y1="7" y2="7" stroke="${color(i)}" stroke-dasharray="${dashed ? DASHES : 'none'}"/>`,
  }));
  const summary = series.map(inWords).join('; ');
  const extent = [Math.min(...points.map((p) => p[0])), Math.max(...points.map((p) => p[0]))] as const;
  const tight: Axis = x.log || extent[0] === extent[1] ? x : { domain: extent, ...x };
  const spec = { title, summary, x: tight, y, xs: points.map((p) => p[0]), ys: points.map((p) => p[1]), legend };
  return {
    title,
    draw(width) {
      const f = frame(spec, width, height);
      const path = line<readonly [number, number]>()
        .defined(([a, b]) => Number.isFinite(a) && Number.isFinite(b))
        .x((p) => f.x.at(p[0]))
        .y((p) => f.y.at(p[1]))
        .digits(1);
      const curves = series.map(({ points: own, dashed }, i) => {
        const marks = own.length > MARKED ? [] : own.filter((p) => p.every(Number.isFinite));
        return [
          markup`<path class="curve" d="${path(own) ?? ''}" stroke="${color(i)}" stroke-dasharray="${dashed ? DASHES : 'none'}"/>`,
          marks.map(
            ([a, b]) =>
              markup`<circle class="halo" cx="${px(f.x.at(a))}" cy="${px(f.y.at(b))}" r="4" fill="${color(i)}"><title>${series[i]!.name}: ${short(b, 4)} at ${short(a, 4)}</title></circle>`,
          ),
        ];
      });
      return f.close(curves);
    },
    values: valuesOf(x.label, series),
  };
}

/** 'loss: 2.3 at 0 to 0.41 at 64' */
function inWords({ name, points }: Series): string {
  const [first, last] = [points[0], points.at(-1)];
  return first && last ? `${name}: ${short(first[1])} at ${short(first[0])} to ${short(last[1])} at ${short(last[0])}` : `${name}: none`; // prettier-ignore
}

/** So many rows are a table; of more, evenly chosen ones, the last among them. */
const ROWS = 64;

function valuesOf(label: string, series: readonly Series[]) {
  const at = [...new Set(series.flatMap((s) => s.points.map((p) => p[0])))].sort((a, b) => a - b);
  const every = Math.ceil(at.length / ROWS);
  const known = series.map((s) => new Map(s.points));
  const rows = at
    .filter((_, i) => (at.length - 1 - i) % every === 0)
    .map((a) => [short(a, 6), ...known.map((m) => (m.has(a) ? short(m.get(a)!, 4) : ''))]);
  return {
    ...(every > 1 && { caption: `Every ${every}th of ${at.length}` }),
    columns: [label, ...series.map((s) => ({ title: s.name, align: 'end' as const }))],
    rows,
  };
}
