/** Shards of one run, made one after another or on many machines of a kind, as one result. */
import { casesOf, tinyCases } from '../cases/index.ts';
import { idOf } from './case.ts';
import type { BenchResult, CaseScore } from './result.ts';
import { roofMs, type Roofline } from './roofline.ts';

const distinct = (values: readonly string[], between: string) => [...new Set(values)].join(between);

/** What must be the same for figures to stand in one table. */
const alike: Readonly<Record<string, (r: BenchResult) => unknown>> = {
  schema: (r) => r.schema,
  adapter: (r) => r.adapter.description,
  commit: (r) => r.made.commit,
  host: (r) => r.made.host,
  network: (r) => r.network.sha256,
  contestants: (r) => r.contestants.map((c) => `${c.name} ${c.version}`).join(),
};

/** @throws Error where they are no parts of one run. */
export function merge(results: readonly BenchResult[]): BenchResult {
  const [first, ...others] = results;
  if (!first) throw new Error('bench: nothing to merge');
  for (const [what, of] of Object.entries(alike)) {
    const odd = others.find((r) => of(r) !== of(first));
    if (odd)
      throw new Error(`bench: these are no parts of one run: ${what} ${String(of(first))} and ${String(of(odd))}`);
  }
  const cases = results.flatMap((r) => r.cases);
  const ids = cases.map(idOf);
  const twice = ids.find((id, i) => ids.indexOf(id) !== i);
  if (twice !== undefined) throw new Error(`bench: ${twice} is in two of them`);
  const most = (of: (r: Roofline) => number) => Math.max(...results.map((r) => of(r.roofline)));
  // Noise only slows down: the best measurement is the roof of all.
  const roofline = { gflops: most((r) => r.gflops), gbs: most((r) => r.gbs), cachedGbs: most((r) => r.cachedGbs) };
  const made = results.map((r) => r.made);
  const leftOut = made.flatMap((m) => m.leftOut ?? []);
  return {
    ...first,
    made: {
      ...first.made,
      date: made.map((m) => m.date).sort()[0]!,
      command: distinct(made.map((m) => m.command), '; '), // prettier-ignore
      changed: made.some((m) => m.changed),
      machine: distinct(made.map((m) => m.machine), '; '), // prettier-ignore
      shard: made.map((m) => m.shard ?? 'all').join(','),
      ...(leftOut.length > 0 && { leftOut }),
      ...(made.some((m) => m.interrupted) && { interrupted: true as const }),
      seconds: made.reduce((sum, m) => sum + m.seconds, 0),
    },
    roofline,
    cases: inOrder(cases).map((c) => underRoof(c, roofline)),
  };
}

/** As in a run that was not parted. */
function inOrder(cases: readonly CaseScore[]): CaseScore[] {
  const order = new Map([...tinyCases, ...casesOf()].map((c, i) => [idOf(c), i]));
  const place = (c: CaseScore) => order.get(idOf(c)) ?? order.size;
  return [...cases].sort((a, b) => place(a) - place(b));
}

/** Shares of the roofline anew. */
function underRoof(one: CaseScore, roofline: Roofline): CaseScore {
  const scores = Object.entries(one.scores).map(([name, score]) => {
    const ms = (score.done ?? score.readback)?.median;
    if (score.roofShare === undefined || ms === undefined) return [name, score] as const;
    return [name, { ...score, roofShare: roofMs(roofline, one.flops, one.bytes) / ms }] as const;
  });
  return { ...one, scores: Object.fromEntries(scores) };
}
