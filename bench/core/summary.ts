/** What a result says in a few numbers: ratios by group, for the report and the terminal. */
import type { BenchResult, CaseScore, Score } from './result.ts';
import { geometricMean } from './statistics.ts';

/** Milliseconds that stand for a score: to the results on the host, which every contestant has. */
export const msOf = (score: Score | undefined): number | undefined => score?.readback?.median;

/** The peer's time over wgrad's; undefined where one of them has none. */
export function ratioTo(peer: string, { scores }: CaseScore, of = msOf): number | undefined {
  const [ours, theirs] = [of(scores['wgrad']), of(scores[peer])];
  return ours === undefined || theirs === undefined ? undefined : theirs / ours;
}

export interface GroupRatio {
  group: string;
  peer: string;
  mean: number;
  least: number;
  most: number;
  count: number;
  /** The mean by processor time, where it is known of all. */
  processor?: number;
}

const processorOf = (score: Score | undefined) => score?.processor?.median;

export const peersOf = ({ contestants }: Pick<BenchResult, 'contestants'>): string[] =>
  contestants.map((c) => c.name).filter((name) => name !== 'wgrad');

/** Geometric means, in the order of the cases. */
export function groupRatios(result: Pick<BenchResult, 'contestants' | 'cases'>): GroupRatio[] {
  const groups = [...new Set(result.cases.map((c) => c.group))];
  return groups.flatMap((group) =>
    peersOf(result).flatMap((peer): GroupRatio[] => {
      const own = result.cases.filter((c) => c.group === group);
      const ratios = own.flatMap((c) => ratioTo(peer, c) ?? []);
      if (ratios.length === 0) return [];
      const [least, most] = [Math.min(...ratios), Math.max(...ratios)];
      const spent = own.flatMap((c) => ratioTo(peer, c, processorOf) ?? []);
      const processor = spent.length === ratios.length ? { processor: geometricMean(spent) } : {};
      return [{ group, peer, mean: geometricMean(ratios), least, most, count: ratios.length, ...processor }];
    }),
  );
}

/** What is wrong with a result: outputs that differ, contestants that failed. */
export function faultsOf({ cases }: Pick<BenchResult, 'cases'>): string[] {
  return cases.flatMap(({ suite, name, scores }) =>
    Object.entries(scores).flatMap(([contestant, { agrees, error, failed }]) => {
      const at = `${suite}/${name}, ${contestant}`;
      if (failed) return [`${at}: ${failed}`];
      return agrees === false ? [`${at}: its outputs differ from wgrad's by ${error!.toExponential(1)}`] : [];
    }),
  );
}
