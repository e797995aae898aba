/** Splits: every sample once, shares of classes kept, groups together, the same for a seed. */
import { describe, expect, it } from 'vitest';
import { inMemory } from '../../src/train/dataset.ts';
import { kFold, split, subset } from '../../src/train/splits.ts';

const classes = Array.from({ length: 60 }, (_, i) => (i % 6 === 0 ? 'rare' : i % 2 ? 'odd' : 'even'));
const groups = Array.from({ length: 60 }, (_, i) => Math.floor(i / 7));
const sorted = (list: number[]) => [...list].sort((a, b) => a - b);
const all = Array.from({ length: 60 }, (_, i) => i);
const countOf = (indices: number[], name: string) => indices.filter((i) => classes[i] === name).length;

describe('splits', () => {
  it('hold out a share, of each class where asked to', () => {
    const { train, heldOut } = split(60, 0.2, { stratify: classes });
    expect(sorted([...train, ...heldOut])).toEqual(all);
    expect(['rare', 'odd', 'even'].map((name) => countOf(heldOut, name))).toEqual([2, 6, 4]);
    expect(split(60, 0.2).heldOut).toHaveLength(12);
    expect(split(60, 0.2, { seed: 1 })).toEqual(split(60, 0.2, { seed: 1 }));
    expect(split(60, 0.2, { seed: 1 })).not.toEqual(split(60, 0.2, { seed: 2 }));
  });

  it('fold: each sample is held out once, classes are shared out, groups stay together', () => {
    const folds = kFold(60, 5, { stratify: classes });
    expect(sorted(folds.flatMap((f) => f.heldOut))).toEqual(all);
    for (const { train, heldOut } of folds) {
      expect([train.length, heldOut.length, countOf(heldOut, 'rare')]).toEqual([48, 12, 2]);
    }
    for (const { train, heldOut } of [...kFold(60, 3, { groups }), split(60, 0.3, { groups })]) {
      const held = new Set(heldOut.map((i) => groups[i]));
      expect(heldOut.length).toBeGreaterThan(0);
      expect(train.filter((i) => held.has(groups[i]))).toEqual([]);
    }
  });

  it('a subset has the samples of its indices', async () => {
    const data = inMemory([1, 2, 3].map((v) => ({ input: Float32Array.of(v), label: 0 })), ['a']); // prettier-ignore
    const part = subset(data, [2, 0]);
    expect([part.length, (await part.get(0)).input[0], (await part.get(1)).input[0]]).toEqual([2, 3, 1]);
    expect(() => subset(data, [3])).toThrow(/index 3 of a dataset of 3/);
  });

  it.each([
    [() => split(10, 0), /a share of 0/],
    [() => split(1, 0.5), /1 samples, where 2/],
    [() => split(10, 0.5, { stratify: ['a'] }), /1 classes for 10 samples/],
    [() => split(3, 0.5, { stratify: ['a', 'b', 'b'] }), /a class of 1 samples/],
    [() => split(2, 0.5, { stratify: ['a', 'a'], groups: [1, 2] }), /exclude each other/],
    [() => kFold(10, 1), /1 folds/],
    [() => kFold(10, 3, { groups: Array.from({ length: 10 }, (_, i) => i % 2) }), /2 groups, where 3/],
  ])('refuse what cannot be: %s', (make, message) => {
    expect(make).toThrow(
      expect.objectContaining({ code: 'invalid-argument', message: expect.stringMatching(message) }),
    );
  });
});
