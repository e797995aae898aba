/**
 * XRAI's ranking of regions: those with the highest mean attribution over what they add come first. (Kapishnikov,
 * Bolukbasi, Viegas, Terry 2019, arXiv:1906.02825, algorithm 1.)
 */

/** Pixels of each region, which may overlap. */
export type PixelSets = readonly Int32Array[];

/** A region that adds fewer pixels than this is left out. */
const LEAST = 50;

export interface Ranked {
  /** The place of each pixel's region in the order of gains, from 0, [H,W]. */
  order: Int32Array;
  /** Mean attribution over what each region added, highest first; last that of the pixels that no region has. */
  gains: Float64Array;
}

/** @param attribution [H,W] @param fast one pass in the order of the regions' own means, instead of the best each time. */
export function rankRegions(attribution: ArrayLike<number>, regions: PixelSets, fast: boolean): Ranked {
  const pixels = attribution.length;
  const owner = new Int32Array(pixels).fill(-1);
  const gains: number[] = [];
  const take = (added: Int32Array, gain: number) => {
    for (const i of added) owner[i] = gains.length;
    gains.push(gain);
  };
  if (fast) {
    const means = regions.map((region) => meanOf(attribution, region));
    const order = [...regions.keys()].sort((a, b) => means[b]! - means[a]! || a - b);
    for (const r of order) {
      const added = regions[r]!.filter((i) => owner[i] === -1);
      if (added.length >= LEAST) take(added, meanOf(attribution, added));
    }
  } else takeBest(attribution, regions, owner, take);

  const byGain = [...gains.keys()].sort((a, b) => gains[b]! - gains[a]! || a - b);
  const rest = Int32Array.from(owner.keys()).filter((i) => owner[i] === -1);
  if (rest.length > 0) {
    byGain.push(gains.length);
    take(rest, meanOf(attribution, rest));
  }
  const place = new Int32Array(gains.length);
  byGain.forEach((region, k) => (place[region] = k));
  return { order: owner.map((region) => place[region]!), gains: Float64Array.from(byGain, (region) => gains[region]!) };
}

const meanOf = (attribution: ArrayLike<number>, pixels: Int32Array) =>
  pixels.reduce((n, i) => n + attribution[i]!, 0) / pixels.length;

/** Each region's count and sum of what it would add are kept up to date pixel by pixel: linear in the regions' sizes. */
function takeBest(
  attribution: ArrayLike<number>,
  regions: PixelSets,
  owner: Int32Array,
  take: (added: Int32Array, gain: number) => void,
): void {
  const counts = regions.map((region) => region.length);
  const sums = regions.map((region) => region.reduce((n, i) => n + attribution[i]!, 0));
  const holders: number[][] = Array.from(owner, () => []);
  regions.forEach((region, r) => region.forEach((i) => holders[i]!.push(r)));
  const left = new Set(regions.keys());
  for (;;) {
    let [best, most] = [-1, -Infinity];
    for (const r of left) {
      if (counts[r]! < LEAST) left.delete(r);
      else if (sums[r]! / counts[r]! > most) [best, most] = [r, sums[r]! / counts[r]!];
    }
    if (best < 0) return;
    left.delete(best);
    const added = regions[best]!.filter((i) => owner[i] === -1);
    take(added, most);
    for (const i of added) {
      for (const r of holders[i]!) {
        counts[r]!--;
        sums[r]! -= attribution[i]!;
      }
    }
  }
}

/** Pixels of each label that there is, each region grown by all that lie within `radius` of it. */
export function labelledRegions(labels: Int32Array, width: number, height: number, radius: number): Int32Array[] {
  const offsets: [number, number][] = [];
  for (let y = -radius; y <= radius; y++) {
    for (let x = -radius; x <= radius; x++) if (x * x + y * y <= radius * radius) offsets.push([y, x]);
  }
  const members: number[][] = [];
  labels.forEach((label, i) => (members[label] ??= []).push(i));
  const seen = new Int32Array(labels.length).fill(-1);
  return Object.values(members).map((own) => {
    const label = labels[own[0]!]!;
    const region: number[] = [];
    const add = (i: number) => {
      if (seen[i] === label) return;
      seen[i] = label;
      region.push(i);
    };
    for (const i of own) {
      const [y, x] = [Math.floor(i / width), i % width];
      const inside = [i - 1, i + 1, i - width, i + width].every((j) => labels[j] === label);
      if (inside && x > 0 && x + 1 < width) add(i);
      else {
        for (const [dy, dx] of offsets) {
          if (y + dy >= 0 && y + dy < height && x + dx >= 0 && x + dx < width) add(i + dy * width + dx);
        }
      }
    }
    return Int32Array.from(region);
  });
}
