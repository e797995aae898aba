/** The engine bundled by vite in headless Chromium gives what it gives in Node. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build, type Rollup } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resnetGraph } from '../../scripts/resnet.ts';
import { launchChromium } from '../../src/node/browser.ts';
import { encodeOnnx } from '../../src/onnx/export.ts';
import { importOnnx } from '../../src/onnx/network.ts';
import { testEngine } from '../support/engine.ts';
import { spread } from '../support/gradcheck.ts';
import { compare, tolerance } from '../tolerance.ts';
import { job } from './job.ts';

const path = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/** Code of `entry` and all that it imports, minified, as one module. */
async function bundle(entry: string): Promise<string> {
  const result = (await build({
    configFile: false,
    logLevel: 'error',
    build: {
      write: false,
      target: 'es2022',
      minify: true,
      lib: { entry, formats: ['es'], fileName: 'page' },
      rollupOptions: { output: { codeSplitting: false } },
    },
  })) as Rollup.RollupOutput[];
  return result[0]!.output.map((chunk) => ('code' in chunk ? chunk.code : '')).join('\n');
}

describe('in a page', () => {
  let server: Server;
  let code: string;
  let weights: (request: IncomingMessage, response: ServerResponse) => void;

  beforeAll(async () => {
    code = await bundle(path('page.ts'));
    server = createServer((request, response) => {
      if (request.url === '/weights') return weights(request, response);
      const isScript = request.url === '/page.js';
      response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
      response.end(isScript ? code : '<!doctype html><script type="module" src="/page.js"></script>');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });

  afterAll(() => {
    server.close();
  });

  it('gives the logits, the input gradient and the training step of Node', async () => {
    const onnx = encodeOnnx(
      resnetGraph({
        widths: [4, 4, 8, 8],
        blocks: [1, 1, 1, 1],
        strides: [1, 2, 2, 1],
        stem: 8,
        side: 32,
        classes: ['a', 'b', 'c', 'd', 'e'],
        mean: [0.5, 0.5, 0.5],
        std: [0.25, 0.25, 0.25],
        seed: 3,
      }),
    );
    const pixels = spread(3 * 32 * 32);
    const expected = await job(await testEngine(), onnx, pixels);
    const browser = await launchChromium();
    try {
      const page = await browser.newPage();
      const faults: unknown[] = [];
      page.on('pageerror', (error) => faults.push(error));
      await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
      await page.waitForFunction('globalThis.runJob');
      const actual = await page.evaluate((o, p) => globalThis.runJob(o, p), [...onnx], [...pixels]);
      console.log(`page adapter: ${actual.adapter}`);
      expect(faults).toEqual([]);
      expect(compare(actual.logits, expected.logits).maxRel).toBeLessThan(tolerance.longSum);
      expect(compare(actual.gradient, expected.gradient).relL2).toBeLessThan(tolerance.miniGradient);
      expect(actual.loss).toBeCloseTo(expected.loss, 4);
      expect(compare(actual.head, expected.head).maxRel).toBeLessThan(tolerance.longSum);
    } finally {
      await browser.close();
    }
  });

  it('takes what a page draws as pictures, and draws a map on a canvas', async () => {
    const onnx = encodeOnnx(resnetGraph({ widths: [4], blocks: [1], strides: [1], stem: 8, side: 16, classes: ['a', 'b'], mean: [0, 0, 0], std: [1, 1, 1], seed: 3 })); // prettier-ignore
    const browser = await launchChromium();
    try {
      const page = await browser.newPage();
      await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
      await page.waitForFunction('globalThis.seePictures');
      const { farthest, drawn, wanted } = await page.evaluate((o) => globalThis.seePictures(o), [...onnx]);
      const { video, ...exact } = farthest;
      expect(exact).toEqual(Object.fromEntries(Object.keys(exact).map((form) => [form, 0])));
      expect(Object.keys(exact)).toHaveLength(8);
      // A stream may pass its colours through another space.
      expect(video).toBeLessThan(4 / 255);
      expect(drawn).toEqual(wanted);
      expect(new Set(drawn).size).toBeGreaterThan(50);
    } finally {
      await browser.close();
    }
  });

  it('has the same logits after the GPU process crashed, once and again', async () => {
    const side = 16;
    const onnx = encodeOnnx(resnetGraph({ widths: [4], blocks: [1], strides: [1], stem: 8, side, classes: ['a', 'b'], mean: [0, 0, 0], std: [1, 1, 1], seed: 3 })); // prettier-ignore
    const pixels = [...spread(3 * side * side)];
    const browser = await launchChromium();
    try {
      const page = await browser.newPage();
      const protocol = await browser.target().createCDPSession();
      await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
      await page.waitForFunction('globalThis.startLoss');
      for (let i = 0; i < 2; i++) {
        const before = await page.evaluate((o, p) => globalThis.startLoss(o, p), [...onnx], pixels);
        await protocol.send('Browser.crashGpuProcess').catch(() => undefined);
        const { code, logits } = await page.evaluate((p) => globalThis.endLoss(p), pixels);
        expect(code).toBe('device-lost');
        expect(logits).toEqual(before);
      }
    } finally {
      await browser.close();
    }
  });

  it('keeps weights in the cache, goes on where the connection broke, and trusts only their hash', async () => {
    const onnx = encodeOnnx(resnetGraph({ widths: [64, 600], blocks: [1, 1], strides: [1, 2], stem: 8, side: 32, classes: ['a', 'b'], mean: [0, 0, 0], std: [1, 1, 1], seed: 3 })); // prettier-ignore
    expect(onnx.length).toBeGreaterThan(9e6);
    const sha256 = createHash('sha256').update(onnx).digest('hex');
    const ranges: string[] = [];
    let breaks = 5;
    let body = onnx;
    weights = (request, response) => {
      ranges.push(request.headers.range ?? 'all');
      const from = Number(/\d+/.exec(request.headers.range ?? '')?.[0] ?? 0);
      const length = body.length - from;
      const headers = { 'content-length': length, 'content-range': `bytes ${from}-${body.length - 1}/${body.length}` };
      response.writeHead(from > 0 ? 206 : 200, headers);
      if (breaks-- > 0)
        response.write(body.subarray(from, from + 1_900_000), () => setTimeout(() => response.destroy(), 250));
      else response.end(body.subarray(from));
    };
    const browser = await launchChromium();
    try {
      const page = await browser.newPage();
      await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
      await page.waitForFunction('globalThis.loadWeights');
      const load = (hash = sha256, full = false) => page.evaluate((h, f) => globalThis.loadWeights(h, f), hash, full);
      // Four connections break; the call gives up, and the next one goes on.
      expect((await load()).code).toBe('download-failed');
      expect(ranges).toHaveLength(4);
      expect(ranges[0]).toBe('all');
      const { code, parameters, progress } = await load();
      expect({ code, parameters }).toEqual({ code: '', parameters: (await importOnnx(onnx)).parameters.size });
      expect(progress[0]).toMatchObject({ phase: 'cache', total: onnx.length });
      expect(progress[0]!.loaded).toBeGreaterThan(6e6);
      expect(progress.at(-1)).toEqual({ loaded: onnx.length, total: onnx.length, phase: 'parse' });
      expect(ranges.slice(4)).not.toContain('all');
      // From then on no request is made.
      const requests = ranges.length;
      expect(await load()).toMatchObject({ code: '', parameters });
      expect(ranges).toHaveLength(requests);
      // Other bytes than were asked for are not kept.
      body = onnx.slice();
      body[5_000_000]! ^= 1;
      const other = 'f'.repeat(64);
      for (let i = 0; i < 2; i++) expect((await load(other)).code).toBe('download-corrupt');
      expect(ranges.slice(requests)).toEqual(['all', 'all']);
      // A full cache costs a warning.
      const [full] = [await load(createHash('sha256').update(body).digest('hex'), true)];
      expect(full.warnings).toEqual(['weights are not cached: QuotaExceededError: no room']);
      expect(full.parameters).toBe(parameters);
    } finally {
      await browser.close();
    }
  });

  it('reaches no Node module', () => {
    expect(code).not.toMatch(/from\s*["']node:|require\(["'](node:|fs|path|os)/);
  });
});
