/** Two results of the same cases: what became faster or slower, with intervals. */
import { short } from '../../src/report/numbers.ts';
import { idOf } from './case.ts';
import type { BenchResult } from './result.ts';
import { geometricMean, ratioOfMedians, type RatioInterval } from './statistics.ts';

export interface Change extends RatioInterval {
  id: string;
  contestant: string;
  group: string;
  before: number;
  after: number;
  /** By the interval: it lies above or below 1, by {@link LEAST} at least. */
  verdict: 'slower' | 'faster' | 'unclear';
}

export interface Comparison {
  changes: readonly Change[];
  /** Of each contestant over all cases, geometric: peers that did not change show what the machine did. */
  means: Readonly<Record<string, number>>;
  /** Cases of one result alone. */
  only: { before: readonly string[]; after: readonly string[] };
  /** Why the two may not be comparable. */
  caveats: readonly string[];
}

/** Two runs of the same code on one machine differ by some percent: less says nothing. */
const LEAST = 0.03;

const verdictOf = ({ low, high }: RatioInterval): Change['verdict'] =>
  low > 1 + LEAST ? 'slower' : high < 1 / (1 + LEAST) ? 'faster' : 'unclear';

/** Ratios are the time after over the time before: above 1 is slower. */
export function compare(before: BenchResult, after: BenchResult): Comparison {
  const known = new Map(before.cases.map((c) => [idOf(c), c]));
  const changes: Change[] = [];
  for (const now of after.cases) {
    const id = idOf(now);
    const then = known.get(id);
    if (!then) continue;
    for (const [contestant, score] of Object.entries(now.scores)) {
      const [a, b] = [then.scores[contestant]?.readback, score.readback];
      if (!a || !b) continue;
      const interval = ratioOfMedians(b.samples, a.samples, { seed: `${id} ${contestant}` });
      const { median: from } = a;
      changes.push({ id, contestant, group: now.group, before: from, after: b.median, ...interval, verdict: verdictOf(interval) }); // prettier-ignore
    }
  }
  const names = [...new Set(changes.map((c) => c.contestant))];
  const ratios = (name: string) => changes.filter((c) => c.contestant === name).map((c) => c.ratio);
  const here = new Set(after.cases.map(idOf));
  return {
    changes,
    means: Object.fromEntries(names.map((name) => [name, geometricMean(ratios(name))])),
    only: {
      before: [...known.keys()].filter((id) => !here.has(id)),
      after: [...here].filter((id) => !known.has(id)),
    },
    caveats: caveats(before, after),
  };
}

const telling: Readonly<Record<string, (r: BenchResult) => string>> = {
  adapter: (r) => r.adapter.description,
  machine: (r) => r.made.machine,
  runtime: (r) => r.made.runtime,
  network: (r) => `${r.network.name} ${r.network.sha256.slice(0, 12)}`,
};

const caveats = (a: BenchResult, b: BenchResult): string[] =>
  Object.entries(telling).flatMap(([what, of]) =>
    of(a) === of(b) ? [] : [`the ${what} is another: ${of(a)}, then ${of(b)}`],
  );

const line = ({ id, contestant, before, after, ratio, low, high, verdict }: Change) =>
  `| ${id} | ${contestant} | ${short(before)} | ${short(after)} | ${short(ratio)} | ${short(low)} to ${short(high)} | ${verdict} |`;

/** As Markdown: slower ones first. */
export function compareMarkdown(before: BenchResult, after: BenchResult): string {
  const { changes, means, only, caveats } = compare(before, after);
  const order = { slower: 0, faster: 1, unclear: 2 } as const;
  const sorted = [...changes].sort((a, b) => order[a.verdict] - order[b.verdict] || b.ratio - a.ratio);
  const count = (verdict: Change['verdict']) => changes.filter((c) => c.contestant === 'wgrad' && c.verdict === verdict).length; // prettier-ignore
  const of = ({ made }: BenchResult) => `${made.commit}${made.changed ? ' and changes' : ''} (${made.date.slice(0, 10)})`; // prettier-ignore
  return [
    `# ${of(before)} to ${of(after)}`,
    `wgrad is slower in ${count('slower')} cases, faster in ${count('faster')}; in ${count('unclear')} the 95 % interval of the ratio (bootstrap of the medians) does not leave 1 by ${100 * LEAST} %.`,
    `Time after over time before, geometric means: ${Object.entries(means).map(([name, r]) => `${name} ${short(r)}`).join(', ')}. Peers that did not change show what the machine did.`, // prettier-ignore
    ...caveats.map((c) => `Beware: ${c}.`),
    [
      '| case | contestant | before, ms | after, ms | ratio | 95 % interval | verdict |',
      '| --- | --- | ---: | ---: | ---: | ---: | --- |',
      ...sorted.map(line),
    ].join('\n'),
    ...(only.before.length > 0 ? [`Only before: ${only.before.join(', ')}.`] : []),
    ...(only.after.length > 0 ? [`Only after: ${only.after.join(', ')}.`] : []),
    '',
  ].join('\n\n');
}
