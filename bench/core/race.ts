/**
 * Contestants side by side: one warm-up each, then round by round, each round beginning with another one, so that a noisy
 * machine disturbs all alike.
 */
import type { Contestant, Entry } from './case.ts';

export interface Racer {
  contestant: Contestant;
  entry: Entry;
}

export interface RaceOptions {
  /** Rounds at most. */
  rounds: number;
  /** Seconds that a case may take in rounds; fewer rounds where they would take longer, and one at least. */
  seconds: number;
  /** Milliseconds of processor time that all threads of the process have taken, where that can be asked. */
  processor?: (() => number) | undefined;
}

/** Milliseconds of each round. */
export interface Lap {
  /** JavaScript until the run's calls are made. */
  encode: number[];
  /** Until the queue is done, where it can be asked. */
  done: number[];
  /** Until the results are with the host. */
  readback: number[];
  /** Processor time of all threads, drivers' too: what holds on a machine that others use. */
  processor: number[];
  /** What the entry says of its parts. */
  parts: Record<string, number[]>;
}

export interface Result {
  racer: Racer;
  lap: Lap;
  /** Of the first run, which warms up: it is not counted. */
  warmUp: number;
  /** Why it ended early. */
  failed?: string;
}

/** One run, timed. */
async function once({ contestant, entry }: Racer, lap: Lap | undefined, processor: RaceOptions['processor']) {
  await contestant.activate?.();
  const spent = processor?.();
  const started = performance.now();
  const running = entry.run();
  const encoded = performance.now();
  let done: number | undefined;
  const idle = contestant.queue?.onSubmittedWorkDone().then(() => (done = performance.now()));
  const parts = await running;
  const ended = performance.now();
  await idle;
  contestant.check?.();
  if (lap) {
    lap.encode.push(encoded - started);
    // Where results come back before the queue tells of its end, that news is late, not the work.
    if (done !== undefined) lap.done.push(Math.min(done, ended) - started);
    lap.readback.push(ended - started);
    if (spent !== undefined) lap.processor.push(processor!() - spent);
    for (const [name, ms] of Object.entries(parts ?? {})) (lap.parts[name] ??= []).push(ms);
  }
  return ended - started;
}

export async function race(racers: readonly Racer[], { rounds, seconds, processor }: RaceOptions): Promise<Result[]> {
  const results = racers.map((racer): Result => ({
    racer,
    lap: { encode: [], done: [], readback: [], processor: [], parts: {} },
    warmUp: NaN,
  }));
  const attempt = async (result: Result, lap: Lap | undefined) => {
    try {
      return await once(result.racer, lap, processor);
    } catch (error) {
      result.failed = (error as Error).message.split('\n')[0]!;
      return 0;
    }
  };
  for (const result of results) result.warmUp = await attempt(result, undefined);
  // A first run compiles and allocates: a second, still uncounted, tells how long the others take.
  let each = 0;
  for (const result of results) {
    const isLong = result.warmUp > 1000 * seconds;
    if (!result.failed) each += isLong ? result.warmUp : await attempt(result, undefined);
  }
  const count = Math.max(1, Math.min(rounds, Math.floor((1000 * seconds) / each)));
  for (let round = 0; round < count; round++) {
    for (let i = 0; i < results.length; i++) {
      const result = results[(i + round) % results.length]!;
      if (!result.failed) await attempt(result, result.lap);
    }
  }
  return results;
}
