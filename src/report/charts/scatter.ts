/** Points with intervals, and lines behind them: trade-offs, rooflines. */
import { line, symbol, symbolsFill } from 'd3-shape';
import { markup } from '../markup.ts';
import { short } from '../numbers.ts';
import { seriesColor } from '../tokens.ts';
import { frame, px, textWidth, type Axis, type Frame } from './axes.ts';
import { need, type Chart } from './chart.ts';

/** Lower and upper end of an error bar. */
type Interval = readonly [number, number];

export interface ScatterPoint {
  x: number;
  y: number;
  xInterval?: Interval;
  yInterval?: Interval;
  /** Shown on hovering, and in the table. */
  name: string;
  /** Written beside the point too, where the chart is wide. */
  isLabelled?: boolean;
}

export interface ScatterSpec {
  title: string;
  x: Axis;
  y: Axis;
  groups: readonly { name: string; points: readonly ScatterPoint[] }[];
  /** Behind the points, such as the roof of a roofline. */
  lines?: readonly { name: string; points: readonly (readonly [x: number, y: number])[] }[];
  height?: number;
}

/** Names of points are written from this width on. */
const ROOMY = 480;

export function scatterChart({ title, x, y, groups, lines = [], height = 320 }: ScatterSpec): Chart {
  const points = groups.flatMap((g) => g.points);
  need(points.length > 0, title, 'there is no point to draw');
  for (const p of points) need(Number.isFinite(p.x) && Number.isFinite(p.y), title, `'${p.name}' is not finite`);
  const sign = (i: number) => symbol(symbolsFill[i % symbolsFill.length], 64).digits(1)() ?? '';
  const shown = groups.length + lines.length > 1;
  const legend = shown
    ? [
        ...groups.map(({ name }, i) => ({ name, sample: markup`<path d="${sign(i)}" transform="translate(9 7)" fill="${seriesColor(i)}"/>` })), // prettier-ignore
        ...lines.map(({ name }, i) => ({ name, sample: markup`<line class="axis" x1="0" x2="18" y1="7" y2="7" stroke-dasharray="${i > 0 ? '4 3' : 'none'}"/>` })), // prettier-ignore
      ]
    : [];
  const ends = lines.flatMap((l) => l.points);
  const spec = {
    title,
    summary: `${points.length} points: ${y.label} over ${x.label}`,
    x,
    y,
    xs: [...points.flatMap((p) => [p.x, ...(p.xInterval ?? [])]), ...ends.map((p) => p[0])],
    ys: [...points.flatMap((p) => [p.y, ...(p.yInterval ?? [])]), ...ends.map((p) => p[1])],
    legend,
  };
  return {
    title,
    draw(width) {
      const f = frame(spec, width, height);
      const path = line<readonly [number, number]>((p) => f.x.at(p[0]), (p) => f.y.at(p[1])).digits(1); // prettier-ignore
      const behind = lines.map(
        (l, i) => markup`<path class="curve" stroke="var(--quiet)" stroke-dasharray="${i > 0 ? '4 3' : 'none'}" d="${path(l.points) ?? ''}"/>`, // prettier-ignore
      );
      const marks = groups.map((g, i) =>
        g.points.map((p) => [
          whiskers(f, p),
          markup`<path class="halo" d="${sign(i)}" transform="translate(${px(f.x.at(p.x))} ${px(f.y.at(p.y))})" fill="${seriesColor(i)}"><title>${p.name}: ${short(p.x, 4)}, ${short(p.y, 4)}</title></path>`,
          p.isLabelled && width >= ROOMY && label(f, p, width),
        ]),
      );
      return f.close([behind, marks]);
    },
    values: {
      columns: ['', { title: x.label, align: 'end' }, { title: y.label, align: 'end' }],
      rows: points.map((p) => [p.name, withInterval(p.x, p.xInterval), withInterval(p.y, p.yInterval)]),
    },
  };
}

const withInterval = (v: number, interval: Interval | undefined): string =>
  interval ? `${short(v, 4)} (${short(interval[0])} to ${short(interval[1])})` : short(v, 4);

function whiskers({ x, y }: Frame, p: ScatterPoint) {
  const [cx, cy] = [px(x.at(p.x)), px(y.at(p.y))];
  return [
    p.xInterval && markup`<line class="whisker" x1="${px(x.at(p.xInterval[0]))}" x2="${px(x.at(p.xInterval[1]))}" y1="${cy}" y2="${cy}"/>`, // prettier-ignore
    p.yInterval && markup`<line class="whisker" x1="${cx}" x2="${cx}" y1="${px(y.at(p.yInterval[0]))}" y2="${px(y.at(p.yInterval[1]))}"/>`, // prettier-ignore
  ];
}

/** To the right of the point, or to the left where it would leave the chart. */
function label({ x, y }: Frame, p: ScatterPoint, width: number) {
  const at = x.at(p.x);
  const left = at + 8 + textWidth(p.name) > width;
  return markup`<text class="name" x="${px(left ? at - 8 : at + 8)}" y="${px(y.at(p.y) + 4)}" text-anchor="${left ? 'end' : 'start'}">${p.name}</text>`;
}
