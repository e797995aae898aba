/** A result as Markdown. */
import { short } from '../../src/report/numbers.ts';
import type { BenchResult, CaseScore, Score } from './result.ts';
import { faultsOf, groupRatios, msOf, peersOf, ratioTo, type GroupRatio } from './summary.ts';

const row = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`;

export function table(columns: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const clean = rows.map((r) => row(r.map((c) => String(c).replaceAll('|', '\\|').replaceAll('\n', ' '))));
  return [row(columns), row(columns.map((_, i) => (i ? '---:' : '---'))), ...clean].join('\n');
}

const number = (value: number | undefined, digits = 3) => (value === undefined ? '' : short(value, digits));

export const columnsOf = (peers: readonly string[]): string[] => [
  'case',
  'shape',
  'wgrad ms',
  'p5 to p95',
  'GFLOP/s',
  'GB/s',
  '% of roofline',
  'dispatches',
  'encode ms',
  ...peers.flatMap((p) => [`${p} ms`, 'ratio', 'difference']),
];

/** A line of the table of all timed cases. */
export function cellsOf(one: CaseScore, peers: readonly string[]): string[] {
  const own = one.scores['wgrad'] ?? {};
  const { readback } = own;
  return [
    one.name,
    one.shape,
    number(msOf(own)),
    readback ? `${short(readback.p5)} to ${short(readback.p95)}` : (own.failed ?? ''),
    number(own.gflops),
    number(own.gbs),
    own.roofShare === undefined ? '' : short(100 * own.roofShare, 2),
    number(own.figures?.['dispatches'], 6),
    number(own.encode?.median),
    ...peers.flatMap((p) => {
      const score = one.scores[p];
      const difference = score?.error === undefined ? '' : score.error.toExponential(0);
      return [score?.failed ? '–' : number(msOf(score)), number(ratioTo(p, one)), difference];
    }),
  ];
}

/** Cases whose parts or counts are what matters. */
export const isTabled = ({ suite }: CaseScore): boolean => suite !== 'memory';

export function figureRows(cases: readonly CaseScore[]): string[][] {
  return cases.flatMap(({ name, scores }) =>
    Object.entries(scores).flatMap(([contestant, { figures = {} }]) =>
      Object.entries(figures).map(([what, bytes]) => [name, contestant, what, `${(bytes / 1e6).toFixed(1)} MB`]),
    ),
  );
}

export function partRows(cases: readonly CaseScore[]): string[][] {
  return cases.flatMap(({ name, scores }) =>
    Object.entries(scores).flatMap(([contestant, { parts = {} }]) =>
      Object.entries(parts).map(([part, t]) => [
        name,
        contestant,
        part,
        `${short(t.median)} ms`,
        inForwards(parts, part),
      ]),
    ),
  );
}

/** Over the forward pass that was timed beside the part, where there is one. */
function inForwards({ forward, ...parts }: NonNullable<Score['parts']>, part: string): string {
  const own = parts[part];
  return forward && own ? short(own.median / forward.median) : '';
}

export const partColumns = ['case', 'contestant', 'part', 'median', 'forwards'] as const;

/** What is missing, and what is not as it should be. */
export const ratioColumns = ['group', 'peer', 'mean', 'least', 'most', 'cases', 'by processor time'] as const;

export const ratioCells = (r: GroupRatio): (string | number)[] => [
  r.group,
  r.peer,
  short(r.mean),
  short(r.least),
  short(r.most),
  r.count,
  number(r.processor),
];

export const remarksOn = (result: BenchResult): string[] => [
  ...(result.made.interrupted ? ['It was stopped before its end: cases are missing.'] : []),
  ...(result.made.leftOut ? [`Left out, for want of time: ${result.made.leftOut.join('; ')}.`] : []),
  ...faultsOf(result),
];

export function toMarkdown(result: BenchResult): string {
  const { made, adapter, roofline, network, contestants, cases } = result;
  const peers = peersOf(result);
  const ratios = groupRatios(result);
  const memory = figureRows(cases.filter((c) => c.suite === 'memory'));
  const parts = partRows(cases);
  const remarks = remarksOn(result);
  const section = (title: string, body: string | false) => (body ? [`## ${title}`, body] : []);
  return [
    `# wgrad bench, ${made.date.slice(0, 10)}, ${adapter.description}`,
    `\`${made.command}\` at ${made.commit}${made.changed ? ' and changes' : ''}, ${made.runtime}, ${made.machine}; ${made.seconds.toFixed(0)} s. Network: ${network.name}. Medians of interleaved rounds, from the call to the results on the host.`,
    `Roofline, measured: ${short(roofline.gflops)} GFLOP/s, ${short(roofline.gbs)} GB/s from memory, ${short(roofline.cachedGbs)} GB/s from a cache.`,
    ...section(
      'Ratios (time of the peer over time of wgrad; geometric means)',
      ratios.length > 0 && table(ratioColumns, ratios.map(ratioCells)),
    ),
    ...section(
      'Cases',
      table(
        columnsOf(peers),
        cases.filter(isTabled).map((c) => cellsOf(c, peers)),
      ),
    ),
    ...section('Parts', parts.length > 0 && table(partColumns, parts)),
    ...section('Memory', memory.length > 0 && table(['case', 'contestant', 'what', 'size'], memory)),
    ...section(
      'Contestants',
      table(
        ['name', 'version', 'ran on'],
        contestants.map((c) => [c.name, c.version, c.backend + (c.context ? `; context: ${c.context}` : '')]),
      ),
    ),
    ...section('Not as expected', remarks.length > 0 && remarks.map((f) => `- ${f}`).join('\n')),
    '',
  ].join('\n\n');
}
