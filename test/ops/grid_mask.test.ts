/** Masks enlarged from grids, against the formula in float64. */
import { describe, expect, it } from 'vitest';
import { constant } from '../../src/graph/leaves.ts';
import { enlarged, gridMask } from '../../src/ops/grid_mask.ts';
import { spread } from '../support/gradcheck.ts';
import { testEngine } from '../support/engine.ts';
import { compare, tolerance } from '../tolerance.ts';

/** u = (i + 1/2) S / E - 1/2, mirrored into [0, S - 1], linear between the two nearest cells. */
function expected(grid: Float32Array, s: number, shift: readonly number[], [h, w]: readonly number[]): number[] {
  const at = (i: number, size: number) => {
    let u = Math.abs(((i + 0.5) * s) / enlarged(size, s) - 0.5);
    if (u > s - 1) u = Math.max(0, 2 * (s - 1) - u);
    const low = Math.min(Math.floor(u), s - 1);
    return { low, high: Math.min(low + 1, s - 1), t: u - low };
  };
  const values: number[] = [];
  for (let i = 0; i < h!; i++) {
    for (let j = 0; j < w!; j++) {
      const [r, c] = [at(i + shift[0]!, h!), at(j + shift[1]!, w!)];
      const row = (k: number) => grid[k * s + c.low]! * (1 - c.t) + grid[k * s + c.high]! * c.t;
      values.push(row(r.low) * (1 - r.t) + row(r.high) * r.t);
    }
  }
  return values;
}

describe('gridMask', () => {
  it.each([
    [7, [20, 33]],
    [3, [7, 5]],
    [1, [4, 4]],
  ])('%i cells over %o', async (s, size) => {
    const grids = spread(2 * s * s, 4);
    const most = size.map((n) => enlarged(n, s) - n - 1);
    const shifts = [0, 0, ...most];
    const mask = gridMask(constant(grids, [2, s, s]), constant(shifts, [2, 2]), size as [number, number]);
    const { y } = await (await testEngine()).evaluate({ y: mask });
    const whole = [0, 1].flatMap((b) =>
      expected(grids.subarray(b * s * s, (b + 1) * s * s), s, shifts.slice(2 * b, 2 * b + 2), size),
    );
    expect(compare(y, whole).maxRel).toBeLessThan(tolerance.op);
  });

  it('grids that are not square are refused', () => {
    expect(() => gridMask(constant([1, 2], [1, 1, 2]), constant([0, 0], [1, 2]), [4, 4])).toThrow(/grid_mask/);
  });
});
