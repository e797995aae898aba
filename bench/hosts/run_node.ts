/** A run in this process. */
import { aboutAdapter, aboutContestant } from '../core/about.ts';
import { Budget } from '../core/budget.ts';
import type { Contestant } from '../core/case.ts';
import type { BenchResult } from '../core/result.ts';
import { measureRoofline } from '../core/roofline.ts';
import { runCases } from '../core/run.ts';
import { select } from '../core/select.ts';
import { writeResult } from './files.ts';
import { resultOf } from './header.ts';
import { machine, networksOf, openWgrad } from './node_host.ts';
import type { BenchOptions } from './options.ts';
import { progress, printSummary } from './terminal.ts';
import { openTfjs } from './tfjs_node.ts';

/** Software adapters compute in threads of this process. */
function processor(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

export async function runInNode(options: BenchOptions): Promise<BenchResult> {
  const started = performance.now();
  const { selection, rounds, seconds, limit } = options;
  const cases = select(selection);
  if (cases.length === 0) throw new Error('bench: no case is left of this selection');
  const networks = await networksOf(selection.size === 'tiny');
  const { engine, contestant } = await openWgrad(networks, console.log);
  const contestants: Contestant[] = [contestant];
  if (options.peers.includes('tfjs-webgpu')) contestants.push(await openTfjs(networks.network));
  const roofline = await measureRoofline(engine.gpuDevice, selection.size === 'tiny' ? { rounds: 1, large: 1 << 22 } : {}); // prettier-ignore
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      console.log('stopping after this case; once more ends at once');
      stop.abort();
    });
  }
  const { signal } = stop;
  const budget = limit === undefined ? undefined : new Budget(limit - (performance.now() - started) / 1000);
  const measured = await runCases(cases, contestants, {
    rounds,
    seconds,
    roofline,
    onCase: progress,
    signal,
    budget,
    processor,
  });
  const result = resultOf(
    options,
    networks.network,
    { host: 'node', runtime: `Node ${process.versions.node}`, machine: machine(), started },
    {
      adapter: aboutAdapter(engine.gpuDevice, engine.description),
      roofline,
      contestants: contestants.map(aboutContestant),
      ...measured,
    },
  );
  await writeResult(options.out, result);
  printSummary(result);
  await engine.dispose();
  return result;
}
