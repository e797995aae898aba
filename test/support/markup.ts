/** A strict reader of markup, for tests. */
import { expect } from 'vitest';

/** Of HTML: elements that have no end tag. */
const empty = ['meta', 'link', 'img', 'br', 'hr', 'input'];

/** Fails unless every element is closed in order, and no attribute of an element is given twice. @returns how many there are. */
export function elements(text: string): number {
  const open: string[] = [];
  let count = 0;
  const plain = text.replace(/<!doctype html>/i, '').replace(/<style>[^<]*<\/style>/g, '');
  for (const [tag, close, name, attributes, self] of plain.matchAll(
    /<(\/?)([a-zA-Z][\w]*)((?:\s+[\w-]+(?:="[^"<>]*")?)*)\s*(\/?)>/g,
  )) {
    // prettier-ignore
    const names = [...attributes!.matchAll(/\s([\w-]+)=/g)].map((m) => m[1]);
    expect(new Set(names).size, tag).toBe(names.length);
    if (close) expect(open.pop()).toBe(name);
    else {
      count++;
      if (!self && !empty.includes(name!.toLowerCase())) open.push(name!);
    }
  }
  expect(open).toEqual([]);
  expect(plain.replace(/<[^<>]*>/g, '')).not.toMatch(/[<>]/);
  return count;
}
