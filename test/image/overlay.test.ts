import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { colorAt, colormaps, type ColormapName } from '../../src/image/colormap.ts';
import { drawNumber, textWidth } from '../../src/image/digits.ts';
import { blank, enlarge, fill, luma, paste, type Color, type Image } from '../../src/image/image.ts';
import { overlay, percentileOf } from '../../src/image/overlay.ts';
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

describe('overlay', () => {
  const grey = blank(4, 2, [100, 100, 100]);
  const plain = { bar: false, width: 4, percentile: 100 } as const;

  it('mixes the colour of each value with the greyed picture', () => {
    const map = Float32Array.of(0, 1, 2, 4, 0, 0, 0, 0);
    const out = overlay(grey, map, { ...plain, alpha: 0.25 });
    [0, 0.25, 0.5, 1].forEach((t, x) => {
      const expected = colorAt('heat', t).map((c) => Math.round(0.25 * c + 75));
      expect(pixel(out, x, 0)).toEqual(expected);
    });
  });

  it('puts zero in the middle of a signed map, whatever the extremes', () => {
    const out = overlay(grey, Float32Array.of(-1, 0, 0.5, 4, 0, 0, 0, 0), { ...plain, signed: true, alpha: 1 });
    expect(pixel(out, 1, 0)).toEqual(colorAt('diverging', 0.5).map(Math.round));
    expect(pixel(out, 0, 0)).toEqual(colorAt('diverging', 0.375).map(Math.round));
    expect(pixel(out, 3, 0)).toEqual(colorAt('diverging', 1).map(Math.round));
  });

  it('clips above the percentile, so that one pixel does not hide the rest', () => {
    const map = new Float32Array(1000).fill(1);
    map[0] = 1e6;
    expect(percentileOf(map, 99)).toBe(1);
    const out = overlay(blank(100, 10), map, { bar: false, width: 100, percentile: 99, alpha: 1 });
    expect(pixel(out, 50, 5)).toEqual(colorAt('heat', 1).map(Math.round));
  });

  it('takes a map of zeros, and adds a bar below the picture', () => {
    const out = overlay(grey, new Float32Array(8), { width: 160 });
    expect(out.width).toBe(160);
    expect(out.height).toBeGreaterThan(80 + 10);
    expect(pixel(out, 0, 85)).toEqual(pixel(overlay(grey, new Float32Array(8), { ...plain, alpha: 1 }), 0, 0));
    expect(pixel(out, 159, 85)).toEqual(colorAt('heat', 1).map(Math.round));
  });

  it('refuses a map of another size, and NaN', () => {
    expect(() => overlay(grey, new Float32Array(7))).toThrow(expect.objectContaining({ code: 'shape' }));
    const map = new Float32Array(8);
    map[3] = NaN;
    expect(() => overlay(grey, map)).toThrow(expect.objectContaining({ code: 'not-finite' }));
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

  it('numbers are drawn within their width', () => {
    const image = blank(30, 5, [255, 255, 255]);
    drawNumber(image, '-0.57', 0, 0, 1, [0, 0, 0]);
    const dark = Array.from({ length: 30 }, (_, x) => [0, 1, 2, 3, 4].some((y) => pixel(image, x, y)[0] === 0));
    expect(dark.lastIndexOf(true)).toBe(textWidth('-0.57', 1) - 1);
    // '-' is one bar, in the middle row.
    expect([0, 1, 2, 3, 4].map((y) => pixel(image, 1, y)[0])).toEqual([255, 255, 0, 255, 255]);
  });
});
