/** SHAP on the segments of a picture: games whose answer is known, the axioms, and what the passes cost. */
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createExplainer, explain, type Attribution, type MethodOptions } from '../../../src/explain/index.ts';
import { constant } from '../../../src/graph/leaves.ts';
import type { Tensor } from '../../../src/graph/tensor.ts';
import type { Model } from '../../../src/model/model.ts';
import { add, mul } from '../../../src/ops/binary.ts';
import { concat } from '../../../src/ops/concat.ts';
import { sum } from '../../../src/ops/reduce.ts';
import { reshape } from '../../../src/ops/reshape.ts';
import { affine } from '../../../src/ops/unary.ts';
import { Program } from '../../../src/plan/program.ts';
import { spread } from '../../support/gradcheck.ts';
import { testEngine } from '../../support/engine.ts';
import { compare, tolerance } from '../../tolerance.ts';
import { tinyModel } from '../tiny_network.ts';

/** Six pixels of value 1, each a segment. Class 0: a polynomial; class 1: a plain sum. */
let six: Model;
const ones = new Float32Array(6).fill(1);
const labels = Int32Array.of(0, 1, 2, 3, 4, 5);
const each = { labels, hide: 'zero', target: 0 } as const;
/** 0.5 + 2 x0 - x1 + 3 x2 x3 - 1.5 x0 x3 x4: products are shared alike. */
const polynomialValues = [1.5, -1, 1.5, 1, -0.5, 0];
const worths = [0.5, -1, 2, 0.25, -3, 0];

/** A linear score of 8 x 8 pixels. */
let board: Model;
const weights = spread(64, 5);
const picture = spread(64, 6);

beforeAll(async () => {
  const engine = await testEngine();
  six = tinyModel(engine, {
    picture: [1, 2, 3],
    build(input) {
      const x = reshape(input, [input.shape[0]!, 6]);
      const dot = (v: readonly number[]) => sum(mul(x, constant(v, [1, 6])), [1], true);
      const at = (i: number) => dot(labels.reduce<number[]>((v, l) => [...v, l === i ? 1 : 0], []));
      const products = add(affine(mul(at(2), at(3)), 3, 0), affine(mul(mul(at(0), at(3)), at(4)), -1.5, 0));
      const polynomial: Tensor = affine(add(dot([2, -1, 0, 0, 0, 0]), products), 1, 0.5);
      return { logits: concat([polynomial, dot(worths)], 1) };
    },
  });
  board = tinyModel(engine, {
    picture: [1, 8, 8],
    build: (x) => ({ logits: sum(mul(reshape(x, [x.shape[0]!, 1, 64]), constant(weights, [1, 64])), [2]) }),
  });
});

afterEach(() => vi.restoreAllMocks());

const near = (actual: ArrayLike<number>, expected: ArrayLike<number>) =>
  expect(compare(actual, expected).maxRel).toBeLessThan(tolerance.longSum);

const values = (result: Attribution) => result.regions!.values;
const total = (list: ArrayLike<number>) => Array.from(list).reduce((a, b) => a + b, 0);

describe.each([{ method: 'exact-shap' }, { method: 'kernel-shap' }] as const)('$method', (options) => {
  it('gives the Shapley values, which add up; what does nothing gets 0', async () => {
    const result = await explain(six, ones, { ...each, ...options });
    near(values(result), polynomialValues);
    near(result.map, polynomialValues);
    expect(result.shape).toEqual([1, 2, 3]);
    expect(result.score).toBeCloseTo(3, 5);
    expect(result.regions!.intercept).toBeCloseTo(0.5, 6);
    expect(result.error).toMatchObject({ kind: 'completeness' });
    if (result.error.kind === 'completeness') expect(result.error.relativeGap).toBeLessThan(1e-6);
  });

  it('a segment that looks alike hidden and shown is no player', async () => {
    const x = ones.slice();
    x[3] = 0;
    const runs = vi.spyOn(Program.prototype, 'run');
    const result = await explain(six, x, { ...each, ...options, batch: 1 });
    near(values(result), [2, -1, 0, 0, 0, 0]);
    expect(values(result)[3]).toBe(0);
    // Beside the run that finds nothing out: a target is given.
    expect(runs).toHaveBeenCalledTimes(2 ** 5);
  });

  it('classes share their passes', async () => {
    const explainer = await createExplainer(six, { ...options, labels, hide: 'zero', batch: 16 });
    const runs = vi.spyOn(Program.prototype, 'run');
    const [first, second] = await explainer.runEach(ones, [0, 1]);
    expect(runs).toHaveBeenCalledTimes(2 ** 6 / 16);
    explainer.dispose();
    near(values(first!), polynomialValues);
    near(values(second!), worths);
    expect([first!.target, second!.target]).toEqual([0, 1]);
  });
});

describe('kernel-shap', () => {
  it('2,048 coalitions of 64 segments: exact on a linear score, for at most 1.1 times 2,048 passes', async () => {
    const explainer = await createExplainer(board, { method: 'kernel-shap', samples: 2048, hide: 'zero', batch: 64 });
    const runs = vi.spyOn(Program.prototype, 'run');
    const result = await explainer.run(picture, { target: 0 });
    expect(runs.mock.calls.length * 64).toBeLessThanOrEqual(1.1 * 2048);
    explainer.dispose();
    near(
      values(result),
      weights.map((w, i) => w * picture[i]!),
    );
  });

  it('more coalitions than are held at a time: progress goes on to the last', async () => {
    const done: number[] = [];
    const result = await explain(board, picture, {
      method: 'kernel-shap',
      samples: 5000,
      hide: 'zero',
      batch: 64,
      target: 0,
      onProgress: (p) => done.push(p.done / p.total),
    });
    expect(done.every((d, i) => i === 0 || d > done[i - 1]!)).toBe(true);
    expect(done.at(-1)).toBe(1);
    near(
      values(result),
      weights.map((w, i) => w * picture[i]!),
    );
  });

  it('keeps as many segments as asked for', async () => {
    const result = await explain(six, ones, { ...each, method: 'kernel-shap', target: 1, numFeatures: 2 });
    expect(Array.from(values(result)).map((v) => v !== 0)).toEqual([false, false, true, false, true, false]);
    expect(total(values(result))).toBeCloseTo(total(worths), 5);
  });

  it('the logit link adds up in log-odds', async () => {
    const options = { ...each, method: 'kernel-shap', output: 'probability', link: 'logit' } as const;
    const result = await explain(six, ones, options);
    const odds = Math.log(result.score / (1 - result.score));
    expect(total(values(result)) + result.regions!.intercept!).toBeCloseTo(odds, 4);
    // Of two classes the log-odds are the difference of the logits.
    near(
      values(result),
      polynomialValues.map((v, i) => v - worths[i]!),
    );
  });

  it('one seed, one map; another is another', async () => {
    const run = async (seed: number) => {
      const curved = await explain(six, ones, { ...each, method: 'kernel-shap', samples: 20, seed });
      return Array.from(values(curved));
    };
    const [a, b, c] = [await run(1), await run(1), await run(2)];
    expect(a).toEqual(b);
    expect(a).not.toEqual(c);
  });
});

describe.each(['permutation-shap', 'sampling-shap'] as const)('%s', (method) => {
  it('is exact where no segments act together', async () => {
    const result = await explain(six, ones, { ...each, method, target: 1 });
    near(values(result), worths);
    if (result.error.kind === 'standard-error') expect(result.error.relative).toBeLessThan(1e-5);
  });

  it('adds up, and comes as near as its standard error says', async () => {
    const options = { ...each, method } as MethodOptions;
    const rms = Math.hypot(...polynomialValues);
    for (const seed of [1, 2, 3]) {
      const many = method === 'permutation-shap' ? { permutations: 50 } : { samples: 50 };
      const result = await explain(six, ones, { ...options, ...many, seed, target: 0 } as MethodOptions & { target: number }); // prettier-ignore
      expect(total(values(result))).toBeCloseTo(2.5, 5);
      const off = Math.hypot(...polynomialValues.map((v, i) => v - values(result)[i]!)) / rms;
      expect(result.error).toMatchObject({ kind: 'standard-error', samples: 50 });
      if (result.error.kind === 'standard-error') {
        expect(result.error.relative).toBeGreaterThan(0);
        expect(off).toBeLessThan(3 * result.error.relative);
      }
    }
  });
});

describe('shap-interactions', () => {
  it('what a segment does with each other one; rows add up to the Shapley values', async () => {
    const result = await explain(six, ones, { ...each, method: 'shap-interactions', segment: 3 });
    near(
      values(result),
      [-0.375, 0, 1.5, 0.25, -0.375, 0].map((v, i) => (i === 3 ? 1 - (1.5 - 0.75) : v)),
    );
    const matrix = result.regions!.interactions!;
    for (let i = 0; i < 6; i++) {
      expect(total(matrix.subarray(6 * i, 6 * i + 6))).toBeCloseTo(polynomialValues[i]!, 5);
    }
  });
});

describe('partition-shap', () => {
  it('is the Owen value: the mean over the orders that keep halves together', async () => {
    const halves = [
      [0, 3],
      [
        [1, 2],
        [4, 5],
      ],
    ] as Halves;
    const game = (has: (i: number) => boolean) => {
      const x = [0, 1, 2, 3, 4, 5].map((i) => Number(has(i)));
      return 0.5 + 2 * x[0]! - x[1]! + 3 * x[2]! * x[3]! - 1.5 * x[0]! * x[3]! * x[4]!;
    };
    const orders = ordersOf(halves);
    expect(orders).toHaveLength(32);
    const owen = new Array<number>(6).fill(0);
    for (const order of orders) {
      order.forEach((i, k) => {
        const before = order.slice(0, k);
        owen[i]! += (game((j) => before.includes(j) || j === i) - game((j) => before.includes(j))) / orders.length;
      });
    }
    const result = await explain(six, ones, { method: 'partition-shap', target: 0, hide: 'zero', maxEvals: 500 });
    near(result.map, owen);
  });

  it.each([0, 1, 'both'] as const)(
    'with context %s, at any depth, it adds up within the passes allowed',
    async (fixedContext) => {
      for (const maxEvals of [4, 11, 40]) {
        const explainer = await createExplainer(six, { method: 'partition-shap', hide: 'zero', maxEvals, fixedContext, batch: 4 }); // prettier-ignore
        const done: number[] = [];
        const result = await explainer.run(ones, { target: 0, onProgress: (p) => done.push(p.done) });
        explainer.dispose();
        expect(total(result.map)).toBeCloseTo(2.5, 5);
        expect(done.at(-1)).toBeLessThanOrEqual(maxEvals);
      }
    },
  );

  it('a linear score: down to the pixels it is exact, above them the mean over a box', async () => {
    const options = { method: 'partition-shap', target: 0, hide: 'zero', fixedContext: 0 } as const;
    const exact = weights.map((w, i) => w * picture[i]!);
    near((await explain(board, picture, { ...options, maxEvals: 2 + 2 * 63 })).map, exact);
    const half = (await explain(board, picture, { ...options, maxEvals: 4 })).map;
    const mean = total(exact.subarray(0, 32)) / 32;
    near(half.subarray(0, 32), new Float32Array(32).fill(mean));
  });

  it('several classes out of the same passes', async () => {
    const explainer = await createExplainer(six, { method: 'partition-shap', hide: 'zero', maxEvals: 500 });
    const maps = await explainer.runEach(ones, { top: 2 });
    explainer.dispose();
    expect(maps.map((m) => m.target)).toEqual([0, 1]);
    near(maps[1]!.map, worths);
  });
});

describe('maps so far', () => {
  const methods: MethodOptions[] = [
    { method: 'kernel-shap', hide: 'zero' },
    { method: 'permutation-shap', hide: 'zero' },
    { method: 'sampling-shap', hide: 'zero' },
    { method: 'partition-shap', hide: 'zero', fixedContext: 1, maxEvals: 128 },
  ];
  it.each(methods)('$method comes nearer to its map', async (options) => {
    let clock = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => (clock += 1000));
    const maps: Float32Array[] = [];
    const last = await explain(board, picture, { ...options, target: 0, onPartial: ({ map, shape }) => {
      expect(shape).toEqual([1, 8, 8]);
      maps.push(map);
    } }); // prettier-ignore
    const off = maps.map((map) => compare(map, last.map).relL2);
    expect(off.length).toBeGreaterThan(5);
    // KernelSHAP has a linear score right from the first coalitions that determine it.
    if (options.method !== 'kernel-shap') expect(off[0]).toBeGreaterThan(0.1);
    expect(off.at(-1)).toBeLessThan(0.1);
    if (options.method === 'partition-shap') {
      for (const map of maps) expect(total(map)).toBeCloseTo(total(last.map), 4);
    }
  });
});

describe('what cannot be explained', () => {
  const wrong: [string, MethodOptions, string][] = [
    ['more segments than enumeration can take', { method: 'exact-shap', hide: 'zero', cells: 5 }, '2^25'],
    ['one segment', { method: 'kernel-shap', labels: new Int32Array(64) }, 'one segment'],
    ['labels of another picture', { method: 'kernel-shap', labels: new Int32Array(6) }, '6 labels'],
    ['nothing to hide', { method: 'permutation-shap', cells: 8, hide: 'mean' }, 'looks the same'],
    ['too few coalitions', { method: 'kernel-shap', hide: 'zero', samples: 10 }, '10 coalitions'],
    ['log-odds of a logit', { method: 'kernel-shap', hide: 'zero', cells: 2, link: 'logit' }, 'log-odds'],
    ['no such segment', { method: 'shap-interactions', hide: 'zero', segment: 9 }, 'segment 9'],
    ['no pass for a halving', { method: 'partition-shap', maxEvals: 3 }, 'maxEvals'],
    ['a blur of nothing', { method: 'partition-shap', hide: 'blur', blurSize: 1 }, 'picture itself'],
  ];
  it.each(wrong)('%s', async (_, options, words) => {
    const failed = await explain(board, picture, { ...options, target: 0 }).catch((error: unknown) => error);
    expect(failed).toMatchObject({ message: expect.stringContaining(words) as string });
    expect(['invalid-argument', 'shape']).toContain((failed as { code: string }).code);
  });
});

type Halves = number | [Halves, Halves];

function ordersOf(halves: Halves): number[][] {
  if (typeof halves === 'number') return [[halves]];
  const [a, b] = halves.map(ordersOf) as [number[][], number[][]];
  return a.flatMap((p) =>
    b.flatMap((q) => [
      [...p, ...q],
      [...q, ...p],
    ]),
  );
}
