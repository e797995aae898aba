/** No task of a page's main thread takes 50 ms: on a network of ResNet-50's depth, by processor time. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build, type Rollup } from 'vite';
import { expect, it } from 'vitest';
import { resnetGraph } from '../../scripts/resnet.ts';
import { launchChromium } from '../../src/node/browser.ts';
import { encodeOnnx } from '../../src/onnx/export.ts';
import type { Phase } from './tasks.ts';
import { tasksDuring } from './trace.ts';

const LONGEST = 50;

it('parse, upload, compile, first run, and the compilation of a training step', { timeout: 120_000 }, async () => {
  // A fourth of its widths: 1.6 million values, which are more than are uploaded at once.
  const onnx = encodeOnnx(resnetGraph({ widths: [16, 32, 64, 128], blocks: [3, 4, 6, 3], strides: [1, 2, 2, 2], stem: 16, stemKernel: 7, pool: true, side: 32, classes: ['a', 'b'], mean: [0, 0, 0], std: [1, 1, 1], seed: 3 })); // prettier-ignore
  const [bundle] = (await build({
    configFile: false,
    logLevel: 'error',
    build: {
      write: false,
      target: 'es2022',
      lib: { entry: fileURLToPath(new URL('tasks.ts', import.meta.url)), formats: ['es'], fileName: 'page' },
      rollupOptions: { output: { codeSplitting: false } },
    },
  })) as Rollup.RollupOutput[];
  const code = bundle!.output.map((chunk) => ('code' in chunk ? chunk.code : '')).join('\n');
  const server = createServer(({ url }, response) => {
    if (url === '/model.onnx') return response.end(onnx);
    response.setHeader('content-type', url === '/page.js' ? 'text/javascript' : 'text/html');
    return response.end(url === '/page.js' ? code : '<!doctype html><script type="module" src="/page.js"></script>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const browser = await launchChromium();
  try {
    // What is long by its own work is long in every page. The first of a browser just started also has its cold code: a
    // task of the load took 71 and 79 ms there.
    const phases = ['load', 'first run', 'training step'] as const satisfies Phase[];
    const least = new Map<Phase, number>(phases.map((phase) => [phase, Infinity]));
    const tooLong = () => phases.filter((phase) => least.get(phase)! >= LONGEST);
    for (let attempt = 0; attempt < 3 && tooLong().length > 0; attempt++) {
      const page = await browser.newPage();
      await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
      await page.waitForFunction('globalThis.phase');
      for (const phase of phases) {
        const tasks = await tasksDuring(page, () => page.evaluate((p) => (globalThis as any).phase(p), phase));
        const longest = Math.max(...tasks);
        console.log(`${phase}: ${tasks.length} tasks, the longest ${longest.toFixed(1)} ms of processor time`);
        expect(tasks.length).toBeGreaterThan(1);
        least.set(phase, Math.min(least.get(phase)!, longest));
      }
      await page.close();
    }
    expect(tooLong()).toEqual([]);
  } finally {
    await browser.close();
    server.close();
  }
});
