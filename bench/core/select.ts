/** Which cases a run has. */
import { casesOf, tinyCases } from '../cases/index.ts';
import { idOf, type Case, type Suite } from './case.ts';

export interface Selection {
  /** Default: all. */
  suites?: readonly Suite[] | undefined;
  /** Of full size all, or those of `--quick`, `--smoke` or `--record`; or tiny ones. */
  size: 'full' | 'quick' | 'smoke' | 'record' | 'tiny';
  /** A regular expression on `suite/name`. */
  filter?: RegExp | undefined;
  /** The i-th of n parts, from 1. */
  shard?: { index: number; count: number } | undefined;
}

export function select({ suites, size, filter, shard }: Selection): Case[] {
  const all: readonly Case[] =
    size === 'tiny' ? tinyCases.filter((c) => !suites || suites.includes(c.suite)) : casesOf(suites);
  const sized: readonly Case[] = size === 'full' || size === 'tiny' ? all : all.filter((c) => c[size]);
  const wanted = sized.filter((c) => !filter || filter.test(idOf(c)));
  // Every n-th, so that each shard has some of the long and some of the short ones.
  return shard ? wanted.filter((_, i) => i % shard.count === shard.index - 1) : wanted;
}
