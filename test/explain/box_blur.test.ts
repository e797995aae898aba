import { expect, it } from 'vitest';
import { boxBlur } from '../../src/explain/box_blur.ts';
import { spread } from '../support/gradcheck.ts';

/** Index beyond the border, mirrored at the border pixel. */
const mirror = (i: number, n: number): number => (i < 0 ? mirror(-i, n) : i >= n ? mirror(2 * n - 2 - i, n) : i);

it.each([1, 2, 3, 4, 9])('the mean over boxes of %i pixels, mirrored at the border', (size) => {
  const [c, h, w] = [2, 5, 6];
  const x = spread(c * h * w, 3);
  const before = Math.floor(size / 2);
  const expected = Float32Array.from(x, (_, i) => {
    const [channel, row, column] = [Math.floor(i / (h * w)), Math.floor(i / w) % h, i % w];
    let sum = 0;
    for (let dy = -before; dy < size - before; dy++) {
      for (let dx = -before; dx < size - before; dx++) {
        sum += x[(channel * h + mirror(row + dy, h)) * w + mirror(column + dx, w)]!;
      }
    }
    return sum / size ** 2;
  });
  boxBlur(x, [c, h, w], size).forEach((v, i) => expect(v).toBeCloseTo(expected[i]!, 6));
});
