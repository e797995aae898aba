/**
 * Static memory plan: where intermediates lie, several in a buffer, some at the same place one after another.
 *
 * WebGPU forbids one buffer as both read-only and read-write in a dispatch, at whatever offsets. So two values that are
 * alive together share a buffer only where no step reads the one and writes the other. Greedy, largest first (Pisarchyk
 * and Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020), in the buffer that grows least by it.
 */
import type { Pieces } from '../pace.ts';

export interface Lifetime {
  bytes: number;
  /** First and last step that touches the value, both inclusive. */
  first: number;
  last: number;
  /** Steps that bind it for writing; at all others it is read. */
  writes: ReadonlySet<number>;
  /** Steps that bind it at all. */
  uses: ReadonlySet<number>;
}

export interface MemoryPlan {
  /** Bytes of each shared buffer. */
  slots: number[];
  /** Where each lifetime lies, by position. */
  places: Place[];
}

export interface Place {
  slot: number;
  offset: number;
}

/** WebGPU's default minStorageBufferOffsetAlignment, which every device grants. */
const ALIGNMENT = 256;

const aligned = (bytes: number) => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

/** Orders in which values are placed; which one is best depends on the graph. */
const orders: readonly ((a: Lifetime, b: Lifetime) => number)[] = [
  (a, b) => b.bytes - a.bytes || a.first - b.first,
  (a, b) => b.bytes * (1 + b.last - b.first) - a.bytes * (1 + a.last - a.first),
  (a, b) => a.first - b.first || b.bytes - a.bytes,
];

/** What is tried, as visits of one value to another: fewer orders of many values. Some hundredths of a second. */
const EFFORT = 3e6;
const TRIES_MAX = 300;

/** Times the lower bound: no more is tried for. */
const ENOUGH = 1.03;

/** Below it nothing is gained by trying. */
const WORTH_TRYING = 2 ** 20;

/** Smaller shares of the lower bound are placed last, where room is left: their order makes no difference. */
const SMALL = 1 / 2000;

/** @param most bytes that a buffer may have, unless one value alone needs more. */
export function* planMemory(lifetimes: readonly Lifetime[], most = Infinity): Pieces<MemoryPlan> {
  const bound = memoryLowerBound(lifetimes);
  const met = meetings(lifetimes);
  yield;
  const all = lifetimes.map((_, i) => i);
  const large = all.filter((i) => lifetimes[i]!.bytes > SMALL * bound);
  const visits = 1 + large.reduce((n, i) => n + met[i]!.length, 0);
  const tries = bound < WORTH_TRYING ? orders.length : Math.min(TRIES_MAX, Math.max(12, EFFORT / visits));
  let best: { order: readonly number[]; bytes: number } | undefined;
  let seed = 1;
  const noise = () => 2 ** ((seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32 - 0.5);
  // The orders as they are, then with sizes a little other than they are; always the same ones.
  for (let k = 0; k < tries && !(best && best.bytes <= ENOUGH * bound); k++) {
    const by = orders[k % orders.length]!;
    const values = k < orders.length ? lifetimes : lifetimes.map((v) => ({ ...v, bytes: v.bytes * noise() }));
    const order = large.toSorted((a, b) => by(values[a]!, values[b]!) || a - b);
    const bytes = placeAll(lifetimes, met, order, most).slots.reduce((a, b) => a + b, 0);
    if (!best || bytes < best.bytes) best = { order, bytes };
    yield;
  }
  const known = new Set(large);
  return placeAll(lifetimes, met, [...(best?.order ?? []), ...all.filter((i) => !known.has(i))], most);
}

/** Of each value: the others that are alive at the same time, and whether they can share a buffer with it. */
type Meetings = readonly { other: number; clash: boolean }[][];

function meetings(lifetimes: readonly Lifetime[]): Meetings {
  const met: { other: number; clash: boolean }[][] = lifetimes.map(() => []);
  lifetimes.forEach((a, i) => {
    for (let k = 0; k < i; k++) {
      const b = lifetimes[k]!;
      if (b.last < a.first || a.last < b.first) continue;
      const clash = areOpposed(a, b);
      met[i]!.push({ other: k, clash });
      met[k]!.push({ other: i, clash });
    }
  });
  return met;
}

/** Whether a step reads one of them and writes the other. */
function areOpposed(a: Lifetime, b: Lifetime): boolean {
  const [few, many] = a.uses.size < b.uses.size ? [a, b] : [b, a];
  for (const step of few.uses) if (many.uses.has(step) && few.writes.has(step) !== many.writes.has(step)) return true;
  return false;
}

interface Stretch {
  from: number;
  to: number;
}

/** Each value in turn, in the buffer that grows least by it, and there in the smallest gap. */
function placeAll(lifetimes: readonly Lifetime[], met: Meetings, indices: readonly number[], most: number): MemoryPlan {
  const slots: number[] = [];
  const places: (Place | undefined)[] = lifetimes.map(() => undefined);
  for (const i of indices) {
    const size = aligned(lifetimes[i]!.bytes);
    const taken: (Stretch[] | 'clash' | undefined)[] = [];
    for (const { other, clash } of met[i]!) {
      const place = places[other];
      if (!place || taken[place.slot] === 'clash') continue;
      if (clash) taken[place.slot] = 'clash';
      else {
        const to = place.offset + aligned(lifetimes[other]!.bytes);
        ((taken[place.slot] ??= []) as Stretch[]).push({ from: place.offset, to });
      }
    }
    let best = { slot: slots.length, offset: 0, growth: size, gap: Infinity };
    slots.forEach((bytes, slot) => {
      const alive = taken[slot] ?? [];
      if (alive === 'clash') return;
      const { offset, gap } = room(alive, size, bytes);
      const growth = Math.max(0, offset + size - bytes);
      if (bytes + growth > most) return;
      if (growth < best.growth || (growth === best.growth && gap < best.gap)) best = { slot, offset, growth, gap };
    });
    slots[best.slot] = (slots[best.slot] ?? 0) + best.growth;
    places[i] = { slot: best.slot, offset: best.offset };
  }
  return { slots, places: places as Place[] };
}

/** The smallest gap between those that are alive, or the end, and how large it is. */
function room(alive: Stretch[], size: number, bytes: number): { offset: number; gap: number } {
  let best = { offset: 0, gap: Infinity };
  let end = 0;
  for (const { from, to } of alive.sort((a, b) => a.from - b.from)) {
    const gap = from - end;
    if (gap >= size && gap < best.gap) best = { offset: end, gap };
    end = Math.max(end, to);
  }
  const gap = bytes - end;
  if (best.gap === Infinity || (gap >= size && gap < best.gap)) return { offset: end, gap: Math.max(gap, size) };
  return best;
}

/**
 * No plan can do with less than the largest sum of bytes alive at one step, nor with less than the largest value and
 * what a step reads, or what it writes: one of these lies outside that value's buffer.
 */
export function memoryLowerBound(lifetimes: readonly Lifetime[]): number {
  const steps = Math.max(0, ...lifetimes.map((l) => l.last + 1));
  const [alive, read, written] = [0, 0, 0].map(() => new Float64Array(steps)) as [Sums, Sums, Sums];
  let largest = 0;
  for (const { bytes, first, last, uses, writes } of lifetimes) {
    largest = Math.max(largest, bytes);
    for (let s = first; s <= last; s++) alive[s]! += bytes;
    for (const s of uses) (writes.has(s) ? written : read)[s]! += bytes;
  }
  return alive.reduce((most, sum, s) => Math.max(most, sum, largest + Math.min(read[s]!, written[s]!)), 0);
}

type Sums = Float64Array;
