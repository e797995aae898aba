/** The harness's arithmetic: statistics, cases, shards, summaries. Nothing is timed here. */
import { homedir, tmpdir } from 'node:os';
import { describe, expect, it, vi } from 'vitest';
import { resnet50Layers } from '../../bench/cases/shapes.ts';
import { casesOf, tinyCases } from '../../bench/cases/index.ts';
import { Budget } from '../../bench/core/budget.ts';
import { idOf, suites, type Case, type Contestant, type Entry } from '../../bench/core/case.ts';
import { compare, compareMarkdown } from '../../bench/core/compare.ts';
import { merge } from '../../bench/core/merge.ts';
import { race } from '../../bench/core/race.ts';
import { difference, SCHEMA, type BenchResult, type CaseScore } from '../../bench/core/result.ts';
import { resultsIndex } from '../../bench/core/results_index.ts';
import { roofMs } from '../../bench/core/roofline.ts';
import { runCases } from '../../bench/core/run.ts';
import { select } from '../../bench/core/select.ts';
import { geometricMean, quantile, ratioOfMedians, timing } from '../../bench/core/statistics.ts';
import { remarksOn, toMarkdown } from '../../bench/core/markdown.ts';
import { root, withoutPaths } from '../../bench/hosts/paths.ts';
import { faultsOf, groupRatios } from '../../bench/core/summary.ts';
import { schemaErrors } from './schema.ts';

describe('statistics', () => {
  it('quantiles are linear between neighbours', () => {
    expect(quantile([4, 1, 3, 2, 5], 0.5)).toBe(3);
    expect(quantile([1, 2], 0.25)).toBe(1.25);
    expect(quantile([7], 0.95)).toBe(7);
    expect(quantile([], 0.5)).toBeNaN();
  });

  it('a timing keeps its samples', () => {
    expect(timing([3, 1, 2])).toEqual({ median: 2, p5: 1.1, p95: 2.9, samples: [3, 1, 2] });
  });

  it('geometric means are right for ratios', () => {
    expect(geometricMean([2, 8])).toBeCloseTo(4, 12);
    expect(geometricMean([0.5, 2])).toBeCloseTo(1, 12);
  });

  it('a ratio of medians has an interval that holds it, tight for tight samples, and none for one sample', () => {
    const slow = [10, 10.1, 9.9, 10.2, 9.8];
    const fast = [5, 5.05, 4.95, 5.1, 4.9];
    const { ratio, low, high } = ratioOfMedians(slow, fast);
    expect(ratio).toBe(2);
    expect(low).toBeGreaterThan(1.9);
    expect(high).toBeLessThan(2.1);
    expect(low).toBeLessThan(2);
    expect(ratioOfMedians([4], [2])).toEqual({ ratio: 2, low: 0, high: Infinity });
    expect(ratioOfMedians(slow, fast)).toEqual(ratioOfMedians(slow, fast));
  });

  it('differences are over the largest magnitude; NaN and other sizes are never small', () => {
    expect(difference([1, 2, 4.1], [1, 2, 4])).toBeCloseTo(0.025, 12);
    expect(difference([0, 0], [0, 0])).toBe(0);
    expect(difference([1], [1, 2])).toBe(Infinity);
    expect(difference([NaN, 0], [1, 0])).toBeNaN();
  });

  it('the roof is the slower of arithmetic and memory', () => {
    const roof = { gflops: 10, gbs: 2, cachedGbs: 4 };
    expect(roofMs(roof, 1e10, 1e6)).toBe(1000);
    expect(roofMs(roof, 0, 2e9)).toBe(1000);
  });
});

describe('cases', () => {
  it('have names of their own', () => {
    for (const cases of [casesOf(), tinyCases]) {
      const ids = cases.map(idOf);
      expect(new Set(ids).size).toBe(ids.length);
    }
  });

  it('cover every suite, full and tiny', () => {
    for (const cases of [casesOf(), tinyCases]) {
      expect([...new Set(cases.map((c) => c.suite))]).toEqual(suites);
    }
  });

  // torchvision's table: 4.09 GMAC at 224 x 224.
  it('the layers of ResNet-50 add up to its 53 convolutions, one linear layer and 8.18 GFLOP', () => {
    expect(resnet50Layers.reduce((n, l) => n + l.count, 0)).toBe(54);
    const flops = new Map(casesOf(['micro']).map((c) => [c.name, c.flops!]));
    const total = resnet50Layers.reduce((sum, l) => sum + l.count * flops.get(`${l.name}, forward`)!, 0);
    expect(total / 1e9).toBeCloseTo(8.18, 2);
  });

  it('the six shapes of bench:smoke have all three passes', () => {
    const smoke = select({ size: 'smoke' });
    expect(smoke.filter((c) => c.suite === 'micro')).toHaveLength(18);
    expect(smoke.map((c) => c.name)).toContain('saliency, batch 1');
  });

  it('shards share out every case once', () => {
    const all = select({ size: 'full' }).map(idOf);
    const parts = [1, 2, 3].flatMap((index) => select({ size: 'full', shard: { index, count: 3 } }).map(idOf));
    expect(parts.sort()).toEqual(all.sort());
  });

  it('a filter is of suite and name', () => {
    const found = select({ size: 'full', filter: /^micro\/layer4.*weight/ });
    expect(found.length).toBeGreaterThan(3);
    expect(found.every((c) => c.group === 'weight gradient')).toBe(true);
  });
});

describe('a race', () => {
  const contestant = (name: string): Contestant => ({
    name,
    version: '',
    backend: '',
    enter: () => undefined,
    dispose: () => undefined,
  });
  const racer = (name: string, run: Entry['run']) => ({
    contestant: contestant(name),
    entry: { run, dispose: () => undefined },
  });

  it('warms up, takes turns, begins each round with another one, and keeps every sample', async () => {
    const order: string[] = [];
    const run = (name: string) => () => Promise.resolve(void order.push(name));
    const results = await race([racer('a', run('a')), racer('b', run('b'))], { rounds: 3, seconds: 10 });
    expect(order.join('')).toBe('ab' + 'ab' + 'ab' + 'ba' + 'ab');
    expect(results.map((r) => r.lap.readback.length)).toEqual([3, 3]);
    expect(results[0]!.lap.encode).toHaveLength(3);
  });

  it('has fewer rounds where they would take too long, but one', async () => {
    const slow = () => new Promise<void>((resolve) => setTimeout(resolve, 20));
    const [result] = await race([racer('slow', slow)], { rounds: 50, seconds: 0.001 });
    expect(result!.lap.readback).toHaveLength(1);
  });

  it('goes on without one that fails, and says why', async () => {
    const good = () => Promise.resolve();
    const bad = () => Promise.reject(new Error('no such kernel\nat somewhere'));
    const [first, second] = await race([racer('good', good), racer('bad', bad)], { rounds: 2, seconds: 1 });
    expect(first!.lap.readback).toHaveLength(2);
    expect(second).toMatchObject({ failed: 'no such kernel', lap: { readback: [] } });
  });
});

it('a run that is stopped ends after the case that is under way, with what it has', async () => {
  const stop = new AbortController();
  const entry: Entry = { run: () => Promise.resolve(stop.abort()), dispose: () => undefined };
  const wgrad: Contestant = { name: 'wgrad', version: '', backend: '', enter: () => Promise.resolve(entry), dispose: () => undefined }; // prettier-ignore
  const roofline = { gflops: 1, gbs: 1, cachedGbs: 1 };
  const { cases, interrupted } = await runCases(tinyCases, [wgrad], {
    rounds: 1,
    seconds: 1,
    roofline,
    signal: stop.signal,
  });
  expect(cases.map((s) => s.name)).toEqual([tinyCases[0]!.name]);
  expect(interrupted).toBe(true);
});

it('outputs that differ are a fault of the peer, and are told', async () => {
  const of = (name: string, y: number): Contestant => ({
    name,
    version: '',
    backend: '',
    enter: () =>
      Promise.resolve({
        run: () => Promise.resolve(),
        outputs: () => Promise.resolve({ y: Float32Array.of(1, y) }),
        dispose: () => undefined,
      }),
    dispose: () => undefined,
  });
  const roofline = { gflops: 1, gbs: 1, cachedGbs: 1 };
  const contestants = [of('wgrad', 2), of('right', 2), of('wrong', 2.1), of('broken', NaN)];
  const { cases } = await runCases(tinyCases.slice(0, 1), contestants, { rounds: 1, seconds: 1, roofline });
  expect(cases[0]!.scores['right']).toMatchObject({ agrees: true, error: 0 });
  expect(cases[0]!.scores['wrong']).toMatchObject({ agrees: false });
  expect(faultsOf({ cases })).toEqual([
    "micro/tiny, forward, wrong: its outputs differ from wgrad's by 5.0e-2",
    'micro/tiny, forward, broken: its outputs have other sizes, or NaN',
  ]);
});

it('ratios are over wgrad, by group and peer; what has no time counts for nothing', () => {
  const one = (name: string, ours: number, theirs?: number): CaseScore => ({
    suite: 'micro',
    name,
    group: 'forward',
    shape: '',
    flops: 0,
    bytes: 0,
    rounds: 1,
    scores: {
      wgrad: { readback: timing([ours]) },
      peer: theirs === undefined ? { failed: 'no' } : { readback: timing([theirs]) },
    },
  });
  const contestants = ['wgrad', 'peer'].map((name) => ({ name, version: '', backend: '' }));
  const ratios = groupRatios({ contestants, cases: [one('a', 1, 2), one('b', 2, 16), one('c', 1)] });
  expect(ratios).toEqual([{ group: 'forward', peer: 'peer', mean: 4, least: 2, most: 8, count: 2 }]);
});

describe('a time limit', () => {
  const wanted = (name: string, flops: number): Case => ({ ...tinyCases[0]!, name, flops });
  const scoreOf = ({ name, flops }: Case, ms: Record<string, number>): CaseScore => ({
    suite: 'micro',
    name,
    group: 'forward',
    shape: '',
    flops: flops!,
    bytes: 0,
    rounds: 1,
    scores: Object.fromEntries(Object.entries(ms).map(([who, v]) => [who, { readback: timing([v]) }])),
  });
  const race = { rounds: 5, seconds: 1 };

  it('is reckoned by operations, and by the rates that all contestants have shown', () => {
    const budget = new Budget(100, () => 0);
    expect(budget.cost(wanted('a', 1e9), race)).toBe(0);
    budget.learn(wanted('a', 1e9), scoreOf(wanted('a', 1e9), { wgrad: 100, peer: 300 }));
    // 400 ms each: three runs uncounted, and two and a half in the second of a case.
    expect(budget.cost(wanted('b', 1e9), race)).toBeCloseTo(400 * (3 + 2.5), 6);
    expect(budget.cost(wanted('c', 1e7), race)).toBeCloseTo(4 * (3 + 5), 6);
    expect(budget.cost(wanted('d', 1e11), race)).toBeCloseTo(40_000 * (3 + 1), 6);
  });

  it('lets small cases go first, leaves out what has no room, and says which', async () => {
    let clock = 0;
    const entry: Entry = { run: () => Promise.resolve(void (clock += 1000)), dispose: () => undefined };
    const wgrad: Contestant = { name: 'wgrad', version: '', backend: '', enter: () => Promise.resolve(entry), dispose: () => undefined }; // prettier-ignore
    vi.spyOn(performance, 'now').mockImplementation(() => clock);
    const budget = new Budget(20);
    const roofline = { gflops: 1, gbs: 1, cachedGbs: 1 };
    const options = { rounds: 1, seconds: 1, roofline, budget };
    const measured = await runCases([wanted('large', 1e3), wanted('middle', 2), wanted('small', 1)], [wgrad], options);
    vi.restoreAllMocks();
    expect(measured.cases.map((c) => c.name)).toEqual(['middle', 'small']);
    expect(measured.leftOut).toEqual(['micro/large']);
    expect(measured.interrupted).toBeUndefined();
    const result = resultOf(['a']);
    const short = { ...result, made: { ...result.made, leftOut: measured.leftOut! } };
    expect(schemaErrors(short)).toEqual([]);
    expect(remarksOn(short)).toEqual(['Left out, for want of time: micro/large.']);
    expect(toMarkdown(short)).toContain('micro/large');
  });
});

it('a result names no folder of the machine that made it', () => {
  const found = withoutPaths({ made: { command: `x --out ${tmpdir()}/a`, seconds: 1 }, why: [`${root}/bench/x.ts: no`, homedir(), `${tmpdir()}orary`] }); // prettier-ignore
  expect(found).toEqual({ made: { command: 'x --out $TMPDIR/a', seconds: 1 }, why: ['./bench/x.ts: no', '~', `${tmpdir()}orary`] }); // prettier-ignore
});

const sha256 = '0'.repeat(64);

/** @param factor that wgrad takes longer in 'b'. */
function resultOf(names: readonly string[], factor = 1): BenchResult {
  const samples = [10, 10.1, 9.9, 10.05, 9.95];
  return {
    schema: SCHEMA,
    made: { date: '2026-01-01T00:00:00Z', command: 'x', commit: 'abc', changed: false, host: 'node', runtime: 'Node', machine: 'm', seconds: 1 }, // prettier-ignore
    adapter: { description: 'a', vendor: '', architecture: '', device: '', features: [], limits: {} },
    network: { name: 'n', sha256, side: 1, classes: 1 },
    options: { rounds: 5, seconds: 1, quick: false },
    roofline: { gflops: 10, gbs: 1, cachedGbs: 1 },
    contestants: ['wgrad', 'peer'].map((name) => ({ name, version: '1', backend: 'webgpu' })),
    cases: names.map((name) => ({
      suite: 'micro',
      name,
      group: 'forward',
      shape: '',
      flops: 1e7,
      bytes: 1,
      rounds: 5,
      scores: {
        wgrad: { readback: timing(samples.map((v) => (name === 'b' ? factor * v : v))), roofShare: 0.1 },
        peer: { readback: timing(samples) },
      },
    })),
  };
}

describe('two results', () => {
  it('tell what became slower, what faster, and that the peer did not change', () => {
    const { changes, means, only } = compare(resultOf(['a', 'b', 'c']), resultOf(['a', 'b', 'd'], 1.5));
    const own = changes.filter((c) => c.contestant === 'wgrad');
    expect(own.map((c) => [c.id, c.verdict])).toEqual([['micro/a', 'unclear'], ['micro/b', 'slower']]); // prettier-ignore
    expect(own[1]!.low).toBeGreaterThan(1.4);
    expect(own[1]!.high).toBeLessThan(1.6);
    expect(means['peer']).toBe(1);
    expect(only).toEqual({ before: ['micro/c'], after: ['micro/d'] });
    const back = compare(resultOf(['b'], 1.5), resultOf(['b']));
    expect(back.changes[0]).toMatchObject({ verdict: 'faster' });
  });

  it('are shown with the slower ones first, and with what speaks against comparing them', () => {
    const other = resultOf(['a', 'b'], 2);
    const text = compareMarkdown(resultOf(['a', 'b']), { ...other, adapter: { ...other.adapter, description: 'z' } });
    expect(text).toContain('slower in 1 cases');
    expect(text).toContain('the adapter is another: a, then z');
    expect(text.indexOf('micro/b')).toBeLessThan(text.indexOf('micro/a'));
  });
});

it('kept results stand in one table, each with its command, its ratios and what is wrong with it', () => {
  const [one, two] = [resultOf(['a']), resultOf(['b'], 2)];
  const cases = two.cases.map((c) => ({ ...c, scores: { ...c.scores, peer: { failed: 'no such op' } } }));
  const text = resultsIndex({ first: one, second: { ...two, made: { ...two.made, command: 'npm run it' }, cases } });
  expect(text).toContain('| [second](second/result.md) | a | 2026-01-01 00:00 at abc | `npm run it` |');
  expect(text).toContain('| first | forward | peer | 1 |');
  expect(text).not.toContain('| second | forward');
  expect(text).toContain('- second: micro/b, peer: no such op');
});

describe('shards', () => {
  it('become one result, under the best of their roofs', () => {
    const [one, two] = [resultOf(['a']), { ...resultOf(['b']), roofline: { gflops: 20, gbs: 1, cachedGbs: 1 } }];
    const whole = merge([one, two]);
    expect(schemaErrors(whole)).toEqual([]);
    expect(whole.cases.map((c) => c.name)).toEqual(['a', 'b']);
    expect(whole.made.seconds).toBe(2);
    // 1e7 operations at 20 GFLOP/s are 0.5 ms, of 10 ms taken.
    expect(whole.cases[0]!.scores['wgrad']!.roofShare).toBeCloseTo(0.05, 12);
  });

  it('of other adapters, or with a case twice, are refused', () => {
    const one = resultOf(['a']);
    expect(() => merge([one, one])).toThrow('micro/a is in two of them');
    expect(() => merge([one, { ...resultOf(['b']), adapter: { ...one.adapter, description: 'z' } }])).toThrow('adapter a and z'); // prettier-ignore
    expect(() => merge([])).toThrow('nothing to merge');
  });
});
