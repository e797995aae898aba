/**
 * Damaged files by the thousand: `npm run fuzz -- [--kind model|safetensors|picture] [--count N] [--seed S]
 * [--shard I/N] [--corpus FOLDER]... [--out FOLDER] [--fresh] [--only KIND:INDEX]`.
 *
 * Cases run in a child process, which a watchdog restarts after a crash or a hang. What fails is listed in
 * OUT/faults.jsonl with its file beside it; a run that was stopped goes on where it was, unless --fresh.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { KINDS, makeCase, runCase, type Kind, type Outcome } from '../test/fuzz/cases.ts';
import { corpus } from '../test/fuzz/corpus.ts';

const FULL: Readonly<Record<Kind, number>> = { model: 100_000, safetensors: 20_000, picture: 20_000 };

/** A case that says nothing for as long hangs. */
const HANG_MS = 30_000;

/** A child that has not begun: loading the code takes its time on a busy machine, and is no case's fault. */
const START_MS = 300_000;

const { values: options } = parseArgs({
  options: {
    kind: { type: 'string' },
    count: { type: 'string' },
    seed: { type: 'string', default: '1' },
    shard: { type: 'string', default: '1/1' },
    corpus: { type: 'string', multiple: true, default: [] },
    out: { type: 'string', default: 'out/fuzz' },
    only: { type: 'string' },
    fresh: { type: 'boolean', default: false },
    child: { type: 'boolean', default: false },
  },
});

type Report = { start: number } | { end: number; outcome: Outcome; name: string };

interface State {
  next: number;
  ran: number;
  faults: number;
  results: Record<string, number>;
  slowest: number;
  largest: number;
}

const kinds = options.kind ? [options.kind as Kind] : [...KINDS];
const [shard, shards] = options.shard.split('/').map(Number) as [number, number];

async function one(kind: Kind, index: number): Promise<void> {
  const file = makeCase(kind, options.seed, index, await corpus(kind, options.corpus));
  mkdirSync(options.out, { recursive: true });
  writeFileSync(join(options.out, `${kind}-${options.seed}-${index}.bin`), file.bytes);
  console.log(file.name, await runCase(kind, file.bytes));
}

/** Runs what it is told to, and says so before and after each case. */
function child(): void {
  const say = (report: Report) => new Promise<void>((resolve) => process.send!(report, () => resolve()));
  process.on('message', (order: { kind: Kind; indices: number[] }) => {
    void (async () => {
      const seeds = await corpus(order.kind, options.corpus);
      for (const index of order.indices) {
        await say({ start: index });
        const file = makeCase(order.kind, options.seed, index, seeds);
        await say({ end: index, outcome: await runCase(order.kind, file.bytes), name: file.name });
      }
      process.exit(0);
    })();
  });
}

async function run(kind: Kind): Promise<State> {
  const count = Math.min(Number(options.count ?? FULL[kind]), 1e9);
  const path = join(options.out, `${kind}-${options.seed}-${shard}of${shards}.json`);
  mkdirSync(options.out, { recursive: true });
  const fresh: State = { next: shard - 1, ran: 0, faults: 0, results: {}, slowest: 0, largest: 0 };
  const state = !options.fresh && existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as State) : fresh;
  const seeds = await corpus(kind, options.corpus);
  const note = (index: number, fault: string) => {
    state.faults++;
    const file = makeCase(kind, options.seed, index, seeds);
    const saved = join(options.out, `${kind}-${options.seed}-${index}.bin`);
    writeFileSync(saved, file.bytes);
    appendFileSync(join(options.out, 'faults.jsonl'), JSON.stringify({ kind, index, seed: options.seed, from: file.name, saved, fault }) + '\n'); // prettier-ignore
    console.error(`${kind}:${index} (${file.name}): ${fault.split('\n').slice(0, 3).join(' | ')}`);
  };
  const save = () => writeFileSync(path, JSON.stringify(state));

  while (state.next < count) {
    let running: number | undefined;
    const crash = await batch(kind, indicesFrom(state.next, count), (report) => {
      if ('start' in report) running = report.start;
      else {
        const { result, fault, seconds, bytes } = report.outcome;
        state.ran++;
        state.results[result] = (state.results[result] ?? 0) + 1;
        state.slowest = Math.max(state.slowest, seconds);
        state.largest = Math.max(state.largest, bytes);
        state.next = report.end + shards;
        running = undefined;
        if (fault) note(report.end, fault);
        if (state.ran % 1000 === 0) {
          save();
          console.log(`${kind}: ${state.ran} ran, ${state.faults} faults`);
        }
      }
    });
    if (running !== undefined) {
      note(running, `process ${crash}`);
      state.ran++;
      state.next = running + shards;
    } else if (crash !== 'ended') throw new Error(`the child ${crash} before its first case, or between two`);
    save();
  }
  return state;
}

/** A child does this many, so that what one case leaks is not blamed on another. */
const BATCH = 2000;

function indicesFrom(next: number, count: number): number[] {
  const indices: number[] = [];
  for (let i = next; i < count && indices.length < BATCH; i += shards) indices.push(i);
  return indices;
}

function batch(kind: Kind, indices: number[], heard: (report: Report) => void): Promise<string> {
  const args = ['--child', '--seed', options.seed, ...options.corpus.flatMap((folder) => ['--corpus', folder])];
  const worker: ChildProcess = fork(fileURLToPath(import.meta.url), args, { execArgv: [...process.execArgv, '--max-old-space-size=2000'] }); // prettier-ignore
  return new Promise((resolve) => {
    let hung = false;
    const kill = () => {
      hung = true;
      worker.kill('SIGKILL');
    };
    let watchdog = setTimeout(kill, START_MS);
    worker.on('message', (report: Report) => {
      clearTimeout(watchdog);
      watchdog = setTimeout(kill, HANG_MS);
      heard(report);
    });
    worker.on('exit', (code, signal) => {
      clearTimeout(watchdog);
      resolve(hung ? 'hung' : code === 0 ? 'ended' : `died (${signal ?? `exit ${code}`})`);
    });
    worker.send({ kind, indices });
  });
}

if (options.child) child();
else if (options.only) {
  const [kind, index] = options.only.split(':') as [Kind, string];
  await one(kind, Number(index));
} else {
  let faults = 0;
  for (const kind of kinds) {
    const state = await run(kind);
    faults += state.faults;
    console.log(kind, state);
  }
  process.exitCode = faults ? 1 : 0;
}
