/** What npm packs, in other people's bundlers, and on a device that ONNX Runtime Web made (tfjs: test/sharing.test.ts). */
import { rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import type { Browser } from 'puppeteer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resnetGraph } from '../../scripts/resnet.ts';
import { launchChromium } from '../../src/node/browser.ts';
import { Model } from '../../src/model/model.ts';
import { encodeOnnx } from '../../src/onnx/export.ts';
import { importOnnx } from '../../src/onnx/network.ts';
import { installed, root } from '../package/installed.ts';
import { visit } from '../package/site.ts';
import { testEngine } from '../support/engine.ts';
import { spread } from '../support/gradcheck.ts';
import { compare, tolerance } from '../tolerance.ts';

/** Of test/consumers/package.json. */
const peer = createRequire(import.meta.url);

const file = encodeOnnx(resnetGraph({ widths: [4], blocks: [1], strides: [1], stem: 8, side: 32, classes: ['a', 'b', 'c'], mean: [0, 0, 0], std: [1, 1, 1], seed: 3 })); // prettier-ignore
const pixels = [...spread(3 * 32 * 32)];
const policy = "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'";

/** `on`: 'wgrad' for the page's thread, 'wgrad/worker' for a Worker. */
const app = (on: 'wgrad' | 'wgrad/worker') => `
  import { Engine } from '${on}';
  import { loadOnnx } from '${on === 'wgrad' ? 'wgrad/onnx' : on}';
  globalThis.run = async (pixels) => {
    const model = await loadOnnx(await Engine.create(), '/model.onnx');
    return [...(await model.run(Float32Array.from(pixels))).logits];
  };`;

let folder: string;
let browser: Browser;
let expected: Float32Array;

beforeAll(async () => {
  folder = await installed('test-consumers');
  writeFileSync(join(folder, 'page.js'), app('wgrad'));
  writeFileSync(join(folder, 'worker.js'), app('wgrad/worker'));
  expected = (await new Model(await testEngine(), await importOnnx(file)).run(Float32Array.from(pixels))).logits;
  browser = await launchChromium();
}, 240_000);
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

const isExpected = (logits: readonly number[]) =>
  expect(compare(Float32Array.from(logits), expected).maxRel).toBeLessThan(tolerance.longSum);

/** Builds `entry` into `out`. */
type Bundle = (entry: string, out: string) => Promise<void>;

const bundlers: Record<string, Bundle> = {
  async webpack(entry, out) {
    const webpack = peer('webpack') as (options: object) => { run(done: (e: unknown, stats: any) => void): void };
    const compiler = webpack({
      mode: 'production',
      context: folder,
      entry,
      output: { path: out, filename: 'main.js', publicPath: '/' },
      performance: false,
    });
    const stats = (await promisify(compiler.run.bind(compiler))()) as { toJson(of: object): any };
    const { errors, warnings } = stats.toJson({ all: false, errors: true, warnings: true }) as Record<string, unknown>;
    expect({ errors, warnings }).toEqual({ errors: [], warnings: [] });
  },
  async esbuild(entry, out) {
    const { build } = peer('esbuild') as { build(options: object): Promise<{ warnings: unknown[] }> };
    const options = { bundle: true, format: 'esm', splitting: true, minify: true, outdir: out, logLevel: 'silent' };
    const { warnings } = await build({ ...options, entryPoints: { main: entry }, absWorkingDir: folder });
    expect(warnings).toEqual([]);
  },
};

describe.each(Object.keys(bundlers))('an app of %s', (name) => {
  // esbuild does not follow a Worker into a package: the guide says what to do there.
  it.each(name === 'webpack' ? ['page', 'worker'] : ['page'])(
    'builds without a warning, and runs: %s',
    { timeout: 240_000 },
    async (entry) => {
      // prettier-ignore
      const out = join(folder, `${name}-${entry}`);
      await bundlers[name]!(join(folder, `${entry}.js`), out);
      const files = { '/index.html': '<!doctype html><script type="module" src="/main.js"></script>', '/model.onnx': file }; // prettier-ignore
      const { value, faults } = await visit<number[]>(browser, out, { files, policy }, pixels);
      expect(faults).toEqual([]);
      isExpected(value);
    },
  );
});

/** A page on a device of another library's: what each computes, what the device's own handler hears, whether it lives. */
const shared = (open: string) => `
  import { Engine } from '/${relative(root, join(root, 'out/test-consumers'))}/node_modules/wgrad/dist/lib/index.js';
  import { loadOnnx } from '/${relative(root, join(root, 'out/test-consumers'))}/node_modules/wgrad/dist/lib/onnx.js';
  ${open}
  globalThis.run = async (pixels) => {
    const bytes = new Uint8Array(await (await fetch('/model.onnx')).arrayBuffer());
    const { device, theirs } = await open(bytes, Float32Array.from(pixels));
    const heard = [];
    device.addEventListener('uncapturederror', ({ error }) => heard.push(error.message));
    let isLost = false;
    void device.lost.then(() => (isLost = true));
    const before = await theirs();
    const engine = await Engine.create({ device });
    const model = await loadOnnx(engine, bytes);
    const run = async () => [...(await model.run(Float32Array.from(pixels))).logits];
    const [ours, between] = await Promise.all([run(), theirs()]);
    device.createBuffer({ size: 16, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.STORAGE, label: 'theirs' });
    const again = await run();
    const gone = device.createBuffer({ size: 4 * pixels.length, usage: GPUBufferUsage.COPY_SRC });
    gone.destroy();
    const code = await model.run(gone).catch((error) => error.code);
    await engine.dispose();
    const after = await theirs();
    return { before, ours, between, again, code, after, heard, isLost, description: engine.description };
  };`;

interface Shared {
  before: number[];
  ours: number[];
  between: number[];
  again: number[];
  code: string;
  after: number[];
  heard: string[];
  isLost: boolean;
  description: string;
}

async function together(open: string): Promise<Shared> {
  const page = '<!doctype html><canvas width="8" height="8"></canvas><script type="module" src="/page.js"></script>';
  const files = { '/index.html': page, '/page.js': shared(open), '/model.onnx': file };
  const { value, faults } = await visit<Shared>(browser, root, { files }, pixels);
  // Its owner, who hears of the error that is nobody else's, writes it on the console, colours and all.
  expect(faults.filter((fault) => !/theirs|Buffer usages/.test(fault) && fault.length > 3)).toEqual([]);
  expect(value.heard).toEqual([expect.stringContaining('theirs')]);
  expect(value).toMatchObject({ code: 'invalid-argument', isLost: false, after: value.before, between: value.before });
  expect(value.description).not.toBe('');
  isExpected(value.ours);
  isExpected(value.again);
  return value;
}

describe('a device', () => {
  it('of ONNX Runtime Web, which gives the same logits', { timeout: 240_000 }, async () => {
    const { before } = await together(`
      import * as ort from '/node_modules/onnxruntime-web/dist/ort.webgpu.bundle.min.mjs';
      async function open(bytes, pixels) {
        ort.env.wasm.numThreads = 1;
        ort.env.logLevel = 'error';
        const session = await ort.InferenceSession.create(bytes, { executionProviders: ['webgpu'] });
        const x = new ort.Tensor('float32', pixels, [1, 3, 32, 32]);
        const theirs = async () => [...(await session.run({ [session.inputNames[0]]: x })).logits.data];
        return { device: await ort.env.webgpu.device, theirs };
      }`);
    isExpected(before);
  });
});
