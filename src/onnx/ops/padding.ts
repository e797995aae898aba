/** Pad in its four modes; negative amounts crop. */
import type { Shaped } from './algebra.ts';
import type { OpContext } from './row.ts';

/** No picture is larger: what a crafted file asks for above it is not allocated. */
const MAX_AMOUNT = 2 ** 16;

type Mode = 'reflect' | 'edge' | 'wrap';

const modulo = (i: number, n: number) => ((i % n) + n) % n;

/** Which element of an axis of `n` stands at place `i`, which may lie outside. */
const PLACES: Readonly<Record<Mode, (i: number, n: number) => number>> = {
  edge: (i, n) => Math.min(Math.max(i, 0), n - 1),
  wrap: modulo,
  // Without repeating the border: ... 2 1 | 0 1 2 | 1 0 1 ...
  reflect: (i, n) => (n === 1 ? 0 : n - 1 - Math.abs(modulo(i, 2 * (n - 1)) - (n - 1))),
};

/** Pads and value are attributes before opset 11; axes can be chosen since opset 18. */
export function padding<T extends Shaped>(c: OpContext<T>): T {
  const x = c.x(0);
  const mode = c.choice('mode', 'constant', 'reflect', 'edge', 'wrap');
  const amounts = (c.opset < 11 ? c.ints('pads') : c.numbers(1)) ?? [];
  const axes = c.numbers(3)?.map((axis) => c.axis(axis, x.shape.length)) ?? [...x.shape.keys()];
  if (amounts.length !== 2 * axes.length || !amounts.every((n) => Number.isInteger(n) && Math.abs(n) <= MAX_AMOUNT))
    throw c.invalid(`pads [${amounts.join(', ')}] for ${axes.length} axes`);
  const before = x.shape.map(() => 0);
  const after = x.shape.map(() => 0);
  axes.forEach((axis, i) => {
    before[axis] = amounts[i]!;
    after[axis] = amounts[axes.length + i]!;
  });
  const bad = x.shape.findIndex((d, axis) => d + before[axis]! + after[axis]! < 0);
  if (bad >= 0)
    throw c.invalid(`pads [${amounts.join(', ')}] take more than axis ${bad} of [${x.shape.join(', ')}] has`);
  if ([...before, ...after].every((amount) => amount === 0)) return x;
  if (mode !== 'constant') return repeating(c, x, before, after, mode);
  const value = c.opset < 11 ? c.float('value', 0) : c.scalar(2, 0);
  const grown = [...before, ...after].some((amount) => amount > 0)
    ? c.ops.pad(x, before.map((n) => Math.max(n, 0)), after.map((n) => Math.max(n, 0)), value) // prettier-ignore
    : x;
  if ([...before, ...after].every((amount) => amount >= 0)) return grown;
  const starts = before.map((n) => Math.max(-n, 0));
  const sizes = x.shape.map((d, axis) => d + before[axis]! + after[axis]!);
  return c.ops.slice(grown, starts, sizes, x.shape.map(() => 1)); // prettier-ignore
}

function repeating<T extends Shaped>(
  c: OpContext<T>,
  x: T,
  before: readonly number[],
  after: readonly number[],
  mode: Mode,
): T {
  let y = x;
  x.shape.forEach((extent, axis) => {
    if (before[axis] === 0 && after[axis] === 0) return;
    if (extent === 0) throw c.invalid(`axis ${axis} has nothing to repeat`);
    const length = extent + before[axis]! + after[axis]!;
    const places = Array.from({ length }, (_, i) => PLACES[mode](i - before[axis]!, extent));
    y = c.ops.gather(y, places, axis);
  });
  return y;
}
