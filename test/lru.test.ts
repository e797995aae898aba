import { expect, it } from 'vitest';
import { Lru } from '../src/lru.ts';

it('a cache of bounded size drops what was not asked for the longest', () => {
  const dropped: number[] = [];
  const cache = new Lru<string, number>(2, (value) => dropped.push(value));
  cache.set('a', 1);
  cache.set('b', 2);
  expect(cache.get('a')).toBe(1);
  cache.set('c', 3);
  expect([dropped, cache.get('b'), cache.size]).toEqual([[2], undefined, 2]);
  cache.delete('a');
  expect(dropped).toEqual([2]);
  cache.clear();
  expect([dropped, cache.size]).toEqual([[2, 3], 0]);
});
