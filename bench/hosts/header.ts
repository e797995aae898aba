/** What stands over the figures of a run, in Node and in a browser: who measured what, when, where and by which command. */
import type { NetworkSource } from '../core/case.ts';
import { SCHEMA, type BenchResult, type Measured } from '../core/result.ts';
import { commit } from './node_host.ts';
import type { BenchOptions } from './options.ts';
import { withoutPaths } from './paths.ts';

interface Where {
  host: BenchResult['made']['host'];
  /** Version of Node or of the browser. */
  runtime: string;
  machine: string;
  /** On the clock of `performance.now()`. */
  started: number;
}

/** With a header: a result. Paths of this machine are no part of it. */
export function resultOf(
  { selection, rounds, seconds, command }: BenchOptions,
  { name, sha256, side, classes }: NetworkSource,
  { started, ...where }: Where,
  { leftOut, interrupted, ...measured }: Measured,
): BenchResult {
  const { shard } = selection;
  return withoutPaths({
    schema: SCHEMA,
    made: {
      date: new Date().toISOString(),
      command,
      ...commit(),
      ...where,
      ...(shard && { shard: `${shard.index}/${shard.count}` }),
      ...(leftOut && { leftOut }),
      ...(interrupted && { interrupted }),
      seconds: (performance.now() - started) / 1000,
    },
    network: { name, sha256, side, classes },
    options: { rounds, seconds, quick: selection.size === 'quick' },
    ...measured,
  });
}
