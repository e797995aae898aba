/**
 * Decoding, resizing and cropping large photographs here and in threads: pictures a second, and how long the loop that feeds
 * the device was kept at most.
 *
 *     npx tsx bench/pictures.ts [--pictures 24] [--threads 0,1,2]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { imagenetPreprocess } from '../src/image/preprocess.ts';
import { pictureLoader } from '../src/node/picture_dataset.ts';
import { Random } from '../src/random.ts';

const { values } = parseArgs({
  options: { pictures: { type: 'string', default: '24' }, threads: { type: 'string', default: '0,1,2' } },
});
const count = Number(values.pictures);
const [width, height] = [1600, 1200];
const folder = mkdtempSync(join(tmpdir(), 'wgrad-pictures-'));
try {
  const random = new Random('bench');
  const data = Buffer.from(Array.from({ length: 3 * 64 * 48 }, () => random.int(256)));
  const paths: string[] = [];
  for (let i = 0; i < count; i++) {
    const path = join(folder, `${i}.jpg`);
    await sharp(data, { raw: { width: 64, height: 48, channels: 3 } }).resize(width, height).rotate(i % 2 ? 180 : 0).jpeg().toFile(path); // prettier-ignore
    paths.push(path);
  }
  for (const workers of values.threads.split(',').map(Number)) {
    const load = pictureLoader(imagenetPreprocess, { width: 224, height: 224 }, { memory: 0, workers });
    // Threads start with the first pictures.
    await Promise.all(paths.slice(0, Math.max(1, workers)).map(load));
    const loop = monitorEventLoopDelay({ resolution: 2 });
    loop.enable();
    const start = performance.now();
    for (let at = 0; at < count; at += 8) await Promise.all(paths.slice(at, at + 8).map(load));
    const seconds = (performance.now() - start) / 1000;
    loop.disable();
    console.log(`${workers} threads: ${(count / seconds).toFixed(1)} pictures of ${width} x ${height} a second; the loop was kept ${(loop.max / 1e6).toFixed(0)} ms at most, ${(loop.mean / 1e6).toFixed(1)} ms on average`); // prettier-ignore
  }
} finally {
  rmSync(folder, { recursive: true });
}
process.exit(0);
