/** `wgrad tour`: the page, also of a tour that was interrupted. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { command } from '../support/cli.ts';
import { elements } from '../support/markup.ts';

const folder = mkdtempSync(join(tmpdir(), 'wgrad-tour-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs the tour, and asks it to stop at a line that it writes. */
async function tour(out: string, stopAt: RegExp) {
  const ran = await command(['tour', '--out', out], (text, interrupt) => stopAt.test(text) && interrupt.ask());
  return { code: ran.code, text: ran.out + ran.err };
}

it('an interrupted tour leaves a page of what was done', { timeout: 60_000 }, async () => {
  const { code, text } = await tour(folder, /gradient: 4 pictures/);
  expect([code, /index\.html has what was done/.test(text)]).toEqual([130, true]);
  const html = readFileSync(join(folder, 'index.html'), 'utf8');
  expect(html).toContain('Interrupted at &#39;explain&#39;');
  expect([...html.matchAll(/<h2[^>]*>([^<]*)</g)].map((m) => m[1])).toEqual(['Classify', 'Explain', 'Files', 'Made by']); // prettier-ignore
  // Eight pictures, each right or wrong in words; then four rows, of which the first column of maps is done.
  expect(html.match(/is-(right|wrong)/g)!.length).toBeGreaterThanOrEqual(8);
  expect(html.match(/<span class="(right|wrong)">/g)!.length).toBe(12);
  expect(html.match(/<td><figure>/g)!.length).toBe(8);
  expect(html.match(/not done/g)!.length).toBe(20);
  expect(html).toContain('wgrad tour --out');
  expect([...html.matchAll(/href="([^"#d][^"]*)"/g)].map((m) => m[1])).toContain('input-ring.png');
  expect(html).not.toMatch(/<script|src="(?!data:)|url\(/);
  elements(html);
});
