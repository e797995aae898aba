/** A result as one self-contained page: ratios, roofline, where the time goes, every figure. */
import {
  barChart,
  chartFigure,
  chartRow,
  facts,
  markup,
  percent,
  renderPage,
  scatterChart,
  short,
  table,
  type Content,
  type Section,
} from '../../src/report/index.ts';
import {
  cellsOf,
  columnsOf,
  figureRows,
  isTabled,
  partColumns,
  partRows,
  ratioCells,
  ratioColumns,
  remarksOn,
} from './markdown.ts';
import type { BenchResult, CaseScore } from './result.ts';
import { groupRatios, peersOf, ratioTo } from './summary.ts';

export function toPage(result: BenchResult): string {
  const { made, adapter, network, roofline } = result;
  const remarks = remarksOn(result);
  return renderPage({
    title: 'wgrad bench',
    intro: [
      adapter.description,
      `${made.date.slice(0, 16).replace('T', ' ')}, ${made.commit}${made.changed ? ' and changes' : ''}; ${made.runtime}; ${made.machine}. Network: ${network.name}, ${network.side} x ${network.side}.`,
      'Times are medians of interleaved rounds on one machine, from the call to the results on the host. A ratio is the time of the peer over the time of wgrad.',
    ],
    facts: headline(result),
    ...(remarks.length > 0 ? { warning: remarks.map((r) => markup`<p>${r}</p>`) } : {}),
    command: made.command,
    css: '.data th:first-child{min-width:11rem}.data td:nth-child(2){white-space:nowrap}',
    sections: [
      ratioSection(result),
      rooflineSection(result),
      timeSection(result),
      partsSection(result),
      memorySection(result),
      { title: 'All cases', text: `Roofline, measured: ${short(roofline.gflops)} GFLOP/s, ${short(roofline.gbs)} GB/s from memory, ${short(roofline.cachedGbs)} GB/s from a cache.`, body: caseTables(result) }, // prettier-ignore
      contestantSection(result),
    ].filter((s): s is Section => s !== undefined),
  });
}

function headline(result: BenchResult): Content {
  const ratios = groupRatios(result).slice(0, 6);
  if (ratios.length === 0) return undefined;
  return facts(ratios.map((r) => ({ value: `${short(r.mean, 2)} x`, label: `${r.group}, beside ${r.peer}` })));
}

/** Names of charts' bars: without what all of a group share. */
const layerOf = ({ name, group }: CaseScore) => name.replace(`, ${group}`, '');

function ratioSection(result: BenchResult): Section | undefined {
  const peers = peersOf(result);
  const groups = [...new Set(result.cases.map((c) => c.group))];
  const figures = groups.flatMap((group) => {
    const own = result.cases.filter((c) => c.group === group && peers.some((p) => ratioTo(p, c) !== undefined));
    if (own.length === 0) return [];
    const bars = own.map((c) => ({ name: layerOf(c), values: peers.map((p) => ratioTo(p, c)) }));
    const axis = { label: "the peer's time / wgrad's" };
    return [chartFigure(barChart({ title: group, axis, bars, series: peers }))];
  });
  const rows = groupRatios(result).map(ratioCells);
  if (figures.length === 0) return undefined;
  return {
    title: 'Beside others',
    body: [table({ columns: ratioColumns, rows }), chartRow(...figures)],
  };
}

export function rooflineSection({ cases, contestants, roofline }: BenchResult): Section | undefined {
  const counted = cases.filter((c) => c.flops > 0 && c.bytes > 0);
  const groups = contestants.flatMap(({ name }) => {
    const points = counted.flatMap((c) => {
      const gflops = c.scores[name]?.gflops;
      return gflops === undefined ? [] : [{ name: `${name}, ${c.name}`, x: c.flops / c.bytes, y: gflops }];
    });
    return points.length > 0 ? [{ name, points }] : [];
  });
  if (groups.length === 0) return undefined;
  const xs = groups.flatMap((g) => g.points.map((p) => p.x));
  const ridge = roofline.gflops / roofline.gbs;
  const [from, to] = [Math.min(ridge / 2, ...xs), Math.max(ridge * 2, ...xs)];
  const chart = scatterChart({
    title: 'Roofline',
    x: { label: 'operations a byte', log: true },
    y: { label: 'GFLOP/s', log: true },
    groups,
    lines: [
      { name: 'roof: memory', points: [[from, from * roofline.gbs], [ridge, roofline.gflops]] }, // prettier-ignore
      { name: 'roof: arithmetic', points: [[ridge, roofline.gflops], [to, roofline.gflops]] }, // prettier-ignore
    ],
    height: 420,
  });
  return {
    title: 'Roofline',
    text: 'Operations and bytes are the least that a layer needs, each operand read once. The roof is measured on this adapter by one kernel that only multiplies and adds and one that only reads.',
    body: chartFigure(chart, { wide: 900 }),
  };
}

/** So many bars tell the story; the rest is one. */
const BARS = 14;

function timeSection({ cases }: BenchResult): Section | undefined {
  const figures = cases.flatMap((c) => {
    const parts = ['model', 'train'].includes(c.suite) ? c.scores['wgrad']?.gpuParts : undefined;
    if (!parts) return [];
    const total = Object.values(parts).reduce((a, b) => a + b, 0);
    const sorted = Object.entries(parts).sort((a, b) => b[1] - a[1]);
    const rest = sorted.slice(BARS).reduce((sum, [, ms]) => sum + ms, 0);
    const shown = [...sorted.slice(0, BARS), ...(rest > 0 ? [['the rest', rest] as const] : [])];
    const bars = shown.map(([name, ms]) => ({ name: `${name} (${percent(ms / total, 0)})`, values: [ms] }));
    return [chartFigure(barChart({ title: `${c.name}: ${short(total)} ms`, axis: { label: 'ms' }, bars }))];
  });
  if (figures.length === 0) return undefined;
  return {
    title: 'Where the time goes',
    text: "By the device's own clock, by role and kernel.",
    body: chartRow(...figures),
  };
}

function partsSection({ cases }: BenchResult): Section | undefined {
  const rows = partRows(cases);
  if (rows.length === 0) return undefined;
  return { title: 'In parts', body: table({ columns: partColumns, rows }) };
}

function memorySection({ cases }: BenchResult): Section | undefined {
  const rows = figureRows(cases.filter((c) => c.suite === 'memory'));
  if (rows.length === 0) return undefined;
  return { title: 'Memory', body: table({ columns: ['case', 'contestant', 'what', 'size'], rows }) };
}

function caseTables(result: BenchResult): Content {
  const peers = peersOf(result);
  const suites = [...new Set(result.cases.filter(isTabled).map((c) => c.suite))];
  const columns = columnsOf(peers).map((title, i) => (i < 2 ? title : { title, align: 'end' as const }));
  return suites.map((suite) =>
    table({
      caption: suite,
      columns,
      rows: result.cases.filter((c) => c.suite === suite).map((c) => cellsOf(c, peers)),
    }),
  );
}

function contestantSection({ contestants }: BenchResult): Section {
  const rows = contestants.map((c) => [c.name, c.version, c.backend, c.context ?? '']);
  return { title: 'Contestants', body: table({ columns: ['name', 'version', 'ran on', 'context'], rows }) };
}
