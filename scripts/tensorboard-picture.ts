/**
 * What stock TensorBoard shows of a training's event files, as one picture:
 *
 *     npx tsx scripts/tensorboard-picture.ts runs/ docs/train/tensorboard.webp [--tensorboard PROGRAM]
 *
 * Starts `tensorboard` on this machine, and looks at its pages with a headless Chromium.
 */
import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { launchChromium } from '../src/node/browser.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { tensorboard: { type: 'string', default: 'tensorboard' }, wait: { type: 'string', default: '12' } },
});
const [logdir, out] = positionals as [string, string];
const [WIDTH, HEIGHT, GAP] = [1200, 760, 16];
const PAGES = ['scalars', 'images', 'histograms', 'projector'];

/** A port that nobody uses. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

const port = await freePort();
const url = `http://localhost:${port}/`;
const board = spawn(values.tensorboard, ['--logdir', logdir, '--port', String(port), '--host', 'localhost'], { stdio: 'ignore' }); // prettier-ignore
try {
  for (let k = 0; ; k++) {
    const up = await fetch(url).then((r) => r.ok, () => false); // prettier-ignore
    if (up) break;
    if (k > 240 || board.exitCode !== null) throw new Error(`${values.tensorboard} does not answer`);
    await sleep(500);
  }
  const browser = await launchChromium();
  try {
    const shots: Buffer[] = [];
    for (const name of PAGES) {
      const page = await browser.newPage();
      await page.setViewport({ width: WIDTH, height: HEIGHT });
      await page.goto(`${url}#${name}`, { timeout: 120_000 });
      await sleep(1000 * Number(values.wait));
      shots.push(Buffer.from(await page.screenshot()));
      await page.close();
    }
    await mkdir(dirname(out), { recursive: true });
    const place = (i: number) => ({ left: (i % 2) * (WIDTH + GAP), top: Math.floor(i / 2) * (HEIGHT + GAP) });
    await sharp({ create: { width: 2 * WIDTH + GAP, height: 2 * HEIGHT + GAP, channels: 3, background: '#ffffff' } })
      .composite(shots.map((input, i) => ({ input, ...place(i) })))
      .toFormat('png')
      .toBuffer()
      .then((png) => sharp(png).resize(1600).webp({ quality: 82 }).toFile(out));
  } finally {
    await browser.close();
  }
} finally {
  board.kill();
}
