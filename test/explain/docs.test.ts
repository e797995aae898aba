/** docs/explain.md: a row for every method, with its cost and its picture. */
import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { costTable, methodNames, printForwards } from '../../src/explain/index.ts';

const page = readFileSync('docs/explain.md', 'utf8');

/** Cells by method. */
const rows = new Map(
  page
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .filter((cells) => cells[1]?.startsWith('![') && cells.length === 7)
    .map(([, picture, method, , , cost]) => [method!.replaceAll('`', ''), { picture: picture!, cost: cost! }]),
);

it('has a row for every method, and for no other', () => {
  expect([...rows.keys()].sort()).toEqual([...methodNames].sort());
});

it.each(costTable().map((row) => [row.method, printForwards(row.forwards)]))(
  '%s costs %s forward passes',
  (method, cost) => {
    // prettier-ignore
    expect(rows.get(method)?.cost).toBe(cost);
  },
);

it('shows pictures that there are, and pages that there are', () => {
  const links = [...page.matchAll(/\]\(([^)#]+)\)/g)].map((m) => m[1]!).filter((link) => !link.includes('://'));
  expect(links.length).toBeGreaterThan(methodNames.length);
  expect(links.filter((link) => !existsSync(`docs/${link}`))).toEqual([]);
});
