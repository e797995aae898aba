/** Shapley values of games whose answer is known. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  allCoalitions,
  choose,
  kernelCoalitions,
  Roll,
  rowOf,
  type Coalitions,
} from '../../../src/explain/shapley/coalitions.ts';
import { exactInteractions, exactValues, kernelErrors, kernelValues } from '../../../src/explain/shapley/values.ts';
import { Random } from '../../../src/random.ts';

type Game = (has: (player: number) => boolean) => number;

const play = ({ players, count, present }: Coalitions, game: Game) =>
  Float64Array.from({ length: count }, (_, k) => game((i) => present[k * players + i] === 1));

/** Gloves: players 0 and 1 hold left ones, 2 a right one; a pair is worth 1. */
const gloves: Game = (has) => Number(has(2) && (has(0) || has(1)));
/** Each player's own, one product of two and one of three, and a player that does nothing (5). */
const polynomial: Game = (has) => {
  const x = [0, 1, 2, 3, 4].map((i) => Number(has(i)));
  return 0.5 + 2 * x[0]! - x[1]! + 3 * x[2]! * x[3]! - 1.5 * x[0]! * x[3]! * x[4]!;
};
const polynomialValues = [2 - 0.5, -1, 1.5, 1.5 - 0.5, -0.5, 0];

const near = (actual: ArrayLike<number>, expected: ArrayLike<number>, digits = 12) => {
  expect(actual.length).toBe(expected.length);
  Array.from(actual).forEach((v, i) => expect(v).toBeCloseTo(expected[i]!, digits));
};

describe('exact values', () => {
  it('the glove game', () => near(exactValues(play(allCoalitions(3), gloves), 3), [1 / 6, 1 / 6, 4 / 6]));

  it('products are shared alike, what does nothing gets 0, all add up to v(1) - v(0)', () => {
    const scores = play(allCoalitions(6), polynomial);
    near(exactValues(scores, 6), polynomialValues);
    expect(exactValues(scores, 6).reduce((a, b) => a + b, 0)).toBeCloseTo(scores[1]! - scores[0]!, 12);
  });

  it('rows: empty first, full second, each once', () => {
    const { present } = allCoalitions(4);
    expect([...present.subarray(0, 8)]).toEqual([0, 0, 0, 0, 1, 1, 1, 1]);
    for (let set = 0; set < 16; set++) {
      const row = present.subarray(4 * rowOf(set, 4), 4 * rowOf(set, 4) + 4);
      expect(row.reduce((n, v, i) => n + (v << i), 0)).toBe(set);
    }
  });
});

describe('interactions', () => {
  it('half of a product to each side, a third of a product of three halved; rows sum to the values', () => {
    const matrix = exactInteractions(play(allCoalitions(6), polynomial), 6);
    const at = (i: number, j: number) => matrix[i * 6 + j]!;
    expect(at(2, 3)).toBeCloseTo(1.5, 12);
    expect(at(0, 3)).toBeCloseTo(-0.375, 12);
    expect(at(3, 4)).toBeCloseTo(-0.375, 12);
    expect(at(1, 2)).toBeCloseTo(0, 12);
    expect(at(1, 1)).toBeCloseTo(-1, 12);
    for (let i = 0; i < 6; i++) {
      const row = [0, 1, 2, 3, 4, 5].map((j) => at(i, j));
      expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(polynomialValues[i]!, 12);
      for (let j = 0; j < 6; j++) expect(at(i, j)).toBe(at(j, i));
    }
  });

  it('two players', () => near(exactInteractions(Float64Array.of(0, 5, 1, 2), 2), [1, 1, 1, 2]));
});

describe('kernel', () => {
  it.each([2, 3, 4, 5, 6, 7])('all coalitions of %i players give the exact values', (players) => {
    const game: Game = (has) => polynomial((i) => i < players && has(i));
    const coalitions = kernelCoalitions(players, 10_000, new Random(0));
    expect(coalitions.count).toBe(2 ** players);
    const weight = coalitions.weights.reduce((a, b) => a + b, 0);
    expect(weight).toBeCloseTo(1, 12);
    near(
      kernelValues(play(coalitions, game), coalitions)!,
      exactValues(play(allCoalitions(players), game), players),
      10,
    );
  });

  it('exact on a game without products, from few coalitions; sums to v(1) - v(0)', () => {
    const coalitions = kernelCoalitions(30, 100, new Random(1));
    const worth = Float64Array.from({ length: 30 }, (_, i) => Math.sin(i));
    const scores = play(coalitions, (has) => worth.reduce((v, w, i) => v + (has(i) ? w : 0), 0.25));
    near(kernelValues(scores, coalitions)!, worth, 9);
  });

  it('whole sizes first, then pairs of complements, no coalition twice', () => {
    const [players, samples] = [12, 501];
    const { count, present, weights } = kernelCoalitions(players, samples, new Random(2));
    expect(count - 2).toBeLessThanOrEqual(samples);
    expect(count - 2).toBeGreaterThanOrEqual(samples - 1);
    const rows = Array.from({ length: count }, (_, k) => present.subarray(k * players, (k + 1) * players).join(''));
    expect(new Set(rows).size).toBe(count);
    const ofSize = (s: number) => rows.filter((r) => [...r].filter((c) => c === '1').length === s);
    for (const s of [1, 2]) expect(ofSize(s).length + ofSize(players - s).length).toBe(2 * choose(players, s));
    expect(ofSize(3).length).toBeLessThan(choose(players, 3));
    const flipped = (r: string) => [...r].map((c) => 1 - Number(c)).join('');
    for (const r of rows) if ([...r].filter((c) => c === '1').length !== 6) expect(rows).toContain(flipped(r));
    // Size 1 and 11 together have their share of the kernel.
    const share = (s: number) => (players - 1) / (s * (players - s));
    const all = Array.from({ length: players - 1 }, (_, s) => share(s + 1)).reduce((a, b) => a + b, 0);
    const ones = rows.reduce((w, r, k) => w + ([...r].filter((c) => c === '1').length === 1 ? weights[k]! : 0), 0);
    expect(ones).toBeCloseTo(share(1) / all, 12);
    expect(weights.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
  });

  it('a limit keeps the players that matter, and the sum', () => {
    const coalitions = kernelCoalitions(12, 500, new Random(3));
    const scores = play(coalitions, (has) => 5 * Number(has(3)) - 4 * Number(has(7)) + 0.1 * Number(has(1)));
    const values = kernelValues(scores, coalitions, 2)!;
    expect([...values.keys()].filter((i) => values[i] !== 0)).toEqual([3, 7]);
    expect(values.reduce((a, b) => a + b, 0)).toBeCloseTo(scores[1]! - scores[0]!, 12);
  });

  describe('the same coalitions and scores in shap', () => {
    const path = new URL('../../fixtures/kernel_shap.json', import.meta.url);
    const { players, masks, weights, scores, values } = JSON.parse(readFileSync(path, 'utf8')) as {
      players: number;
      masks: string[];
      weights: number[];
      scores: number[];
      values: Record<string, number[]>;
    };
    const roll = new Roll(players);
    for (const mask of masks) roll.add(Uint8Array.from(mask, Number));
    const coalitions = { ...roll.coalitions(), weights: Float64Array.of(0, 0, ...weights), drawnFrom: 2 };

    it.each(Object.entries(values))('num_features: %s', (features, expected) => {
      const limit = features === 'all' ? undefined : Number(features);
      near(kernelValues(Float64Array.from(scores), coalitions, limit)!, expected, 9);
    });

    it('its coalitions of whole sizes are the same, with the same weights', () => {
      const ours = kernelCoalitions(players, masks.length, new Random(0));
      const rows = new Map(masks.map((mask, k) => [mask, weights[k]!]));
      let whole = 0;
      for (let k = 2; k < ours.count; k++) {
        const row = ours.present.subarray(k * players, (k + 1) * players).join('');
        const size = [...row].filter((c) => c === '1').length;
        if (size !== 1 && size !== players - 1) continue;
        whole++;
        expect(ours.weights[k]).toBeCloseTo(rows.get(row)!, 12);
      }
      expect(whole).toBe(2 * players);
    });
  });

  it('too few coalitions have no answer', () => {
    const coalitions = kernelCoalitions(20, 10, new Random(4));
    expect(kernelValues(new Float64Array(coalitions.count), coalitions)).toBeUndefined();
  });
});

it('standard errors of KernelSHAP are about what the values are off by', () => {
  const players = 9;
  const random = new Random('errors');
  const game = Float64Array.from({ length: 2 ** players }, () => random.normal());
  const score = (row: Uint8Array) => game[row.reduce((n, bit, i) => n + bit * 2 ** i, 0)]!;
  const all = allCoalitions(players);
  const scoresOf = ({ count, present }: { count: number; present: Uint8Array }) =>
    Float64Array.from({ length: count }, (_, k) => score(present.subarray(k * players, (k + 1) * players)));
  const exact = exactValues(scoresOf(all), players);
  let [said, off] = [0, 0];
  for (let seed = 0; seed < 40; seed++) {
    const drawn = kernelCoalitions(players, 150, new Random(seed));
    const scores = scoresOf(drawn);
    const values = kernelValues(scores, drawn)!;
    const errors = kernelErrors(scores, drawn)!;
    values.forEach((v, i) => {
      off += (v - exact[i]!) ** 2;
      said += errors[i]! ** 2;
    });
  }
  // All rows are drawn without repetition: what is left to draw is less than the jackknife takes it for.
  expect(Math.sqrt(said / off)).toBeGreaterThan(0.8);
  expect(Math.sqrt(said / off)).toBeLessThan(2);
  const complete = kernelCoalitions(players, 1000, new Random(0));
  expect(kernelErrors(scoresOf(complete), complete)).toBeUndefined();
});
