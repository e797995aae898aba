/** Groups of channels: the factors of what is a product, the photograph's own places, refusals. */
import { expect, it } from 'vitest';
import { activationGroups, factorise, gridDirections } from '../../src/ascent/index.ts';
import { mirrorModel } from './scene.ts';

it('finds the parts of a matrix that has them', () => {
  const parts = [
    [1, 0, 0, 2, 0],
    [0, 3, 0, 0, 4],
  ];
  const weights = [[1, 0], [0, 2], [3, 0], [0.5, 0], [0, 1], [0, 0]]; // prettier-ignore
  const values = weights.flatMap(([a, b]) => parts[0]!.map((v, j) => a! * v + b! * parts[1]![j]!));
  const found = factorise(values, [6, 5], 2, { iterations: 500 });
  expect(found.error).toBeLessThan(1e-3);
  // Which is first is the start's business; lengths are 1.
  const unit = parts.map((p) => p.map((v) => v / Math.hypot(...p)));
  const got = [0, 1].map((g) => [...found.parts.subarray(5 * g, 5 * g + 5)]).sort((a, b) => b[0]! - a[0]!);
  got.forEach((p, g) => p.forEach((v, j) => expect(v).toBeCloseTo(unit[g]![j]!, 2)));
});

it('more updates never make it worse, and the same seed gives the same bits', () => {
  const values = Array.from({ length: 7 * 9 }, (_, i) => Math.abs(Math.sin(i * 1.7)));
  const errors = [1, 2, 5, 20, 100].map((iterations) => factorise(values, [7, 9], 3, { iterations }).error);
  errors.slice(1).forEach((e, i) => expect(e).toBeLessThanOrEqual(errors[i]! + 1e-12));
  expect(factorise(values, [7, 9], 3, { seed: 4 })).toEqual(factorise(values, [7, 9], 3, { seed: 4 }));
});

it('groups of a photograph are where it has them', async () => {
  const model = await mirrorModel([3, 4, 4]);
  // Red on the left, green and blue together on the right; what is negative counts as nothing.
  const left = (i: number) => i % 4 < 2;
  const picture = Float32Array.from({ length: 48 }, (_, i) => (i < 16 ? (left(i) ? 2 : -1) : left(i) ? 0 : 1));
  const { groups, activations, size, channels, error } = await activationGroups(model, picture, { layer: 'maps', groups: 2, iterations: 500 }); // prettier-ignore
  expect([size, channels]).toEqual([[4, 4], 3]);
  expect(error).toBeLessThan(1e-3);
  expect(groups[0]!.share + groups[1]!.share).toBeCloseTo(1, 6);
  const red = groups.find((g) => g.direction[0]! > 0.9)!;
  const cyan = groups.find((g) => g !== red)!;
  expect([...cyan.direction].map((v) => Math.round(v * 100) / 100)).toEqual([0, 0.71, 0.71]);
  red.map.forEach((v, i) => expect(v).toBeCloseTo(left(i) ? 2 : 0, 1));
  expect(gridDirections({ activations, size, channels }, [1, 2]).map((d) => [...d])).toEqual([[2, 0, 0], [0, 1, 1]]); // prettier-ignore
  await expect(activationGroups(model, picture.map(() => -1), { layer: 'maps' })).rejects.toMatchObject({ code: 'dead-unit' }); // prettier-ignore
  await expect(activationGroups(model, picture, { layer: 'no' })).rejects.toMatchObject({ code: 'unknown-name' });
  await expect(activationGroups(model, new Float32Array(3), { layer: 'maps' })).rejects.toMatchObject({
    code: 'shape',
  });
});
