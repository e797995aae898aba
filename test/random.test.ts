import { describe, expect, it } from 'vitest';
import { Random } from '../src/random.ts';

const moments = (values: number[]) => {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
  return { mean, variance };
};

describe('Random', () => {
  it('gives the same numbers on every machine', () => {
    const r = new Random(7);
    expect([r.bits(), r.bits(), r.bits()]).toEqual([1238293565, 596469909, 756883109]);
    expect(new Random('7').bits()).toBe(new Random(7).bits());
  });

  it('is uniform in [low, high)', () => {
    const r = new Random('uniform');
    const values = Array.from({ length: 20000 }, () => r.uniform(-1, 3));
    expect(Math.min(...values)).toBeGreaterThanOrEqual(-1);
    expect(Math.max(...values)).toBeLessThan(3);
    // Standard error of the mean: (4 / sqrt(12)) / sqrt(20000) = 0.008.
    expect(Math.abs(moments(values).mean - 1)).toBeLessThan(0.033);
    expect(moments(values).variance).toBeCloseTo(16 / 12, 1);
  });

  it('is standard normal', () => {
    const r = new Random('normal');
    const values = Array.from({ length: 20000 }, () => r.normal());
    expect(Math.abs(moments(values).mean)).toBeLessThan(0.03);
    expect(Math.abs(moments(values).variance - 1)).toBeLessThan(0.05);
    expect(values.filter((v) => Math.abs(v) > 1.96).length / values.length).toBeCloseTo(0.05, 2);
  });

  it('int covers 0 to n - 1 evenly', () => {
    const r = new Random('int');
    const counts = new Array<number>(7).fill(0);
    for (let i = 0; i < 14000; i++) counts[r.int(7)]!++;
    for (const n of counts) expect(Math.abs(n - 2000)).toBeLessThan(200);
  });

  it('shuffle keeps the elements, changes the order, leaves the list alone', () => {
    const list = Array.from({ length: 50 }, (_, i) => i);
    const shuffled = new Random(1).shuffle(list);
    expect(list[10]).toBe(10);
    expect(shuffled).not.toEqual(list);
    expect([...shuffled].sort((a, b) => a - b)).toEqual(list);
  });

  it('forks are repeatable, differ by label, and leave the parent as it was', () => {
    const parent = new Random(3);
    const [a, again, b] = [parent.fork('a'), parent.fork('a'), parent.fork('b')];
    const first = a.bits();
    expect(again.bits()).toBe(first);
    expect(b.bits()).not.toBe(first);
    expect(parent.bits()).toBe(new Random(3).bits());
  });
});
