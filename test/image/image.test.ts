import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { colorAt, colormaps, type ColormapName } from '../../src/image/colormap.ts';
import { blank, enlarge, fill, luma, paste, type Color, type Image } from '../../src/image/image.ts';
import { encodePng } from '../../src/image/png.ts';
import { Random } from '../../src/random.ts';

const lightness = ([r, g, b]: Color) => 0.299 * r + 0.587 * g + 0.114 * b;
const pixel = ({ width, data }: Image, x: number, y: number) => [
  ...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3),
];

describe('encodePng', () => {
  it.each([[1, 1], [7, 3], [64, 64], [300, 2]])('is lossless at %i x %i, by another decoder', async (width, height) => {
    const random = new Random(width);
    const data = Uint8Array.from({ length: width * height * 3 }, () => random.int(256));
    const { data: back, info } = await sharp(await encodePng({ width, height, data })).raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height, info.channels]).toEqual([width, height, 3]);
    expect(back.equals(data)).toBe(true);
  }); // prettier-ignore

  it('keeps opacity where there are four bytes a pixel', async () => {
    const data = Uint8ClampedArray.from({ length: 5 * 3 * 4 }, (_, i) => (i * 37) % 256);
    const { data: back, info } = await sharp(await encodePng({ width: 5, height: 3, data })).raw().toBuffer({ resolveWithObject: true }); // prettier-ignore
    expect([info.channels, [...back]]).toEqual([4, [...data]]);
  });

  it('refuses a picture whose data does not fit', async () => {
    await expect(encodePng({ width: 3, height: 3, data: new Uint8Array(9) })).rejects.toMatchObject({
      code: 'invalid-argument',
    });
  });
});

describe('colour maps', () => {
  it('heat only grows lighter', () => {
    const steps = Array.from({ length: 256 }, (_, i) => lightness(colorAt('heat', i / 255)));
    for (let i = 1; i < 256; i++) expect(steps[i]).toBeGreaterThan(steps[i - 1]!);
    expect(steps[255]! - steps[0]!).toBeGreaterThan(200);
  });

  it('diverging is blue below, pale in the middle, red above', () => {
    const [low, middle, high] = [0, 0.5, 1].map((t) => colorAt('diverging', t));
    expect(low![2]).toBeGreaterThan(low![0] + 100);
    expect(high![0]).toBeGreaterThan(high![2] + 100);
    expect(Math.min(...middle!)).toBeGreaterThan(230);
  });

  it.each(Object.keys(colormaps) as ColormapName[])('%s holds its ends beyond [0, 1]', (name) => {
    expect(colorAt(name, -3)).toEqual(colorAt(name, 0));
    expect(colorAt(name, 9)).toEqual(colorAt(name, 1));
  });
});

describe('pictures', () => {
  it('fill and paste are clipped', () => {
    const image = blank(4, 3);
    fill(image, { left: 3, top: -1, width: 9, height: 2 }, [9, 8, 7]);
    expect(pixel(image, 3, 0)).toEqual([9, 8, 7]);
    expect(image.data.reduce((n, v) => n + v, 0)).toBe(24);
    const target = blank(3, 3, [1, 1, 1]);
    paste(target, image, -2, 1);
    expect(pixel(target, 1, 1)).toEqual([9, 8, 7]);
    expect(pixel(target, 2, 1)).toEqual([1, 1, 1]);
    expect(pixel(target, 0, 0)).toEqual([1, 1, 1]);
    paste(target, image, 50, 50);
  });

  it('enlarge repeats pixels; luma is Rec. 601', () => {
    const image = { width: 2, height: 1, data: Uint8Array.of(255, 0, 0, 0, 0, 255) };
    const big = enlarge(image, 3);
    expect([big.width, big.height]).toEqual([6, 3]);
    expect(pixel(big, 2, 2)).toEqual([255, 0, 0]);
    expect(pixel(big, 3, 0)).toEqual([0, 0, 255]);
    expect(luma(image)[0]).toBeCloseTo(76.245, 3);
  });
});
