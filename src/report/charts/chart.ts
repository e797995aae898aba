/** A chart: drawn at any width, put into a page with its values as a table, or written as a file of its own. */
import { WgradError } from '../../errors.ts';
import { markup, raw, type Content, type Markup } from '../markup.ts';
import { table, type Table } from '../table.ts';
import { themeCss } from '../tokens.ts';
import { chartCss } from './css.ts';

export interface Chart {
  title: string;
  /** An svg element, `width` px wide, whose text is as large at every width. */
  draw(width: number): Markup;
  /** What is drawn, in numbers: for those who cannot see it, or want to know. */
  values: Table;
}

/** For a phone, and for wider screens. */
const WIDTHS = { narrow: 320, wide: 560 } as const;

/** @param note below the chart. */
export function chartFigure(
  chart: Chart,
  { note, wide = WIDTHS.wide }: { note?: Content; wide?: number } = {},
): Markup {
  const below = note !== undefined && markup`<p class="note">${note}</p>`;
  return markup`<figure class="chart"><figcaption>${chart.title}</figcaption>
<div class="narrow">${chart.draw(WIDTHS.narrow)}</div><div class="wide">${chart.draw(wide)}</div>${below}
<details><summary>Values</summary>${table(chart.values)}</details></figure>`;
}

/** Side by side where there is room. */
export const chartRow = (...figures: readonly Content[]): Markup => markup`<div class="charts">${figures}</div>`;

/** A whole SVG file. */
export function chartFile(chart: Chart, width: number = WIDTHS.wide): string {
  const style = `${themeCss('.chart-svg')}${chartCss}.chart-svg{background:var(--paper)}`;
  return chart
    .draw(width)
    .text.replace(/^<svg /, '<svg xmlns="http://www.w3.org/2000/svg" ')
    .replace(/(<title>)/, `${raw(`<style>${style}</style>`).text}$1`);
}

/** @throws WgradError 'invalid-argument'. */
export function need(condition: boolean, title: string, problem: string): asserts condition {
  if (!condition) throw new WgradError('invalid-argument', `chart '${title}': ${problem}`);
}
