import { describe, expect, it } from 'vitest';
import { channelReduce, maskScore, pointingGame } from '../../src/explain/index.ts';

describe('maskScore', () => {
  const mask = [0, 1, 1, 0];

  it('counts the positive share on the object, and pairs for the AUC', () => {
    // Positive: 1 + 3 + 4, of which 3 on the object. Pairs (object > other): 3 > 1, -2 beats none of 1, 4; 3 < 4.
    const score = maskScore([1, 3, -2, 4], mask);
    expect(score).toEqual({ share: 3 / 8, area: 0.5, auc: 1 / 4 });
  });

  it('ties count half, so an even map scores one half', () => {
    expect(maskScore([2, 2, 2, 2], mask)).toEqual({ share: 0.5, area: 0.5, auc: 0.5 });
    expect(maskScore([1, 1, 2, 0], mask).auc).toBe(3.5 / 4);
  });

  it('a perfect map scores 1, a reversed one 0, a negative one has no share', () => {
    expect(maskScore([0, 5, 6, 0], mask)).toMatchObject({ share: 1, auc: 1 });
    expect(maskScore([5, 0, 0, 6], mask)).toMatchObject({ share: 0, auc: 0 });
    expect(maskScore([-1, -1, -1, -2], mask).share).toBe(0);
  });

  it('needs an object, a background, and equal sizes', () => {
    expect(() => maskScore([1, 2], [1, 1])).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
    expect(() => maskScore([1, 2], [0, 0])).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
    expect(() => maskScore([1, 2, 3], [0, 1])).toThrow(expect.objectContaining({ code: 'shape' }));
  });
});

it('the pointing game asks where the highest pixel lies', () => {
  expect(pointingGame([0, 3, 2], [0, 1, 0])).toBe(true);
  expect(pointingGame([4, 3, 2], [0, 1, 0])).toBe(false);
});

it.each([
  ['abs-max', [3, 2]],
  ['sum', [-2, 3]],
  ['abs-sum', [4, 3]],
  ['mean', [-1, 1.5]],
  ['max', [1, 2]],
  ['l2', [Math.fround(Math.sqrt(10)), Math.fround(Math.sqrt(5))]],
] as const)('channelReduce %s', (reduction, expected) => {
  const map = Float32Array.of(1, 2, -3, 1);
  expect([...channelReduce({ map, shape: [2, 1, 2] }, reduction)]).toEqual(expected);
});
