import { expect, it } from 'vitest';
import { f16ToF32, fromHalf, toHalf } from '../../src/formats/half.ts';

it('every half float comes back from its value', () => {
  const all = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const numbers = all.filter((bits) => (bits & 0x7c00) !== 0x7c00 || (bits & 0x3ff) === 0);
  expect(toHalf(fromHalf(numbers))).toEqual(numbers);
  expect([...toHalf(Float32Array.of(NaN))].map(f16ToF32)).toEqual([NaN]);
});

it('the nearest is taken, ties to even, beyond the largest infinity', () => {
  const random = (i: number) => Math.sin(i * 12.9898) * 43758.5453;
  const values = Float32Array.from({ length: 20000 }, (_, i) => (random(i) % 1) * 2 ** ((i % 41) - 26));
  const half = fromHalf(toHalf(values));
  // Neighbours of what was taken are no nearer.
  const bits = toHalf(values);
  values.forEach((v, i) => {
    const error = Math.abs(half[i]! - v);
    for (const step of [-1, 1]) {
      const neighbour = f16ToF32((bits[i]! + step) & 0xffff);
      if (Math.sign(neighbour) === Math.sign(v)) expect(Math.abs(neighbour - v)).toBeGreaterThanOrEqual(error);
    }
  });
  const ties = Float32Array.of(1 + 2 ** -11, 1 + 3 * 2 ** -11, 2 ** -25, 3 * 2 ** -25, 65504, 65519, 65520, -1e30);
  expect([...fromHalf(toHalf(ties))]).toEqual([1, 1 + 2 ** -9, 0, 2 ** -23, 65504, 65504, Infinity, -Infinity]);
});
