/** The helper that every numeric test trusts: it must fail when it should. */
import { describe, expect, test } from 'vitest';
import { compare } from './tolerance.ts';

const wrong = { maxAbs: Infinity, maxRel: Infinity, relL2: Infinity, cosine: -1 };

describe('compare', () => {
  test('finite values', () => {
    const d = compare([1, 2, 4.5], [1, 2, 4]);
    expect(d.maxAbs).toBe(0.5);
    expect(d.maxRel).toBe(0.125);
    expect(d.relL2).toBeCloseTo(Math.sqrt(0.25 / 21), 12);
    expect(d.cosine).toBeCloseTo(23 / Math.sqrt(25.25 * 21), 12);
    expect(compare([1, 2], [1, 2])).toEqual({ maxAbs: 0, maxRel: 0, relL2: 0, cosine: 1 });
    expect(() => compare([1], [1, 2])).toThrow('1 values against 2');
  });

  test.each([
    ['NaN for a number', [NaN, 1], [1, 1]],
    ['NaN before a right value', [NaN, 1, 2], [0, 1, 2]],
    ['NaN after an error', [9, NaN], [1, 1]],
    ['a number for NaN', [1, 1], [NaN, 1]],
    ['infinity for a number', [Infinity, 1], [1, 1]],
    ['a number for infinity', [3.4e38, 1], [Infinity, 1]],
    ['the other infinity', [-Infinity], [Infinity]],
    ['NaN for infinity', [NaN], [Infinity]],
    ['infinity for NaN', [Infinity], [NaN]],
  ])('%s is an infinite error', (_, actual, expected) => {
    expect(compare(actual, expected)).toEqual(wrong);
  });

  test('an error beside a NaN that is right is still seen', () => {
    expect(compare([NaN, 5, 2], [NaN, 1, 2]).maxAbs).toBe(4);
    expect(compare([5, NaN, 2], [1, NaN, 2]).maxAbs).toBe(4);
  });

  test('NaN and infinities that are right count for nothing', () => {
    const d = compare([NaN, Infinity, -Infinity, 3], [NaN, Infinity, -Infinity, 3]);
    expect(d).toEqual({ maxAbs: 0, maxRel: 0, relL2: 0, cosine: 1 });
  });
});
