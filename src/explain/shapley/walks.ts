/** Shapley values from random orders: a player's value is the mean of what it adds to those that came before it. */
import type { Random } from '../../random.ts';
import { Roll, type Coalitions } from './coalitions.ts';

export interface Contributions extends Coalitions {
  /**
   * Coalitions that differ by one player, as rows [without, with, without, with]: what it adds to some players, and to
   * the others of the same order turned round. Their mean is one sample.
   */
  pairs: { player: number; rows: readonly [number, number, number, number] }[];
  /** Of each player. */
  samples: number;
}

/** Every order walked forwards and backwards: 2 (M - 1) coalitions each, and every sample adds up to v(1) - v(0). */
export function walkOrders(players: number, orders: readonly (readonly number[])[]): Contributions {
  const roll = new Roll(players);
  const pairs: Contributions['pairs'] = [];
  for (const order of orders) {
    const present = new Uint8Array(players);
    // Rows of the first k of the order, and of all but them.
    const [first, rest] = [[0], [1]];
    for (const player of order) {
      present[player] = 1;
      first.push(roll.add(present));
      rest.push(roll.add(present.map((v) => 1 - v)));
    }
    order.forEach((player, k) => pairs.push({ player, rows: [first[k]!, first[k + 1]!, rest[k + 1]!, rest[k]!] }));
  }
  return { ...roll.coalitions(), pairs, samples: orders.length };
}

/** Orders of its own for every player: 4 coalitions a sample. (Castro, Gomez, Tejada 2009; Strumbelj, Kononenko 2014.) */
export function sampleOrders(players: number, samples: number, random: Random): Contributions {
  const roll = new Roll(players);
  const pairs: Contributions['pairs'] = [];
  for (let k = 0; k < samples; k++) {
    for (let player = 0; player < players; player++) {
      const order = random.shuffle(Array.from({ length: players }, (_, i) => i));
      const before = new Uint8Array(players);
      for (const i of order.slice(0, order.indexOf(player))) before[i] = 1;
      const upTo = before.slice();
      upTo[player] = 1;
      const others = (row: Uint8Array) => roll.add(row.map((v) => 1 - v));
      pairs.push({ player, rows: [roll.add(before), roll.add(upTo), others(upTo), others(before)] });
    }
  }
  return { ...roll.coalitions(), pairs, samples };
}

/**
 * Means of the samples, and of their squares.
 * @param done takes the samples that the first `done` scores are enough for; a player without any has 0.
 */
export function meanContributions(scores: Float64Array, { players, pairs, count }: Contributions, done = count) {
  const [means, squares] = [new Float64Array(players), new Float64Array(players)];
  const samples = new Uint32Array(players);
  for (const { player, rows } of pairs) {
    if (rows.some((row) => row >= done)) continue;
    const [a, b, c, d] = rows.map((row) => scores[row]!) as [number, number, number, number];
    const sample = (b - a + d - c) / 2;
    means[player]! += sample;
    squares[player]! += sample ** 2;
    samples[player]!++;
  }
  samples.forEach((n, player) => {
    if (n === 0) return;
    means[player]! /= n;
    squares[player]! /= n;
  });
  return { means, squares };
}
