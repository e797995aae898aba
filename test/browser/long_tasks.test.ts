/**
 * A page's main thread is held in turns, by a network of ResNet-50's depth. Turns are counted by a clock of the test's own
 * (tasks.ts), and so are the same on every machine; what the longest task took is printed: under 50 ms of processor time on
 * an idle one.
 */
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

/** The fewest turns of a phase; 417, 89 and 301 were seen. */
const TURNS = { load: 250, 'first run': 50, 'training step': 180 } as const satisfies Partial<Record<Phase, number>>;

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
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction('globalThis.phase');
    for (const [phase, fewest] of Object.entries(TURNS) as [Phase, number][]) {
      let turns = 0;
      const tasks = await tasksDuring(
        page,
        async () => (turns = await page.evaluate((p) => globalThis.phase(p), phase)),
      );
      console.log(`${phase}: ${turns} turns, the longest task ${Math.max(...tasks).toFixed(1)} ms of processor time`);
      expect(turns, phase).toBeGreaterThan(fewest);
    }
  } finally {
    await browser.close();
    server.close();
  }
});
