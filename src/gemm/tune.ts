/**
 * Tuning: the kernels that fit a problem, measured on the device. Each is compared with the register tiles first (tile.ts),
 * on noise, in memory that holds NaN before: what is off by more than {@link TOLERANCE} cannot win.
 */
import type { Device } from '../gpu/device.ts';
import type { PipelineCache } from '../gpu/pipelines.ts';
import type { WorkQueue } from '../gpu/queue.ts';
import type { Choices } from './choose.ts';
import { costs, inParts } from './cost.ts';
import { launch } from './families.ts';
import type { Choice, GemmDevice, Pass } from './family.ts';
import { errorOf, Workbench, type Prepared } from './measure.ts';
import { extentsOf, flopsOf, problemKey, type GemmProblem } from './problem.ts';
import { adapterKey, Records } from './records.ts';
import { reference } from './tile.ts';

/**
 * The largest difference from the reference kernel over the result's largest magnitude. Sums of n products in float32, in
 * another order, differ by about sqrt(n) * 6e-8 of what they add up: 4e-6 for the longest of ResNet-50 (4608).
 */
export const TOLERANCE = 2e-5;

/** Candidates that are tried, by the cost model's order, and how much dearer than its first it may take them to be. */
const MOST = 8;
const DEARER = 4;
/** Times that each is measured, in turn. */
const ROUNDS = 5;
/** Milliseconds that a sample lasts at least, repeated if need be. */
const LASTS = 5;
/** After the first round, what takes so many times as long as the fastest is left. */
const HOPELESS = 1.5;
/** The cost model's answer stays unless another is faster by this share: less is noise. */
const WORTH = 0.03;
/** Problems between two writes to the store. */
const KEPT_EVERY = 8;

/** A GEMM of a program, and what it is called there. */
export interface Gemm {
  problem: GemmProblem;
  layer: string;
  role: string;
}

/** What became of one problem. */
export interface TunedGemm {
  /** Layers that have it, by name. */
  layers: readonly string[];
  /** 'forward', 'input gradient', 'weight gradient': the role of the first of them. */
  role: string;
  /** Rows, columns and summands of the largest phase. */
  shape: { m: number; n: number; k: number };
  winner: Choice;
  gflops: number;
  /** Time of the cost model's choice over the winner's; undefined where the winner was known already. */
  gain: number | undefined;
  /** The winner's difference from the reference kernel, over the largest magnitude; undefined where it was known. */
  error: number | undefined;
  /** Candidates that were wrong. Please report them. */
  wrong: readonly { choice: Choice; error: number }[];
}

/** Options of `engine.tune`. */
export interface TuneOptions {
  /** Measures what is known already too; default false. */
  again?: boolean | undefined;
  /** Stops between two measurements; what was found is kept. */
  signal?: AbortSignal | undefined;
  onProgress?: ((done: number, total: number, latest: TunedGemm) => void) | undefined;
}

export interface TuneRuntime {
  device: Device;
  pipelines: PipelineCache;
  queue: WorkQueue;
}

type Launch = (problem: GemmProblem, choice: Choice) => Pass[];

/** The candidates: what the cost model ranks first, and the first two of it with their sums in other parts. */
export function candidates(problem: GemmProblem, device: GemmDevice): Choice[] {
  const modelled = costs(problem, device);
  const all = modelled.filter(({ cost }) => cost <= DEARER * modelled[0]!.cost).map(({ choice }) => choice);
  const others = all.slice(0, 2).flatMap((c) => [1, 2 * c.parts].map((parts) => inParts(problem, c, parts)));
  const seen = new Map([...all.slice(0, MOST - 2), ...others].map((c) => [Object.values(c).join(' '), c]));
  return [...seen.values()].slice(0, MOST);
}

interface Contestant {
  choice: Choice;
  error: number;
  launch: Prepared;
  samples: number[];
}

/** @param launched what emits a candidate's passes: another one in tests. */
export async function measure(
  { device, pipelines }: TuneRuntime,
  problem: GemmProblem,
  choices: readonly Choice[],
  signal?: AbortSignal,
  launched: Launch = launch,
): Promise<Pick<TunedGemm, 'winner' | 'gflops' | 'gain' | 'error' | 'wrong'>> {
  const bench = new Workbench(device, pipelines, problem);
  try {
    const expected = await bench.result(await bench.prepare(launch(problem, reference), signal));
    const wrong: { choice: Choice; error: number }[] = [];
    let field: Contestant[] = [];
    for (const choice of choices) {
      signal?.throwIfAborted();
      const prepared = await bench.prepare(launched(problem, choice), signal);
      const error = errorOf(await bench.result(prepared), expected);
      if (error <= TOLERANCE) field.push({ choice, error, launch: prepared, samples: [] });
      else wrong.push({ choice, error });
    }
    // Nothing but the reference itself is left where all were wrong.
    if (field.length === 0) {
      const prepared = await bench.prepare(launch(problem, reference), signal);
      field = [{ choice: reference, error: 0, launch: prepared, samples: [] }];
    }
    // What else the machine does only ever adds.
    const ms = (one: Contestant) => Math.min(...one.samples);
    const [modelled] = field as [Contestant];
    const repeats = Math.max(1, Math.ceil(LASTS / (await bench.time(modelled.launch, 1))));
    for (let round = 0; round < ROUNDS; round++) {
      for (const one of field) {
        signal?.throwIfAborted();
        one.samples.push(await bench.time(one.launch, repeats));
      }
      const fastest = Math.min(...field.map(ms));
      field = field.filter((one) => one === modelled || ms(one) <= HOPELESS * fastest);
    }
    const best = field.reduce((a, b) => (ms(b) < ms(a) ? b : a));
    const winner = ms(best) < (1 - WORTH) * ms(modelled) ? best : modelled;
    const gflops = flopsOf(problem) / ms(winner) / 1e6;
    return { winner: winner.choice, gflops, gain: ms(modelled) / ms(winner), error: winner.error, wrong };
  } finally {
    bench.dispose();
  }
}

/**
 * Measures each problem among `gemms` once, alone on the device, and keeps the winners, also when it is aborted.
 * @throws (rejects) as {@link measure}; the signal's reason.
 */
export async function tuneGemms(
  runtime: TuneRuntime,
  choices: Choices,
  gemms: readonly Gemm[],
  { again = false, signal, onProgress }: TuneOptions = {},
): Promise<TunedGemm[]> {
  const { device, store } = choices;
  const records = (choices.records ??= new Records(adapterKey(runtime.device.info, device)));
  const byProblem = new Map<string, Gemm[]>();
  for (const gemm of gemms) {
    const key = problemKey(gemm.problem);
    byProblem.set(key, [...(byProblem.get(key) ?? []), gemm]);
  }
  const all: TunedGemm[] = [];
  let unsaved = 0;
  const save = async () => {
    if (unsaved === 0 || !store) return;
    unsaved = 0;
    await store.write(records.mergedInto(await store.read().catch(() => undefined)));
  };
  try {
    for (const same of byProblem.values()) {
      signal?.throwIfAborted();
      const [{ problem, role }] = same as [Gemm];
      const known = again ? undefined : records.of(problem, device);
      const found = known
        ? { winner: known, gflops: known.gflops, gain: undefined, error: undefined, wrong: [] }
        : await runtime.queue.add(() => measure(runtime, problem, candidates(problem, device), signal), {
            alone: true,
          });
      const { family, tile, parts } = found.winner;
      const winner = { family, tile, parts };
      if (!known) {
        records.set(problem, winner, found.gflops);
        unsaved++;
      }
      choices.set(problem, winner);
      all.push({ ...found, winner, layers: [...new Set(same.map((g) => g.layer))], role, shape: extentsOf(problem) });
      if (unsaved >= KEPT_EVERY) await save();
      onProgress?.(all.length, byProblem.size, all.at(-1)!);
    }
  } finally {
    await save();
  }
  return all;
}
