/** A run in this process. */
import { aboutAdapter } from '../core/about.ts';
import type { Contestant } from '../core/case.ts';
import { SCHEMA, type BenchResult } from '../core/result.ts';
import { measureRoofline } from '../core/roofline.ts';
import { runCases } from '../core/run.ts';
import { select } from '../core/select.ts';
import { writeResult } from './files.ts';
import { commit, machine, networksOf, openWgrad } from './node_host.ts';
import type { BenchOptions } from './options.ts';
import { progress, printSummary } from './terminal.ts';
import { openTfjs } from './tfjs_node.ts';

export async function runInNode(options: BenchOptions): Promise<BenchResult> {
  const started = performance.now();
  const { selection, rounds, seconds } = options;
  const cases = select(selection);
  if (cases.length === 0) throw new Error('bench: no case is left of this selection');
  const networks = await networksOf(selection.size === 'tiny');
  const { engine, contestant } = await openWgrad(networks, console.log);
  const contestants: Contestant[] = [contestant];
  if (options.peers.includes('tfjs-webgpu')) contestants.push(await openTfjs(networks.network));
  const roofline = await measureRoofline(engine.gpuDevice, selection.size === 'tiny' ? { rounds: 1, large: 1 << 22 } : {}); // prettier-ignore
  const stop = new AbortController();
  process.once('SIGINT', () => {
    console.log('stopping after this case; once more ends at once');
    stop.abort();
  });
  const { signal } = stop;
  const scores = await runCases(cases, contestants, { rounds, seconds, roofline, onCase: progress, signal });
  const { name, sha256, side, classes } = networks.network;
  const result: BenchResult = {
    schema: SCHEMA,
    made: {
      date: new Date().toISOString(),
      command: options.command,
      ...commit(),
      host: 'node',
      runtime: `Node ${process.versions.node}`,
      machine: machine(),
      ...(selection.shard ? { shard: `${selection.shard.index}/${selection.shard.count}` } : {}),
      ...(scores.length < cases.length ? { interrupted: true as const } : {}),
      seconds: (performance.now() - started) / 1000,
    },
    adapter: aboutAdapter(engine.gpuDevice, engine.description),
    network: { name, sha256, side, classes },
    options: { rounds, seconds, quick: selection.size === 'quick' },
    roofline,
    contestants: contestants.map(({ name, version, backend, context }) => ({
      name,
      version,
      backend,
      ...(context === undefined ? {} : { context }),
    })),
    cases: scores,
  };
  await writeResult(options.out, result);
  printSummary(result);
  await engine.dispose();
  return result;
}
