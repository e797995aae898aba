/** Decoding in Node. The fixtures come from scripts/fixtures/pil.py. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import type { Image } from '../../src/image/image.ts';
import { decodeImage } from '../../src/node/image.ts';
import { compare } from '../tolerance.ts';

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/image/${name}`, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'wgrad-image-'));
afterAll(() => rmSync(folder, { recursive: true }));

const write = (name: string, data: string | Uint8Array) => {
  writeFileSync(join(folder, name), data);
  return join(folder, name);
};
const pixel = ({ width, data }: Image, x: number, y: number) => [
  ...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3),
];

describe('decodeImage', () => {
  it('reads RGB as it was stored, from a path or from bytes', async () => {
    const image = await decodeImage(fixture('source.png'));
    expect([image.width, image.height, image.data.length]).toEqual([61, 47, 61 * 47 * 3]);
    expect(pixel(image, 20, 12)).toEqual([255, 0, 128]);
    expect(pixel(image, 3, 2)).toEqual([12, 10, 6]);
    expect((await decodeImage(readFileSync(fixture('source.png')))).data).toEqual(image.data);
  });

  it('turns grey into three equal channels', async () => {
    const [grey, source] = [await decodeImage(fixture('grey.png')), await decodeImage(fixture('source.png'))];
    expect(grey.data.length).toBe(61 * 47 * 3);
    const [r, g, b] = pixel(source, 3, 2) as [number, number, number];
    const level = 0.299 * r + 0.587 * g + 0.114 * b;
    for (const v of pixel(grey, 3, 2)) expect(Math.abs(v - level)).toBeLessThanOrEqual(1);
  });

  it('lays transparency on white', async () => {
    const [alpha, source] = [await decodeImage(fixture('alpha.png')), await decodeImage(fixture('source.png'))];
    expect(pixel(alpha, 0, 30)).toEqual([255, 255, 255]);
    expect(pixel(alpha, 60, 30)).toEqual(pixel(source, 60, 30));
  });

  it('expands a palette', async () => {
    expect((await decodeImage(fixture('palette.png'))).data.length).toBe(61 * 47 * 3);
  });

  it('applies the EXIF orientation', async () => {
    // Stored as three rows (red green / blue white / black yellow), to be turned clockwise by a quarter.
    const image = await decodeImage(fixture('rotated.jpg'));
    expect([image.width, image.height]).toEqual([48, 32]);
    const corners = [[8, 8], [24, 8], [40, 8], [8, 24], [24, 24], [40, 24]].map(([x, y]) => pixel(image, x!, y!)); // prettier-ignore
    const expected = [[0, 0, 0], [0, 0, 255], [255, 0, 0], [255, 255, 0], [255, 255, 255], [0, 255, 0]]; // prettier-ignore
    expect(compare(corners.flat(), expected.flat()).maxAbs).toBeLessThanOrEqual(3);
  });

  it('converts CMYK', async () => {
    const image = await decodeImage(fixture('cmyk.jpg'));
    expect([image.width, image.height, image.data.length]).toEqual([32, 48, 32 * 48 * 3]);
    const [r, g, b] = pixel(image, 8, 8) as [number, number, number];
    expect(r).toBeGreaterThan(180);
    expect(Math.max(g, b)).toBeLessThan(80);
  });

  it('scales 16 bits to 8', async () => {
    const deep = Uint16Array.from({ length: 4 * 4 * 3 }, (_, i) => i * 1300);
    const png = await sharp(deep, { raw: { width: 4, height: 4, channels: 3 } })
      .toColourspace('rgb16')
      .png()
      .toBuffer();
    const { data } = await decodeImage(png);
    expect(
      compare(
        data,
        Array.from(deep, (v) => v / 257),
      ).maxAbs,
    ).toBeLessThanOrEqual(1);
  });

  const bad = async (source: string | Uint8Array, options = {}) =>
    decodeImage(source, options).then(
      () => expect.fail('decoded'),
      (error: unknown) => error as Error & { code: string },
    );

  it('names a missing file', async () => {
    expect(await bad(join(folder, 'none.jpg'))).toMatchObject({
      code: 'file-missing',
      message: expect.stringContaining('none.jpg'),
    });
  });

  const jpeg = readFileSync(fixture('rotated.jpg'));
  it.each([
    ['text', write('text.jpg', 'Dear diary, this is no picture.')],
    ['an empty file', write('empty.png', '')],
    ['a folder', folder],
    ['half a JPEG', write('half.jpg', jpeg.subarray(0, jpeg.length >> 1))],
    ['a vector drawing', write('drawing.svg', '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')],
  ])('refuses %s', async (_, path) => {
    const error = await bad(path);
    expect(error.code).toBe('image-decode');
    expect(error.message).toContain(path);
  });

  it('refuses a picture that unpacks to too much, and says so', async () => {
    const create = { width: 12000, height: 12000, channels: 3, background: 'red' } as const;
    const bomb = await sharp({ create }).png({ compressionLevel: 1 }).toBuffer();
    const error = await bad(bomb, { name: 'bomb.png' });
    expect(error).toMatchObject({ code: 'image-decode', message: 'bomb.png: more than 100000000 pixels' });
    expect((await bad(fixture('source.png'), { maxPixels: 61 * 47 - 1 })).message).toMatch(/more than 2866 pixels/);
  });
});
