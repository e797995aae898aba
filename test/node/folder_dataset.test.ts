import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { folderDataset, labelledFolder, type FolderOptions } from '../../src/node/folder_dataset.ts';
import { skippedLine } from '../../src/node/pictures.ts';

const picture = fileURLToPath(new URL('../fixtures/image/source.png', import.meta.url));
const spec = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };

describe('folderDataset', () => {
  let root: string;
  beforeEach(() => void (root = mkdtempSync(join(tmpdir(), 'wgrad-folder-'))));
  afterEach(() => rmSync(root, { recursive: true }));

  /** Copies of one picture: `counts` a class folder. */
  const make = (counts: Record<string, number>, under = '') => {
    for (const [name, n] of Object.entries(counts)) {
      mkdirSync(join(root, under, name), { recursive: true });
      for (let i = 0; i < n; i++) cpSync(picture, join(root, under, name, `${i}.png`));
    }
  };
  const read = (options?: FolderOptions) => folderDataset(root, spec, { height: 16, width: 24 }, options);

  it('takes sorted class folders and holds out a share of every class', async () => {
    make({ zebra: 8, ant: 4, bee: 2 });
    writeFileSync(join(root, 'ant', 'notes.txt'), 'ignored');
    mkdirSync(join(root, '.hidden'));
    const { train, validation } = await read();
    expect(train.classes).toEqual(['ant', 'bee', 'zebra']);
    expect([train.length, validation.length]).toEqual([3 + 1 + 6, 1 + 1 + 2]);
    expect(new Set([...train.paths, ...validation.paths]).size).toBe(14);
    const sample = await validation.get(0);
    expect([sample.input.length, sample.label]).toEqual([3 * 16 * 24, 0]);
  });

  it('splits by the seed: the same twice, another for another', async () => {
    make({ a: 20, b: 20 });
    const [one, again, other] = [await read({ seed: 1 }), await read({ seed: 1 }), await read({ seed: 2 })];
    expect(again.validation.paths).toEqual(one.validation.paths);
    expect(other.validation.paths).not.toEqual(one.validation.paths);
  });

  it('takes train/ and val/ as they are', async () => {
    make({ a: 3, b: 2 }, 'train');
    make({ a: 1, b: 2 }, 'val');
    const { train, validation } = await read();
    expect([train.length, validation.length]).toEqual([5, 3]);
    expect(validation.paths.every((p) => p.startsWith(join(root, 'val')))).toBe(true);
    expect((await read({ limit: 1 })).train.length).toBe(2);
  });

  it('gives all labelled pictures for an evaluation, in the order of the classes that are asked for', async () => {
    make({ a: 3, b: 2 }, 'train');
    make({ a: 1, b: 2 }, 'val');
    writeFileSync(join(root, 'val', 'b', 'broken.png'), readFileSync(picture).subarray(0, 100));
    const all = (classes: string[]) => labelledFolder(root, classes, spec, { height: 16, width: 24 });
    const { data, skipped } = await all(['c', 'b', 'a']);
    expect([data.length, data.classes]).toEqual([3, ['c', 'b', 'a']]);
    expect(skipped.map(({ path }) => path)).toEqual([join(root, 'val', 'b', 'broken.png')]);
    const labels = await Promise.all([0, 1, 2].map(async (i) => (await data.get(i)).label));
    expect(labels).toEqual([2, 1, 1]);
    await expect(all(['a'])).rejects.toMatchObject({ code: 'unknown-name', message: expect.stringContaining("'b'") });
  });

  it('names a class folder without a picture', async () => {
    make({ a: 2, hollow: 0 });
    writeFileSync(join(root, 'hollow', 'readme.md'), '');
    await expect(read()).rejects.toMatchObject({
      code: 'dataset-empty',
      message: expect.stringContaining(join(root, 'hollow')),
    });
  });

  it('names a class that val lacks', async () => {
    make({ a: 2, b: 2 }, 'train');
    make({ a: 1 }, 'val');
    await expect(read()).rejects.toMatchObject({ message: expect.stringContaining(join(root, 'val', 'b')) });
  });

  it('names a class that only val has', async () => {
    make({ a: 2 }, 'train');
    make({ a: 1, stranger: 1 }, 'val');
    await expect(read()).rejects.toMatchObject({
      code: 'dataset-empty',
      message: expect.stringContaining('stranger'),
    });
  });

  it('reads only the classes that are asked for, and limits each side', async () => {
    make({ a: 6, b: 6, c: 6 }, 'train');
    make({ a: 4, b: 4, c: 4 }, 'val');
    const { train, validation } = await read({ classes: ['c', 'a'], limit: 3, heldOutLimit: 2 });
    expect(train.classes).toEqual(['c', 'a']);
    expect([train.length, validation.length]).toEqual([6, 4]);
    expect(train.paths[0]).toContain(join('train', 'c'));
    expect((await train.get(5)).label).toBe(1);
    await expect(read({ classes: ['d'] })).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringContaining('class folder d'),
    });
  });

  it('names a folder that is missing, without classes, or too thin to split', async () => {
    await expect(read()).rejects.toMatchObject({ code: 'dataset-empty', message: expect.stringContaining(root) });
    make({ a: 2, single: 1 });
    await expect(read()).rejects.toMatchObject({ code: 'dataset-empty', message: expect.stringContaining('single') });
    await expect(folderDataset(join(root, 'none'), spec, { height: 8, width: 8 })).rejects.toMatchObject({
      code: 'file-missing',
    });
  });

  it('leaves out what is no picture or is broken, and says which and why, before anything is trained', async () => {
    make({ a: 4, b: 4 }, 'train');
    make({ a: 2, b: 2 }, 'val');
    const at = (...path: string[]) => join(root, ...path);
    writeFileSync(at('val/b/0.png'), 'no picture');
    writeFileSync(at('train/a/broken.png'), readFileSync(picture).subarray(0, 900));
    writeFileSync(at('train/a/empty.jpg'), '');
    writeFileSync(at('train/b/old.bmp'), 'BM and more');
    writeFileSync(at('train/stray.png'), readFileSync(picture));
    writeFileSync(at('train/a/._0.png'), 'what macOS leaves');
    mkdirSync(at('train/a/more'));
    execFileSync('mkfifo', [at('train/b/pipe.png')]);
    const { train, validation, skipped } = await read();
    expect([train.length, validation.length, train.checked]).toEqual([8, 3, true]);
    const reasons = Object.fromEntries(skipped.map((s) => [s.path.slice(root.length + 1), s.reason]));
    expect(reasons).toEqual({
      'val/b/0.png': 'no picture',
      'train/a/broken.png': expect.stringMatching(/^cannot be decoded/),
      'train/a/empty.jpg': 'no picture',
      'train/a/more': 'a folder',
      'train/b/old.bmp': 'BMP pictures are not read',
      'train/b/pipe.png': 'it is no regular file',
      'train/stray.png': 'in no class folder',
    });
    expect(skippedLine(skipped, 2)).toMatch(/^7 files were left out: .* \(.*\), .* \(.*\), and 5 more$/);
  });

  it('takes pictures of every kind that can be decoded, whatever their names end in', async () => {
    const image = sharp(picture);
    const kinds = ['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif'] as const;
    for (const name of ['a', 'b']) mkdirSync(join(root, name));
    for (const kind of kinds) {
      const bytes = await image.toFormat(kind).toBuffer();
      writeFileSync(join(root, 'a', `of.${kind}`), bytes);
      writeFileSync(join(root, 'b', `${kind}.jfif`), bytes);
    }
    const { train, validation, skipped } = await read();
    expect([train.length + validation.length, skipped]).toEqual([12, []]);
  });

  it('holds out a picture that can be read, and names a class with too few of them', async () => {
    make({ a: 3, b: 3 });
    const spoil = (name: string) => writeFileSync(join(root, 'a', name), readFileSync(picture).subarray(0, 900));
    spoil('0.png');
    const { train, validation } = await read();
    const of = (paths: readonly string[]) => paths.filter((p) => p.startsWith(join(root, 'a'))).length;
    expect([of(train.paths), of(validation.paths)]).toEqual([1, 1]);
    spoil('1.png');
    await expect(read()).rejects.toMatchObject({
      code: 'dataset-empty',
      message: expect.stringMatching(/\/a has one picture.*2 files were left out: .*0\.png.*1\.png/),
    });
    spoil('2.png');
    await expect(read()).rejects.toThrow(/\/a holds no picture: 3 files were left out/);
  });

  it('without verifying, names a broken picture when it is read', async () => {
    make({ a: 2, b: 2 }, 'train');
    make({ a: 1, b: 1 }, 'val');
    const path = join(root, 'val', 'b', '0.png');
    writeFileSync(path, readFileSync(picture).subarray(0, 900));
    const { validation } = await read({ verify: false });
    await expect(validation.get(1)).rejects.toMatchObject({
      code: 'image-decode',
      message: expect.stringContaining(path),
    });
  });

  it('decodes once what fits into memory, and stops when it is told to', async () => {
    make({ a: 2, b: 2 });
    const { train } = await read();
    const path = train.paths[0]!;
    const whole = await train.get(0);
    rmSync(path);
    expect(await train.get(0)).toEqual(whole);
    cpSync(picture, path);
    const small = (await read({ memory: 0 })).train;
    rmSync(small.paths[0]!);
    await expect(small.get(0)).rejects.toMatchObject({ code: 'file-missing' });
    await expect(read({ signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
    await expect(read({ maxPixels: 100 })).rejects.toThrow(/more than 100 pixels/);
  });
});
