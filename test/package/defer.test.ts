/** What the build leaves for later of a module. */
import { parseAst } from 'vite';
import { expect, it } from 'vitest';
import { firstPart } from '../../scripts/defer.ts';

const short = (code: string) => firstPart(code, `import('./x.ts?whole')`, (text) => parseAst(text) as any);

it('keeps of a method what it says of itself, and of the imports what that needs', () => {
  const code = short(`import { count } from './options.ts';
import { heavy } from './heavy.ts';
import { defineMethod } from './types.ts';
const MOST = 3;
const inner = (x) => heavy(x, MOST);
const costs = { forwards: 2 };
export const rise = defineMethod({ options: { n: count(1, 'm') }, cost: () => costs, async compile(model) { return inner(model); } });
export const sync = (v) => v + 1;`);
  expect(code).toContain(`compile: (...all) => import('./x.ts?whole').then((whole) => whole.rise.compile(...all))`);
  for (const kept of ['count(1', 'costs =', 'export const sync', './types.ts']) expect(code).toContain(kept);
  for (const gone of ['heavy', 'inner', 'MOST']) expect(code).not.toContain(gone);
});

it('keeps the names of async functions and of async generators', () => {
  const code = short(`import { heavy } from './heavy.ts';
export async function run(a, b) { return heavy(a, b); }
export async function* steps(a) { yield heavy(a); }
export function now() { return 1; }`);
  expect(code).toContain(`export async function run(...all) { return (await import('./x.ts?whole')).run(...all); }`);
  expect(code).toContain(`yield* (await import('./x.ts?whole')).steps(...all)`);
  expect(code).toContain('return 1');
  expect(code).not.toContain('heavy');
});

it('refuses what would be there twice: a class, a variable', () => {
  const later = 'export async function run() {}';
  expect(() => short(`${later} export class A {}`)).toThrow(/file of its own/);
  expect(() => short(`${later} let seen = 0; export const count = () => seen++;`)).toThrow(/file of its own/);
  // What is loaded later alone is there once.
  expect(short(`let seen = 0; export async function run() { seen++; }`)).not.toContain('seen');
});

it('leaves a module alone of which nothing can wait', () => {
  expect(short(`export const a = 1; export function b() {}`)).toBeUndefined();
});
