/** What npm packs, in pages that no bundler has seen: from a static path under a strict policy, and by an import map. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'puppeteer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium } from '../../src/node/browser.ts';
import { installed, root } from './installed.ts';
import { visit } from './site.ts';

const WEIGHTS = '/node_modules/wgrad/weights/shapes.onnx';
const script = (from: string) => `
  import { Engine } from '${from}';
  import { loadOnnx } from '${from === 'wgrad' ? 'wgrad/onnx' : from.replace('index', 'onnx')}';
  globalThis.run = async () => {
    await using engine = await Engine.create();
    const model = await loadOnnx(engine, '${WEIGHTS}');
    const pixels = new Float32Array(model.pictureShape.reduce((a, b) => a * b)).fill(0.25);
    const { probabilities } = await model.run(pixels);
    return { labels: model.labels, sum: probabilities.reduce((a, b) => a + b, 0) };
  };`;
const expected = { labels: expect.arrayContaining(['ring']), sum: expect.closeTo(1, 4) };

describe('the package', () => {
  let folder: string;
  let browser: Browser;
  const inside = (path: string) => join(folder, 'node_modules/wgrad', path);

  beforeAll(async () => {
    folder = await installed('test-pages');
    browser = await launchChromium();
  }, 240_000);
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('holds every file that its exports name, nothing else to install, and is under 5 MB', () => {
    const manifest = JSON.parse(readFileSync(inside('package.json'), 'utf8')) as Record<string, any>;
    const targets = Object.values(manifest['exports'] as Record<string, string | object>).flatMap((target) =>
      typeof target === 'string' ? [target] : (Object.values(target) as string[]),
    );
    const missing = targets
      // Declarations are there after `npm ci`; a checkout in work may have none.
      .filter((target) => !target.includes('*') && (!target.endsWith('.d.ts') || existsSync(join(root, 'dist/types'))))
      .filter((target) => !existsSync(inside(target)));
    expect(missing).toEqual([]);
    expect(existsSync(inside(WEIGHTS.slice('/node_modules/wgrad/'.length)))).toBe(true);
    expect(existsSync(inside(manifest['bin'].wgrad as string))).toBe(true);
    expect(manifest['dependencies']).toBeUndefined();
    const files = readdirSync(inside('.'), { recursive: true, encoding: 'utf8' }).filter((file) => statSync(inside(file)).isFile()); // prettier-ignore
    const bytes = files.reduce((sum, file) => sum + statSync(inside(file)).size, 0);
    console.log(`installed: ${(bytes / 1e6).toFixed(2)} MB in ${files.length} files`);
    expect(bytes).toBeLessThan(5e6);
    expect(files.filter((file) => /^(src|test|node_modules)\b/.test(file))).toEqual([]);
  });

  it('runs from a static path, under a policy without inline scripts and eval', async () => {
    const files = {
      '/index.html': '<!doctype html><script type="module" src="/page.js"></script>',
      '/page.js': script('/node_modules/wgrad/dist/lib/index.js'),
    };
    const policy = "default-src 'none'; script-src 'self'; connect-src 'self'";
    const { value, faults } = await visit(browser, folder, { files, policy });
    expect(faults).toEqual([]);
    expect(value).toEqual(expected);
  });

  it('runs by an import map', async () => {
    const lib = '/node_modules/wgrad/dist/lib';
    const map = JSON.stringify({ imports: { wgrad: `${lib}/index.js`, 'wgrad/onnx': `${lib}/onnx.js` } });
    const files = {
      '/index.html': `<!doctype html><script type="importmap">${map}</script><script type="module" src="/page.js"></script>`,
      '/page.js': script('wgrad'),
    };
    const hash = createHash('sha256').update(map).digest('base64');
    const policy = `default-src 'none'; script-src 'self' 'sha256-${hash}'; connect-src 'self'`;
    const { value, faults } = await visit(browser, folder, { files, policy });
    expect(faults).toEqual([]);
    expect(value).toEqual(expected);
  });
});
