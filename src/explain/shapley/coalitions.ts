/**
 * Which players of a game take part: rows of 0 and 1, [count, players]. The first row is always the empty coalition and
 * the second the full one.
 */
import type { Random } from '../../random.ts';

export interface Coalitions {
  players: number;
  count: number;
  /** [count, players] */
  present: Uint8Array;
}

/** Rows that are asked for, each kept once. */
export class Roll {
  private readonly rows: Uint8Array[] = [];
  private readonly places = new Map<string, number>();

  constructor(readonly players: number) {
    this.add(new Uint8Array(players));
    this.add(new Uint8Array(players).fill(1));
  }

  get count(): number {
    return this.rows.length;
  }

  /** @returns the row's index; the same for an equal row. */
  add(row: Uint8Array): number {
    const key = row.join('');
    const known = this.places.get(key);
    if (known !== undefined) return known;
    this.places.set(key, this.rows.length);
    this.rows.push(row.slice());
    return this.rows.length - 1;
  }

  coalitions(): Coalitions {
    const { players, count } = this;
    const present = new Uint8Array(players * count);
    this.rows.forEach((row, k) => present.set(row, k * players));
    return { players, count, present };
  }
}

/** Where the coalition with the bits of `set` (bit i: player i) stands in {@link allCoalitions}. */
export const rowOf = (set: number, players: number): number => {
  const full = 2 ** players - 1;
  if (set === 0) return 0;
  return set === full ? 1 : set + 1;
};

/** All 2^players of them, in the order of {@link rowOf}. */
export function allCoalitions(players: number): Coalitions {
  const count = 2 ** players;
  const present = new Uint8Array(count * players);
  for (let set = 0; set < count; set++) {
    const row = rowOf(set, players);
    for (let i = 0; i < players; i++) present[row * players + i] = (set >> i) & 1;
  }
  return { players, count, present };
}

export interface WeightedCoalitions extends Coalitions {
  /** Of every row, in all 1; 0 for the empty and the full one, which are constraints. */
  weights: Float64Array;
  /** Rows from this one on were drawn at random, mostly each with its complement behind it. */
  drawnFrom: number;
}

/**
 * The coalitions of KernelSHAP, as shap chooses them: sizes from both ends inwards, each in full while its share of
 * `samples` pays for it; what is left is drawn at random by size, with its complement, and shares the sizes' weight by
 * how often each came. A size s weighs (M - 1) / (s (M - s)).
 * @param samples coalitions beside the empty and the full one.
 */
export function kernelCoalitions(players: number, samples: number, random: Random): WeightedCoalitions {
  const all = players <= 30 ? 2 ** players - 2 : Infinity;
  let left = Math.min(samples, all);
  const roll = new Roll(players);
  const weights = [0, 0];
  const take = (row: Uint8Array, weight: number) => {
    const place = roll.add(row);
    if (place === weights.length) {
      left--;
      weights.push(0);
    }
    weights[place]! += weight;
  };

  // Sizes s and M - s go together; the middle one of an even M is its own complement.
  const sizes = Array.from({ length: Math.ceil((players - 1) / 2) }, (_, i) => i + 1);
  const paired = (size: number) => 2 * size !== players;
  const raw = sizes.map((s) => ((paired(s) ? 2 : 1) * (players - 1)) / (s * (players - s)));
  const total = raw.reduce((a, b) => a + b, 0);
  const shares = raw.map((w) => w / total);

  let full = 0;
  let remaining = 1;
  while (full < sizes.length) {
    const size = sizes[full]!;
    const rows = choose(players, size) * (paired(size) ? 2 : 1);
    if ((left * shares[full]!) / remaining < rows * (1 - 1e-8)) break;
    for (const row of rowsOfSize(players, size)) {
      take(row, shares[full]! / rows);
      if (paired(size)) take(complement(row), shares[full]! / rows);
    }
    remaining -= shares[full++]!;
  }
  if (full === sizes.length) {
    return { ...roll.coalitions(), weights: Float64Array.from(weights), drawnFrom: weights.length };
  }

  const fixed = weights.length;
  // A draw of a paired size gives two rows.
  const odds = sizes.slice(full).map((s, i) => shares[full + i]! / (paired(s) ? 2 : 1));
  for (let draws = 4 * left; left > 1 && draws > 0; draws--) {
    const size = sizes[full + pickBy(odds, random)]!;
    const row = new Uint8Array(players);
    for (const i of random.shuffle([...row.keys()]).slice(0, size)) row[i] = 1;
    take(row, 1);
    if (paired(size)) take(complement(row), 1);
  }
  const drawn = weights.slice(fixed).reduce((a, b) => a + b, 0);
  for (let k = fixed; k < weights.length; k++) weights[k]! *= remaining / drawn;
  return { ...roll.coalitions(), weights: Float64Array.from(weights), drawnFrom: fixed };
}

const complement = (row: Uint8Array) => row.map((v) => 1 - v);

export function choose(n: number, k: number): number {
  let value = 1;
  for (let i = 1; i <= k; i++) value = (value * (n - k + i)) / i;
  return Math.round(value);
}

function* rowsOfSize(players: number, size: number): Generator<Uint8Array> {
  const chosen = Array.from({ length: size }, (_, i) => i);
  for (;;) {
    const row = new Uint8Array(players);
    for (const i of chosen) row[i] = 1;
    yield row;
    let at = size - 1;
    while (at >= 0 && chosen[at] === players - size + at) at--;
    if (at < 0) return;
    chosen[at]!++;
    for (let k = at + 1; k < size; k++) chosen[k] = chosen[k - 1]! + 1;
  }
}

function pickBy(odds: readonly number[], random: Random): number {
  let at = random.uniform(
    0,
    odds.reduce((a, b) => a + b, 0),
  );
  for (let i = 0; i < odds.length; i++) if ((at -= odds[i]!) < 0) return i;
  return odds.length - 1;
}
