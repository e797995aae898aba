/** `npm run bench:browser` on tiny shapes, in a browser that is reached by its debugging protocol alone. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'puppeteer';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { BenchResult } from '../../bench/core/result.ts';
import { faultsOf } from '../../bench/core/summary.ts';
import { readOptions, type BenchOptions } from '../../bench/hosts/options.ts';
import { browserPeers, entryFor } from '../../bench/hosts/peers.ts';
import { runInBrowser } from '../../bench/hosts/run_browser.ts';
import { respondWith } from '../../bench/hosts/site.ts';
import { launchChromium } from '../../src/node/browser.ts';
import { schemaErrors } from './schema.ts';

const out = mkdtempSync(join(tmpdir(), 'wgrad-bench-'));
let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(async () => {
  await browser.close();
  rmSync(out, { recursive: true, force: true });
});

it('runs beside tfjs in a page, agrees with it, and leaves a result', { timeout: 240_000 }, async () => {
  const args = ['--tiny', '--filter', '^micro/(tiny|matmul)', '--rounds', '2', '--seconds', '0.1', '--out', out];
  const options = readOptions([...args, '--connect', browser.wsEndpoint()], 'browser', ['tfjs-webgpu']) as BenchOptions;
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  await runInBrowser(options).finally(() => log.mockRestore());
  const result = JSON.parse(readFileSync(join(out, 'result.json'), 'utf8')) as BenchResult;
  expect(schemaErrors(result)).toEqual([]);
  expect(faultsOf(result)).toEqual([]);
  expect(result.made).toMatchObject({ host: 'browser', machine: 'elsewhere' });
  expect(result.cases).toHaveLength(4);
  for (const { scores } of result.cases) expect(scores['tfjs-webgpu']).toMatchObject({ agrees: true });
});

it('bundles the peers that are asked for, and no others', () => {
  expect(entryFor([])).toContain('drive({  })');
  const code = entryFor(['ort-wasm', 'tfjs-webgl']);
  expect(code).toContain(`'ort-wasm': peer0('wasm'), 'tfjs-webgl': peer1('webgl')`);
  expect(code).not.toMatch(/jax|litert|page\/tfjs/);
  expect(Object.keys(browserPeers)).toContain('litert-webgpu');
});

it('gives files in parts, and none from outside the folder of a peer', () => {
  const bytes = new Uint8Array((8 << 20) + 1);
  const respond = respondWith(new Map(), ['ort-wasm'], { request: {}, files: { network: bytes } });
  expect(respond('/files/network/0').body).toHaveLength(8 << 20);
  expect(respond('/files/network/1').body).toHaveLength(1);
  expect(respond('/').headers['content-type']).toBe('text/html');
  for (const path of ['/files/other/0', '/assets/onnxruntime-web/../../package.json', '/assets/x/y'])
    expect(respond(path).status).toBe(404);
});
