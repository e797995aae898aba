/** Against pictures that Pillow made: scripts/fixtures/pil.py. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { centerCrop, imagenetPreprocess, normalize, preprocess, preprocessBatch, resizeAndCrop, toImage } from '../../src/image/preprocess.ts'; // prettier-ignore
import { blank, type Image } from '../../src/image/image.ts';
import type { Preprocess } from '../../src/image/preprocess_spec.ts';
import { resize, resizePlanes } from '../../src/image/resize.ts';
import { decodeImage } from '../../src/node/image.ts';
import { Random } from '../../src/random.ts';
import { compare } from '../tolerance.ts';

const folder = new URL('../fixtures/image/', import.meta.url);
const index = JSON.parse(readFileSync(new URL('index.json', folder), 'utf8')) as { sizes: [number, number][] };
const fixture = (name: string) => decodeImage(readFileSync(new URL(name, folder)), { name });

function noise(width: number, height: number): Image {
  const random = new Random(`${width}x${height}`);
  return { width, height, data: Uint8Array.from({ length: width * height * 3 }, () => random.int(256)) };
}

describe('resize', () => {
  it.each(index.sizes)('equals PIL bit for bit at %i x %i', async (width, height) => {
    const actual = resize(await fixture('source.png'), width, height);
    const expected = await fixture(`pil-${width}x${height}.png`);
    expect(actual.data.length).toBe(expected.data.length);
    expect(compare(actual.data, expected.data).maxAbs).toBe(0);
  });

  it('with a window equals resize then crop', () => {
    const image = noise(37, 53);
    const whole = resize(image, 24, 31);
    const window = { left: 5, top: 9, width: 11, height: 13 };
    const part = resize(image, 24, 31, window);
    const cropped = resize(whole, 24, 31, window);
    expect(part.data).toEqual(cropped.data);
    expect([part.width, part.height]).toEqual([11, 13]);
  });

  it('leaves a constant picture constant', () => {
    const image = resize(blank(17, 5, [255, 1, 128]), 40, 3);
    for (let i = 0; i < image.data.length; i += 3) expect([...image.data.subarray(i, i + 3)]).toEqual([255, 1, 128]);
  });

  it.each([[0, 5], [5, -1], [2.5, 5], [NaN, 5]])('refuses %d x %d', (w, h) => {
    expect(() => resize(blank(4, 4), w, h)).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
  }); // prettier-ignore

  it('refuses a picture whose data does not fit its size', () => {
    expect(() => resize({ width: 4, height: 4, data: new Uint8Array(16) }, 2, 2)).toThrow(/4 x 4 RGB .* 16 bytes/);
  });

  it('of float planes: half-pixel bilinear when enlarging, means when halving', () => {
    const row = resizePlanes({ width: 2, height: 1, channels: 1, data: Float32Array.of(0, 4) }, 4, 1);
    expect([...row.data]).toEqual([0, 1, 3, 4]);
    // The triangle of reach 2 over 0, 4, 8, 12 at x = 1: weights 3/8, 3/8, 1/8 over their sum 7/8.
    const half = resizePlanes(
      { width: 4, height: 1, channels: 2, data: Float32Array.of(0, 4, 8, 12, 1, 1, 1, 1) },
      2,
      1,
    );
    expect(half.data[0]).toBeCloseTo((3 * 0 + 3 * 4 + 8) / 7, 5);
    expect(half.data[2]).toBe(1);
  });
});

describe('preprocess', () => {
  it('equals PIL: shorter side 36, middle 32 x 32', async () => {
    const actual = resizeAndCrop(await fixture('source.png'), { resize: 36, crop: 32 });
    expect(compare(actual.data, (await fixture('pil-preprocess.png')).data).maxAbs).toBe(0);
  });

  it('crops from floor((w - size) / 2)', () => {
    const image = noise(8, 6);
    const crop = centerCrop(image, 5, 3);
    expect([...crop.data.subarray(0, 3)]).toEqual([...image.data.subarray((1 * 8 + 1) * 3, (1 * 8 + 1) * 3 + 3)]);
    expect(() => centerCrop(image, 9, 3)).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
  });

  it.each([[5, 3], [224, 100], [224, 224], [300, 500], [500, 333], [1, 900], [256, 341]])(
    'brings %i x %i to 3 x 224 x 224',
    (w, h) => {
      expect(preprocess(noise(w, h), imagenetPreprocess).length).toBe(3 * 224 * 224);
    },
  ); // prettier-ignore

  it('without resize covers the size asked for; without any size keeps the picture', () => {
    const spec: Preprocess = { mean: [0, 0, 0], std: [1, 1, 1] };
    const size = { height: 75, width: 61 };
    expect([resizeAndCrop(noise(200, 90), spec, size)].map(({ width, height }) => [width, height])).toEqual([[61, 75]]);
    const image = noise(12, 9);
    expect(resizeAndCrop(image, spec).data).toEqual(Uint8ClampedArray.from(image.data));
  });

  it('normalises channel by channel into planes, and toImage inverts it exactly', () => {
    const image = noise(5, 4);
    const spec = { mean: [0.1, 0.2, 0.3], std: [0.5, 0.25, 1 / 255] };
    const pixels = normalize(image, spec);
    for (const c of [0, 1, 2]) {
      expect(pixels[c * 20 + 7]).toBeCloseTo((image.data[7 * 3 + c]! / 255 - spec.mean[c]!) / spec.std[c]!, 4);
    }
    expect([...toImage(pixels, image, spec).data]).toEqual([...image.data]);
    const batch = preprocessBatch([noise(5, 4), image], spec);
    expect([...toImage(batch, image, spec, 1).data]).toEqual([...image.data]);
    expect(() => toImage(batch, image, spec, 2)).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
  });

  it('gives a model of one channel the brightness, as PIL does, and shows it as grey', () => {
    const image = noise(5, 4);
    const spec = { mean: [0.25], std: [0.5] };
    const pixels = normalize(image, spec);
    expect(pixels).toHaveLength(20);
    const [r, g, b] = image.data.subarray(21, 24) as unknown as [number, number, number];
    // Image.new('RGB', (1, 1), (r, g, b)).convert('L')
    const grey = Math.floor((r * 19595 + g * 38470 + b * 7471 + 32768) / 65536);
    expect(pixels[7]).toBeCloseTo((grey / 255 - 0.25) / 0.5, 6);
    expect([...toImage(pixels, image, spec).data.subarray(21, 24)]).toEqual([grey, grey, grey]);
  });

  it('refuses channels that a picture does not have, and means without deviations', () => {
    const four = { mean: [0, 0, 0, 0], std: [1, 1, 1, 1] };
    expect(() => normalize(blank(2, 2), four)).toThrow(/1 or 3 channels to give; 4 are needed.*as numbers/);
    expect(() => normalize(blank(2, 2), { mean: [0.5], std: [1, 1] })).toThrow(/mean has 1 values and std 2/);
  });
});
