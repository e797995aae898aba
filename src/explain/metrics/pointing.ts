/**
 * Scores of a map [H,W] against the known mask of the object, both row-major; a pixel belongs to the object where the
 * mask is above one half.
 */
import { WgradError } from '../../errors.ts';
import { argmax } from '../../model/target.ts';

/** How a map lies to the object whose mask is known. */
export interface MaskScore {
  /** Share of the positive attribution that lies on the object, in [0, 1]; 0 where nothing is positive. */
  share: number;
  /** What `share` is for an even map: the object's part of the area. */
  area: number;
  /** Probability that a pixel of the object outranks one outside, ties counting half: 0.5 for a blind map. */
  auc: number;
}

/** @throws WgradError 'shape'; 'invalid-argument' for a mask that is all object or all background. */
export function maskScore(map: ArrayLike<number>, mask: ArrayLike<number>): MaskScore {
  const inside = check(map, mask);
  let [onObject, positive] = [0, 0];
  for (let i = 0; i < map.length; i++) {
    const v = Math.max(0, map[i]!);
    positive += v;
    if (inside[i]) onObject += v;
  }
  const objects = inside.reduce((n, v) => n + v, 0);
  const others = map.length - objects;
  if (objects === 0 || others === 0) {
    throw new WgradError('invalid-argument', 'maskScore: the mask has no object or no background');
  }
  // Mann-Whitney U from the sum of the object's ranks.
  const u = rankSum(map, inside) - (objects * (objects + 1)) / 2;
  return { share: positive > 0 ? onObject / positive : 0, area: objects / map.length, auc: u / (objects * others) };
}

/** The pointing game: whether the map's highest pixel lies on the object. (Zhang et al. 2016, arXiv:1608.00507.) */
export function pointingGame(map: ArrayLike<number>, mask: ArrayLike<number>): boolean {
  return check(map, mask)[argmax(map)] === 1;
}

function check(map: ArrayLike<number>, mask: ArrayLike<number>): Uint8Array {
  if (map.length !== mask.length) {
    throw new WgradError('shape', `a map of ${map.length} pixels against a mask of ${mask.length}`);
  }
  return Uint8Array.from(mask, (v) => (v > 0.5 ? 1 : 0));
}

/** Sum of the ranks (from 1; equal values share their mean rank) of the pixels inside. */
function rankSum(map: ArrayLike<number>, inside: Uint8Array): number {
  const order = Array.from({ length: map.length }, (_, i) => i).sort((a, b) => map[a]! - map[b]!);
  let total = 0;
  for (let from = 0; from < order.length;) {
    let to = from;
    let members = 0;
    while (to < order.length && map[order[to]!] === map[order[from]!]) members += inside[order[to++]!]!;
    total += members * ((from + 1 + to) / 2);
    from = to;
  }
  return total;
}
