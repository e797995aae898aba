/** Cases through contestants to scores. The first contestant is wgrad; the others' outputs are compared with its own. */
import { workOf, type Budget } from './budget.ts';
import { idOf, type Case, type Contestant, type Entry } from './case.ts';
import { race, type RaceOptions, type Racer, type Result } from './race.ts';
import { agreement, difference, type CaseScore, type Measured, type Score } from './result.ts';
import { roofMs, type Roofline } from './roofline.ts';
import { timing } from './statistics.ts';

export interface RunOptions extends RaceOptions {
  roofline: Roofline;
  /** Told of each case before it and after. */
  onCase?: (id: string, index: number, count: number, done?: CaseScore) => void;
  /** Cases for which it leaves no room are not run; those of little work come first then. */
  budget?: Budget | undefined;
  /** Ends after the case that is under way: what was measured is returned. */
  signal?: AbortSignal | undefined;
}

export async function runCases(
  cases: readonly Case[],
  contestants: readonly Contestant[],
  options: RunOptions,
): Promise<Pick<Measured, 'cases' | 'leftOut' | 'interrupted'>> {
  const { budget, signal, onCase } = options;
  const scores = new Map<Case, CaseScore>();
  const leftOut: string[] = [];
  const order = budget ? [...cases].sort((a, b) => workOf(a) - workOf(b)) : cases;
  for (const [index, one] of order.entries()) {
    if (signal?.aborted) break;
    if (budget?.fits(one, options) === false) {
      leftOut.push(idOf(one));
      continue;
    }
    onCase?.(idOf(one), index, cases.length);
    const score = await runCase(one, contestants, options);
    scores.set(one, score);
    budget?.learn(one, score);
    onCase?.(idOf(one), index, cases.length, score);
  }
  return {
    cases: cases.flatMap((one) => scores.get(one) ?? []),
    ...(leftOut.length > 0 ? { leftOut } : {}),
    ...(scores.size + leftOut.length < cases.length ? { interrupted: true } : {}),
  };
}

const reason = (error: unknown) => (error as Error).message.split('\n')[0]!;

async function runCase(one: Case, contestants: readonly Contestant[], options: RunOptions): Promise<CaseScore> {
  const scores: Record<string, Score> = {};
  const racers: Racer[] = [];
  for (const contestant of contestants) {
    let entry: Entry | undefined;
    try {
      await contestant.activate?.();
      entry = await contestant.enter(one.task);
      if (!entry) continue;
      scores[contestant.name] = {};
      racers.push({ contestant, entry });
    } catch (error) {
      scores[contestant.name] = { failed: reason(error) };
      entry?.dispose();
    }
  }
  try {
    const timed = one.suite !== 'memory';
    const results = timed ? await race(racers, options) : [];
    await compareOutputs(racers, scores, agreement(one.task));
    const figures = racers.map(({ entry }) => entry.figures?.());
    const flops = one.flops ?? figures[0]?.['flops'] ?? 0;
    const bytes = one.bytes ?? figures[0]?.['bytes'] ?? 0;
    for (const [i, { contestant, entry }] of racers.entries()) {
      const score = scores[contestant.name]!;
      if (figures[i]) score.figures = figures[i];
      const result = results[i];
      if (!result) continue;
      Object.assign(score, scoreOf(result, flops, bytes, options.roofline));
      if (!score.failed) {
        const parts = await entry.gpu?.();
        if (parts) score.gpuMs = Object.values(parts).reduce((a, b) => a + b, 0);
        if (parts && Object.keys(parts).length > 1) score.gpuParts = parts;
      }
    }
    const rounds = Math.max(0, ...results.map((r) => r.lap.readback.length));
    const { suite, name, group, shape } = one;
    return { suite, name, group, shape, flops, bytes, rounds, scores };
  } finally {
    for (const { contestant, entry } of racers) {
      await contestant.activate?.();
      entry.dispose();
    }
  }
}

/** With those of the first, which is wgrad; one that fails says why. */
async function compareOutputs(racers: readonly Racer[], scores: Readonly<Record<string, Score>>, limit: number) {
  let expected: Readonly<Record<string, Float32Array>> | undefined;
  for (const { contestant, entry } of racers) {
    const score = scores[contestant.name]!;
    try {
      await contestant.activate?.();
      const outputs = await entry.outputs?.();
      contestant.check?.();
      if (!expected) expected = outputs;
      else if (outputs) Object.assign(score, compared(outputs, expected, limit));
    } catch (error) {
      score.failed = reason(error);
    }
  }
}

/** The worst of the outputs. */
function compared(
  outputs: Readonly<Record<string, Float32Array>>,
  expected: Readonly<Record<string, Float32Array>>,
  limit: number,
): Pick<Score, 'error' | 'agrees' | 'failed'> {
  const errors = Object.entries(outputs).map(([name, value]) => difference(value, expected[name] ?? []));
  const worst = errors.find(Number.isNaN) ?? Math.max(...errors);
  // JSON has neither NaN nor infinities.
  if (!Number.isFinite(worst)) return { agrees: false, failed: 'its outputs have other sizes, or NaN' };
  return { error: worst, agrees: worst <= limit };
}

/** Rates are of the time until the queue is done, where it tells, else until the results are back. */
function scoreOf({ lap, warmUp, failed }: Result, flops: number, bytes: number, roofline: Roofline): Partial<Score> {
  const score: Partial<Score> = { warmUpMs: warmUp, ...(failed === undefined ? {} : { failed }) };
  if (lap.readback.length === 0) return score;
  score.encode = timing(lap.encode);
  if (lap.done.length > 0) score.done = timing(lap.done);
  score.readback = timing(lap.readback);
  if (lap.processor.length > 0) score.processor = timing(lap.processor);
  const parts = Object.entries(lap.parts).map(([name, samples]) => [name, timing(samples)] as const);
  if (parts.length > 0) score.parts = Object.fromEntries(parts);
  const { median: ms } = score.done ?? score.readback;
  if (flops > 0) score.gflops = flops / ms / 1e6;
  if (bytes > 0) score.gbs = bytes / ms / 1e6;
  if (flops > 0 || bytes > 0) score.roofShare = roofMs(roofline, flops, bytes) / ms;
  return score;
}
