/** Kept results in one table, with the commands that made them: what README and docs quote. */
import { short } from '../../src/report/numbers.ts';
import { table } from './markdown.ts';
import type { BenchResult } from './result.ts';
import { faultsOf, groupRatios, msOf } from './summary.ts';

/** @param results by the names of their folders. */
export function resultsIndex(results: Readonly<Record<string, BenchResult>>): string {
  const folders = Object.entries(results);
  const link = (name: string) => `[${name}](${name}/result.md)`;
  const runs = folders.map(([name, { made, adapter }]) => [
    link(name),
    adapter.description,
    `${made.date.slice(0, 16).replace('T', ' ')} at ${made.commit}${made.changed ? ' and changes' : ''}`,
    `\`${made.command}\``,
    `${short(made.seconds / 60)} min`,
  ]);
  const times = folders.flatMap(([name, { cases, roofline }]) =>
    cases
      .filter((c) => ['model', 'train'].includes(c.suite))
      .map((c) => {
        const own = c.scores['wgrad'];
        const rate = own?.gflops === undefined ? '' : `${short(own.gflops)}, ${short((100 * own.gflops) / roofline.gflops, 2)} %`; // prettier-ignore
        return [name, c.name, msOf(own) === undefined ? '' : short(msOf(own)!), rate, String(c.rounds)];
      }),
  );
  const ratios = folders.flatMap(([name, result]) =>
    groupRatios(result).map((r) => [
      name,
      r.group,
      r.peer,
      short(r.mean),
      `${short(r.least)} to ${short(r.most)}`,
      String(r.count),
      r.processor === undefined ? '' : short(r.processor),
    ]),
  );
  const faults = folders.flatMap(([name, result]) => faultsOf(result).map((fault) => `- ${name}: ${fault}`));
  return [
    '# Results that are kept',
    'Written by `npm run bench -- --index`. README and docs/performance.md quote from here alone.',
    table(['result', 'adapter', 'made', 'command', 'took'], runs),
    "A peer's time over wgrad's: geometric means over the cases of a group, each a ratio of medians of interleaved rounds; by wall time, and by processor time where the peer ran in the same process.",
    table(['result', 'group', 'peer', 'mean', 'least and most', 'cases', 'by processor time'], ratios),
    'Whole uses of the network: wgrad, medians, and the share of the arithmetic that the adapter was measured to do.',
    table(['result', 'case', 'ms', 'GFLOP/s, share', 'rounds'], times),
    ...(faults.length > 0 ? ['Not as expected:', faults.join('\n')] : []),
    '',
  ].join('\n\n');
}
