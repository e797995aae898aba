/**
 * Static memory plan: which intermediates may share a buffer.
 *
 * Whole buffers are shared, not offsets of one arena: WebGPU forbids one buffer as both read-only and read-write in a
 * dispatch, and two values that meet in a dispatch are alive together, so they never share. Greedy by size, largest
 * first (Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020, shared objects).
 */
export interface Lifetime {
  bytes: number;
  /** First and last step that touches the value, both inclusive. */
  first: number;
  last: number;
}

export interface MemoryPlan {
  /** Bytes of each shared buffer. */
  slots: number[];
  /** Slot of each lifetime, by position. */
  assignment: number[];
}

export function planMemory(lifetimes: readonly Lifetime[]): MemoryPlan {
  const order = lifetimes.map((_, i) => i).sort((a, b) => lifetimes[b]!.bytes - lifetimes[a]!.bytes || a - b);
  const slots: { bytes: number; users: Lifetime[] }[] = [];
  const assignment = new Array<number>(lifetimes.length);
  for (const i of order) {
    const value = lifetimes[i]!;
    const isFree = (s: { users: Lifetime[] }) => s.users.every((u) => u.last < value.first || value.last < u.first);
    let best = -1;
    slots.forEach((slot, k) => {
      if (isFree(slot) && (best < 0 || slot.bytes < slots[best]!.bytes)) best = k;
    });
    if (best < 0) best = slots.push({ bytes: value.bytes, users: [] }) - 1;
    slots[best]!.users.push(value);
    assignment[i] = best;
  }
  return { slots: slots.map((s) => s.bytes), assignment };
}

/** No plan can do with less: the largest sum of bytes alive at one step. */
export function memoryLowerBound(lifetimes: readonly Lifetime[]): number {
  const steps = Math.max(0, ...lifetimes.map((l) => l.last + 1));
  const alive = new Float64Array(steps);
  for (const l of lifetimes) for (let s = l.first; s <= l.last; s++) alive[s]! += l.bytes;
  return alive.reduce((a, b) => Math.max(a, b), 0);
}
