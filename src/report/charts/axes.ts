/** Two axes with their ticks and grid, and what stands above them: the legend and the name of the vertical axis. */
import { scaleLinear, scaleLog } from 'd3-scale';
import { markup, type Content, type Markup } from '../markup.ts';
import { short } from '../numbers.ts';
import { sizes } from '../tokens.ts';
import { need } from './chart.ts';

export interface Axis {
  /** With the unit: 'time, s'. */
  label: string;
  /** Powers of ten evenly apart; all values must be above 0. */
  log?: boolean;
  /** Ends. Default: of the values, rounded outwards; along the curves of a line chart, of the values as they are. */
  domain?: readonly [number, number];
  /** Ticks at whole numbers alone: of steps, epochs, counts. */
  isWhole?: boolean;
  /** The number at a tick. */
  format?: (value: number) => string;
}

export interface LegendEntry {
  name: string;
  /** Drawn in a box of 18 x 12. */
  sample: Markup;
}

/** Place for a line of text, px. */
export const LINE = 18;

/** More than the mean of common faces, so that text fits without being measured. */
export const textWidth = (text: string): number => Math.ceil(0.62 * sizes.small * text.length);

export interface Scale {
  /** px. */
  at(value: number): number;
  ticks: readonly { at: number; text: string }[];
}

/** @param range px of the lower and the upper end. */
export function axisScale(title: string, axis: Axis, values: readonly number[], range: [number, number]): Scale {
  const finite = values.filter(Number.isFinite);
  need(finite.length > 0 || axis.domain !== undefined, title, `no finite value along '${axis.label}'`);
  let [low, high] = axis.domain ?? [Math.min(...finite), Math.max(...finite)];
  const room = Math.abs(range[1] - range[0]);
  if (axis.log) {
    const least = Math.min(low, ...finite);
    need(least > 0, title, `a logarithmic axis cannot show ${short(least)} ('${axis.label}')`);
    if (low === high) [low, high] = [low / 2, high * 2];
    const scale = scaleLog([low, high], range);
    if (!axis.domain) scale.nice();
    const [from, to] = scale.domain() as [number, number];
    const decades = Math.log10(to / from);
    // 1, 2 and 5 of each decade where few decades are shown; else every so many powers of ten.
    const every = Math.max(1, Math.ceil((decades * 30) / room));
    const isTick = (v: number) => {
      const power = Math.log10(v);
      const whole = Math.abs(power - Math.round(power)) < 1e-6;
      if (whole) return Math.round(power) % every === 0;
      return (decades * 100) / room < 1 && [2, 5].includes(Number((v / 10 ** Math.floor(power)).toPrecision(3)));
    };
    return {
      at: (v) => scale(v),
      ticks: scale.ticks().filter(isTick).map((v) => ({ at: scale(v), text: (axis.format ?? short)(v) })), // prettier-ignore
    };
  }
  if (low === high) [low, high] = [low - 0.5, high + 0.5];
  // Numbers side by side need more room than numbers above one another.
  const count = Math.max(2, Math.floor(room / (range[1] > range[0] ? 64 : 45)));
  const scale = scaleLinear([low, high], range);
  if (!axis.domain) scale.nice(count);
  const format =
    axis.format ??
    (axis.isWhole ? short : undefined) ??
    scale.tickFormat(count, Math.max(Math.abs(low), Math.abs(high)) >= 1e6 ? '~e' : undefined);
  const at = scale.ticks(count).filter((v) => !axis.isWhole || Number.isInteger(v));
  return { at: (v) => scale(v), ticks: at.map((v) => ({ at: scale(v), text: format(v) })) };
}

/** The legend, in as many lines as it needs. */
function legend(entries: readonly LegendEntry[], width: number): { drawn: Content; height: number } {
  if (entries.length === 0) return { drawn: [], height: 0 };
  let [x, y] = [0, 0];
  const drawn = entries.map(({ name, sample }) => {
    const wide = 24 + textWidth(name) + 16;
    if (x > 0 && x + wide - 16 > width) [x, y] = [0, y + LINE];
    const entry = markup`<g transform="translate(${x} ${y})">${sample}<text class="name" x="24" y="11">${name}</text></g>`;
    x += wide;
    return entry;
  });
  return { drawn, height: y + LINE + 6 };
}

export interface Frame {
  x: Scale;
  y: Scale;
  /** The svg with `marks` in it. */
  close(marks: Content): Markup;
}

export interface FrameSpec {
  title: string;
  /** For those who do not see it, in a sentence. */
  summary: string;
  x: Axis;
  y: Axis;
  xs: readonly number[];
  ys: readonly number[];
  legend: readonly LegendEntry[];
}

export function frame(
  { title, summary, x, y, xs, ys, legend: entries }: FrameSpec,
  width: number,
  height: number,
): Frame {
  const top = legend(entries, width);
  const upper = top.height + LINE + 4;
  const lower = height - 2 * LINE - 4;
  need(lower - upper >= 40, title, `a height of ${height} px leaves no room`);
  const yScale = axisScale(title, y, ys, [lower, upper]);
  const left = Math.max(...yScale.ticks.map((t) => textWidth(t.text)), 0) + 8;
  const right = width - 20;
  const xScale = axisScale(title, x, xs, [left, right]);
  const rows = yScale.ticks.map(
    (t) => markup`<line class="grid" x1="${left}" x2="${right}" y1="${px(t.at)}" y2="${px(t.at)}"/><text x="${left - 8}" y="${px(t.at + 4)}" text-anchor="end">${t.text}</text>`, // prettier-ignore
  );
  const columns = xScale.ticks.map(
    (t) => markup`<line class="axis" x1="${px(t.at)}" x2="${px(t.at)}" y1="${lower}" y2="${lower + 4}"/><text x="${px(t.at)}" y="${lower + LINE}" text-anchor="middle">${t.text}</text>`, // prettier-ignore
  );
  const names = markup`<text x="0" y="${top.height + 11}">${y.label}</text><text x="${right}" y="${lower + 2 * LINE}" text-anchor="end">${x.label}</text>`;
  return {
    x: xScale,
    y: yScale,
    close: (marks) =>
      svg(title, summary, width, height, [top.drawn, names, rows, columns, markup`<line class="axis" x1="${left}" x2="${right}" y1="${lower}" y2="${lower}"/>`, marks]), // prettier-ignore
  };
}

/** Half a pixel more is not seen, and the file is smaller. */
export const px = (v: number): number => Math.round(10 * v) / 10;

export const svg = (title: string, summary: string, width: number, height: number, content: Content): Markup =>
  markup`<svg class="chart-svg" role="img" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"><title>${title}</title><desc>${summary}</desc>${content}</svg>`;
