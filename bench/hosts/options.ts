/** The command line of `npm run bench` and `npm run bench:browser`. */
import { parseArgs } from 'node:util';
import { suites, type Suite } from '../core/case.ts';
import type { Selection } from '../core/select.ts';

/** Files in place of a run. */
export interface FileWork {
  kind: 'compare' | 'merge' | 'paper' | 'index';
  files: readonly string[];
  out: string;
}

export interface BenchOptions {
  kind: 'run';
  selection: Selection;
  rounds: number;
  seconds: number;
  /** Seconds that all of it may take: cases that do not fit are left out, and named. */
  limit?: number | undefined;
  peers: readonly string[];
  out: string;
  command: string;
  /** Address of a browser's debugging protocol. */
  connect?: string | undefined;
}

const HELP = `npm run bench -- [options]            in Node on Dawn
npm run bench:browser -- [options]    in headless Chromium

  --suite LIST     of ${suites.join(', ')}; default all
  --quick          two minutes: of a few cases of each suite those that fit, by the rates that are seen
  --smoke          six layers, inference and saliency, memory
  --record         what bench/results keeps: every layer, inference, saliency, a step, a start, memory
  --tiny           one tiny case of every kind
  --filter REGEXP  cases by 'suite/name'
  --rounds N       rounds of a case at most (default 15; 5 with --quick, --smoke or --record)
  --seconds S      that a case may take; it has fewer rounds then, one at least (default 20; 5 with --record, 1.5 with --quick)
  --peers LIST     default tfjs-webgpu; none for wgrad alone
  --shard I/N      the I-th of N parts; join their results with --merge
  --connect WS     bench:browser alone: a browser that runs elsewhere, by the address of its debugging protocol
  --out DIR        default out/bench

npm run bench -- --compare A.json B.json      what became slower or faster, with 95 % intervals
npm run bench -- --paper                      what the plan means on named GPUs, computed
npm run bench -- --merge A.json B.json ...    shards as one result
npm run bench -- --index                      bench/results/README.md anew, of the results beside it

WGRAD_ADAPTER chooses the adapter.`;

/** Selections by their flags. */
const sizes = ['tiny', 'quick', 'smoke', 'record'] as const;

/** Default of --seconds. */
const SECONDS: Partial<Record<Selection['size'], string>> = { quick: '1.5', record: '5' };

/** What `--quick` takes. */
const QUICK_SECONDS = 120;

/** Peers that run in Node. */
export const nodePeers = ['tfjs-webgpu'] as const;

/** What is wrong with a command line. */
export class UsageError extends Error {}

function refuse(problem: string): never {
  throw new UsageError(`bench: ${problem}; see --help`);
}

/** What brings the same run once more. */
function commandOf(host: 'node' | 'browser', args: readonly string[]): string {
  const adapter = host === 'node' && process.env['WGRAD_ADAPTER'];
  // An address of a browser may hold the key to it.
  const words = args.length > 0 ? ['--', ...args.map((arg) => quoted(arg.replace(ADDRESS, 'ws://...')))] : []; // prettier-ignore
  return [
    ...(adapter ? [`WGRAD_ADAPTER=${adapter}`] : []),
    `npm run bench${host === 'browser' ? ':browser' : ''}`,
    ...words,
  ].join(' ');
}

const ADDRESS = /wss?:\/\/.*/;

/** As a shell needs it. */
const quoted = (arg: string) => (/^[\w./:,=@%+-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", `'\\''`)}'`);

const list = (text: string): string[] => text.split(',').map((s) => s.trim()).filter(Boolean); // prettier-ignore

function number(name: string, text: string, whole: boolean): number {
  const value = Number(text);
  if (!(value > 0) || (whole && !Number.isInteger(value))) refuse(`--${name} ${text}: a number above 0 is needed`);
  return value;
}

function shardOf(text: string): NonNullable<Selection['shard']> {
  const [, index, count] = /^(\d+)\/(\d+)$/.exec(text)?.map(Number) ?? [];
  if (!index || !count || index > count) refuse(`--shard ${text}: it is i/n, from 1/n to n/n`);
  return { index, count };
}

function regularExpression(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (error) {
    return refuse(`--filter: ${(error as Error).message}`);
  }
}

function fileWork(kind: FileWork['kind'], files: readonly string[], out: string): FileWork {
  if (kind === 'compare' && files.length !== 2) refuse(`--compare takes two files, ${files.length} given`);
  if (kind === 'merge' && files.length < 2) refuse(`--merge takes two files and more, ${files.length} given`);
  return { kind, files, out };
}

const text = { type: 'string' } as const;
const flag = { type: 'boolean', default: false } as const;
const flags = {
  help: flag,
  quick: flag,
  smoke: flag,
  record: flag,
  tiny: flag,
  compare: flag,
  merge: flag,
  paper: flag,
  index: flag,
} as const;
const texts = {
  suite: text,
  filter: text,
  rounds: text,
  seconds: text,
  peers: text,
  shard: text,
  out: text,
  connect: text,
} as const;

/**
 * @param known the peers that the host has.
 * @returns undefined where help was asked for, and given.
 * @throws UsageError
 */
export function readOptions(
  args: readonly string[],
  host: 'node' | 'browser',
  known: readonly string[],
): BenchOptions | FileWork | undefined {
  let values, positionals;
  try {
    const options = { ...flags, ...texts };
    ({ values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true }));
  } catch (error) {
    return refuse((error as Error).message.split('\n')[0]!);
  }
  if (values.help) {
    console.log(`${HELP}\nPeers: ${known.join(', ')}.`);
    return undefined;
  }
  const out = values.out ?? 'out/bench';
  if (values.paper) return fileWork('paper', positionals, out);
  if (values.index) return fileWork('index', positionals, values.out ?? 'bench/results');
  if (values.compare || values.merge) return fileWork(values.compare ? 'compare' : 'merge', positionals, out);
  if (positionals.length > 0) refuse(`'${positionals[0]}' is no option`);
  if (values.connect !== undefined && host === 'node') refuse('--connect is of bench:browser');
  const asked = values.suite === undefined ? undefined : list(values.suite);
  const odd = asked?.find((s) => !(suites as readonly string[]).includes(s));
  if (odd !== undefined) refuse(`--suite ${odd}: there are ${suites.join(', ')}`);
  const peers = values.peers === undefined ? ['tfjs-webgpu'] : list(values.peers).filter((p) => p !== 'none');
  const named = peers.map((p) => (p === 'tfjs' ? 'tfjs-webgpu' : p));
  const unknown = named.find((p) => !known.includes(p));
  if (unknown !== undefined) refuse(`--peers ${unknown}: here there are ${known.join(', ')}`);
  const size = sizes.find((name) => values[name]) ?? 'full';
  return {
    kind: 'run',
    selection: {
      suites: asked as Suite[] | undefined,
      size,
      filter: values.filter === undefined ? undefined : regularExpression(values.filter),
      shard: values.shard === undefined ? undefined : shardOf(values.shard),
    },
    rounds: number('rounds', values.rounds ?? (size === 'full' ? '15' : '5'), true),
    seconds: number('seconds', values.seconds ?? SECONDS[size] ?? '20', false),
    limit: size === 'quick' ? QUICK_SECONDS : undefined,
    peers: named,
    out,
    connect: values.connect,
    command: commandOf(host, args),
  };
}
