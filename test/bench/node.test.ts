/** `npm run bench` on tiny shapes, as a process of its own: every peer's answers, and a result as bench/schema.json has it. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, it, vi } from 'vitest';
import type { BenchResult } from '../../bench/core/result.ts';
import { faultsOf } from '../../bench/core/summary.ts';
import { readOptions, type BenchOptions } from '../../bench/hosts/options.ts';
import { schemaErrors } from './schema.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const out = mkdtempSync(join(tmpdir(), 'wgrad-bench-'));
afterAll(() => rmSync(out, { recursive: true, force: true }));

const bench = (...args: string[]) =>
  promisify(execFile)(join(root, 'node_modules/.bin/tsx'), ['bench/main.ts', ...args], { cwd: root });

// Every kind of op once; networks and training cost tfjs seconds of compiling: `--tiny` alone has them.
const cases = '^micro/(tiny|matmul|sum|max-pool forward)|^overhead|^memory';

it('runs beside tfjs, agrees with it, and leaves JSON, Markdown and a page', { timeout: 240_000 }, async () => {
  await bench('--tiny', '--filter', cases, '--rounds', '2', '--seconds', '0.1', '--out', out);
  const result = JSON.parse(readFileSync(join(out, 'result.json'), 'utf8')) as BenchResult;
  expect(schemaErrors(result)).toEqual([]);
  expect(faultsOf(result)).toEqual([]);
  expect(result.contestants.map((c) => [c.name, c.backend.split(':')[0]])).toEqual([
    ['wgrad', 'webgpu'],
    ['tfjs-webgpu', 'webgpu'],
  ]);
  const timed = result.cases.filter((c) => c.suite === 'micro');
  expect(timed).toHaveLength(6);
  for (const { name, scores } of timed) {
    expect(scores['tfjs-webgpu'], name).toMatchObject({ agrees: true });
    for (const score of Object.values(scores)) {
      expect(score.readback!.samples.length, name).toBeGreaterThan(0);
      expect(score.encode!.median, name).toBeLessThanOrEqual(score.readback!.median);
    }
  }
  const memory = result.cases.find((c) => c.suite === 'memory')!.scores['wgrad']!.figures!;
  expect(memory['planned bytes']).toBeGreaterThanOrEqual(memory['lower bound bytes']!);
  expect(readFileSync(join(out, 'result.md'), 'utf8')).toContain('| tiny, forward |');
  const page = readFileSync(join(out, 'index.html'), 'utf8');
  expect(page).toContain('Roofline');
  expect(page).not.toMatch(/<script|src="http/);
});

it.each([
  [['--suite', 'macro'], '--suite macro: there are micro, model'],
  [['--peers', 'torch'], '--peers torch: here there are tfjs-webgpu'],
  [['--rounds', '0'], '--rounds 0: a number above 0'],
  [['--shard', '4/3'], '--shard 4/3: it is i/n'],
  [['--filter', '('], '--filter: Invalid regular expression'],
  [['--compare', 'a.json'], '--compare takes two files, 1 given'],
  [['--speed'], "Unknown option '--speed'"],
])('%s is refused by what is wrong', (args, words) => {
  expect(() => readOptions(args, 'node', ['tfjs-webgpu'])).toThrow(words);
});

it('keeps the command as a shell takes it', () => {
  vi.stubEnv('WGRAD_ADAPTER', 'lavapipe');
  const { command } = readOptions(['--filter', "batch 1$|it's"], 'node', ['tfjs-webgpu']) as BenchOptions;
  expect(command).toBe("WGRAD_ADAPTER=lavapipe npm run bench -- --filter 'batch 1$|it'\\''s'");
  vi.unstubAllEnvs();
  const elsewhere = readOptions(['--connect', 'wss://host/key'], 'browser', ['tfjs-webgpu']) as BenchOptions;
  expect(elsewhere.command).toBe('npm run bench:browser -- --connect ws://...');
});
