/** Which cases a run has. */
import { casesOf, tinyCases } from '../cases/index.ts';
import { idOf, type Case, type Suite } from './case.ts';

export interface Selection {
  /** Default: all. */
  suites?: readonly Suite[] | undefined;
  /** Of full size, those of two minutes, those of `bench:smoke`, or tiny ones. */
  size: 'full' | 'quick' | 'smoke' | 'tiny';
  /** A regular expression on `suite/name`. */
  filter?: RegExp | undefined;
  /** The i-th of n parts, from 1. */
  shard?: { index: number; count: number } | undefined;
}

export function select({ suites, size, filter, shard }: Selection): Case[] {
  const all: readonly Case[] =
    size === 'tiny' ? tinyCases.filter((c) => !suites || suites.includes(c.suite)) : casesOf(suites);
  const sized = all.filter((c) => (size === 'quick' ? c.quick : size === 'smoke' ? c.smoke : true));
  const wanted = filter ? sized.filter((c) => filter.test(idOf(c))) : sized;
  // Every n-th, so that each shard has some of the long and some of the short ones.
  return shard ? wanted.filter((_, i) => i % shard.count === shard.index - 1) : wanted;
}
