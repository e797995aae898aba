/** Threads that decode: the same pictures, all of them there, faults as they are here. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { resizeAndCrop } from '../../src/image/preprocess.ts';
import { folderDataset } from '../../src/node/folder_dataset.ts';
import { decodeImage } from '../../src/node/image.ts';
import { PictureWorkers } from '../../src/node/picture_workers.ts';

const picture = fileURLToPath(new URL('../fixtures/image/source.png', import.meta.url));
const spec = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };
const size = { height: 16, width: 24 };

it('decode and crop as this one does, at the same time, and tell what is broken', async () => {
  const root = mkdtempSync(join(tmpdir(), 'wgrad-workers-'));
  try {
    const broken = join(root, 'broken.png');
    writeFileSync(broken, readFileSync(picture).subarray(0, 100));
    const threads = new PictureWorkers({ spec, size, maxPixels: undefined }, 2);
    const all = await Promise.all(Array.from({ length: 5 }, () => threads.load(picture)));
    const own = resizeAndCrop(await decodeImage(picture), spec, size);
    for (const image of all) expect([...image.data]).toEqual([...own.data]);
    // The decoder's own words get lost where several threads fail at once.
    const told = { code: 'image-decode', message: expect.stringMatching(/broken\.png: cannot be decoded/) };
    await expect(threads.load(broken)).rejects.toMatchObject(told);
    expect(threads.done).toBe(6);
    for (const name of ['a', 'b']) {
      mkdirSync(join(root, 'images', name), { recursive: true });
      for (let i = 0; i < 3; i++) cpSync(picture, join(root, 'images', name, `${i}.png`));
    }
    cpSync(broken, join(root, 'images', 'b', 'broken.png'));
    const [with_, without] = [
      await folderDataset(join(root, 'images'), spec, size, { workers: 1 }),
      await folderDataset(join(root, 'images'), spec, size),
    ];
    expect(with_.skipped.map((s) => s.path)).toEqual(without.skipped.map((s) => s.path));
    expect(with_.train.paths).toEqual(without.train.paths);
    expect(await with_.train.get(2)).toEqual(await without.train.get(2));
  } finally {
    rmSync(root, { recursive: true });
  }
});
