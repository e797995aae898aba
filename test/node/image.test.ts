/** Decoding in Node. The fixtures come from scripts/fixtures/pil.py. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
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

  /** A TIFF, uncompressed, little-endian, of one strip. @param format of TIFF's SampleFormat: 2 signed, 3 float. */
  function tiff(values: Float32Array | Float64Array | Int32Array, channels: number, format: number): Uint8Array {
    const [width, entries] = [values.length / channels, 11];
    const start = 8 + 2 + entries * 12 + 4;
    const bits = values.BYTES_PER_ELEMENT * 8;
    const bytes = new Uint8Array(start + 16 + values.byteLength);
    const view = new DataView(bytes.buffer);
    bytes.set([0x49, 0x49, 42, 0, 8, 0, 0, 0, entries, 0]);
    // Tag, type (3 short, 4 long), count, value.
    const tags = [
      [256, 4, 1, width],
      [257, 4, 1, 1],
      channels === 1 ? [258, 3, 1, bits] : [258, 3, channels, start],
      [259, 3, 1, 1],
      [262, 3, 1, channels >= 3 ? 2 : 1],
      [273, 4, 1, start + 16],
      [277, 3, 1, channels],
      [278, 4, 1, 1],
      [279, 4, 1, values.byteLength],
      [338, 3, channels === 4 ? 1 : 0, channels === 4 ? 2 : 0],
      channels === 1 ? [339, 3, 1, format] : [339, 3, channels, start + 8],
    ] as [number, number, number, number][];
    tags.forEach(([tag, type, count, value], i) => {
      const at = 10 + i * 12;
      view.setUint16(at, tag, true);
      view.setUint16(at + 2, type, true);
      view.setUint32(at + 4, count, true);
      view.setUint32(at + 8, value, true);
    });
    for (let c = 0; c < 4; c++) {
      view.setUint16(start + 2 * c, bits, true);
      view.setUint16(start + 8 + 2 * c, format, true);
    }
    bytes.set(new Uint8Array(values.buffer), start + 16);
    return bytes;
  }

  it('reads floats from 0 to 1 as black to white, grey and in colour alike', async () => {
    const grey = await decodeImage(tiff(Float32Array.of(0, 0.25, 0.5, 1), 1, 3));
    expect([...grey.data]).toEqual([0, 0, 0, 64, 64, 64, 128, 128, 128, 255, 255, 255]);
    const rgb = await decodeImage(tiff(Float32Array.of(0, 0.25, 0.5, 1, 0.75, 0.1), 3, 3));
    expect([...rgb.data]).toEqual([0, 64, 128, 255, 191, 26]);
    const clear = await decodeImage(tiff(Float32Array.of(0, 0.25, 0.5, 0, 1, 0.75, 0.1, 1), 4, 3));
    expect([...clear.data]).toEqual([255, 255, 255, 255, 191, 26]);
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['floats beyond 1', tiff(Float32Array.of(0, 128, 255), 3, 3), /go from 0 to 255.*Scale/],
    ['floats below 0', tiff(Float32Array.of(-0.5, 0, 1), 1, 3), /go from -0.5 to 1/],
    ['NaN', tiff(Float32Array.of(0, NaN, 1), 1, 3), /NaN/],
    ['whole numbers of 32 bits', tiff(Int32Array.of(0, 500, 1000), 1, 2), /its values are int.*8 or 16 bits/],
  ])('refuses a TIFF of %s', async (_, bytes, message) => {
    await expect(decodeImage(bytes, { name: 'x.tif' })).rejects.toMatchObject({
      code: 'image-decode',
      message: expect.stringMatching(message),
    });
  });

  it.each([
    ['BMP', [0x42, 0x4d, 0, 0]],
    ['HEIC', [0, 0, 0, 24, ...Buffer.from('ftypheic')]],
    ['JPEG XL', [0xff, 0x0a, 1]],
    ['OpenEXR', [0x76, 0x2f, 0x31, 0x01]],
  ])('calls %s by its name', async (kind, bytes) => {
    await expect(decodeImage(Uint8Array.from(bytes), { name: 'x' })).rejects.toThrow(
      `x: ${kind} pictures are not read`,
    );
  });

  it('refuses pipes, sockets and devices at once', async () => {
    const pipe = join(folder, 'pipe.png');
    execFileSync('mkfifo', [pipe]);
    const socket = join(folder, 'socket.png');
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    for (const path of [pipe, socket, '/dev/zero', '/dev/null']) {
      await expect(decodeImage(path), path).rejects.toMatchObject({
        code: 'image-decode',
        message: expect.stringContaining(`${path}: it is no regular file`),
      });
    }
    await new Promise((resolve) => server.close(resolve));
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
    expect(error).toMatchObject({
      code: 'image-decode',
      message: expect.stringMatching(/^bomb\.png: more than 100000000 pixels/),
    });
    expect((await bad(fixture('source.png'), { maxPixels: 61 * 47 - 1 })).message).toMatch(/more than 2866 pixels/);
  });
});
