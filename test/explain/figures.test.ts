/** Figures: each mode pixel by pixel, scales, words, and the markup of grids. */
import { describe, expect, it } from 'vitest';
import {
  comparison,
  costOf,
  costTable,
  drawMap,
  gridHtml,
  gridSvg,
  imagePlot,
  methodNames,
  scaleOf,
  ticksOf,
  valuesOf,
  type Attribution,
} from '../../src/explain/index.ts';
import { colorAt } from '../../src/image/colormap.ts';
import type { Image } from '../../src/image/image.ts';

const image: Image = {
  width: 2,
  height: 2,
  data: Uint8ClampedArray.of(0, 0, 0, 255, 255, 255, 90, 60, 30, 200, 100, 50),
};
const a: Attribution = {
  method: 'deep-shap',
  map: Float32Array.of(1, -1, 0, 0.5),
  shape: [1, 2, 2],
  target: 1,
  label: 'dog & <cat>',
  score: 2.5,
  error: { kind: 'completeness', sum: 1, difference: 1, gap: 0, relativeGap: 0 },
};
const pixel = (data: ArrayLike<number>, i: number) => Array.from({ length: 4 }, (_, c) => data[4 * i + c]!);
const rounded = (c: ArrayLike<number>) => Array.from({ length: 3 }, (_, k) => Math.round(c[k]!));

describe('modes', () => {
  const draw = (options: object) => drawMap(image, a, { percentile: 100, ...options }).picture.data;

  it('heat: the colour of each value on a symmetric scale', () => {
    const data = draw({ mode: 'heat' });
    [1, 0, 0.5, 0.75].forEach((t, i) => expect(pixel(data, i)).toEqual([...rounded(colorAt('diverging', t)), 255]));
  });

  it('blended: opacity of it over the brightness of the picture', () => {
    const data = draw({ mode: 'blended', opacity: 0.25 });
    const color = colorAt('diverging', 0);
    expect(pixel(data, 1).slice(0, 3)).toEqual([0, 1, 2].map((c) => Math.round(0.25 * color[c]! + 0.75 * 255)));
  });

  it('masked: the picture times the strength; alpha: as opaque as it', () => {
    expect(pixel(draw({ mode: 'masked' }), 3)).toEqual([100, 50, 25, 255]);
    expect(pixel(draw({ mode: 'alpha' }), 3)).toEqual([200, 100, 50, 128]);
    expect(pixel(draw({ mode: 'alpha' }), 2)[3]).toBe(0);
  });

  it('original: the picture', () => {
    expect(pixel(draw({ mode: 'original' }), 2)).toEqual([90, 60, 30, 255]);
  });

  it('regions: what is outside the strongest can be hidden', () => {
    const regions = { labels: Int32Array.of(0, 1, 2, 3), values: Float64Array.of(1, -1, 0, 0.5) };
    const { data } = drawMap(image, { ...a, regions }, { mode: 'regions', features: 1, rest: 'hide' }).picture;
    expect(pixel(data, 0)).toEqual([255, 235, 0, 255]);
    expect(pixel(data, 3)).toEqual([0, 0, 0, 255]);
    expect(() => drawMap(image, a, { mode: 'regions' })).toThrow(/no regions/);
  });

  it.each([
    ['an unknown mode', { mode: 'x-ray' }, 'invalid-argument'],
    ['an option that there is not', { colour: 'red' }, 'invalid-argument'],
    ['a percentile of 0', { percentile: 0 }, 'invalid-argument'],
  ])('%s is refused', (_, options, code) => {
    expect(() => drawMap(image, a, options as never)).toThrow(expect.objectContaining({ code }));
  });

  it('a map with NaN, and one without its picture, are refused', () => {
    expect(() => drawMap(image, { ...a, map: Float32Array.of(1, NaN, 0, 0) })).toThrow(/NaN/);
    expect(() => drawMap(undefined, a, { mode: 'masked' })).toThrow(/needs the picture/);
  });
});

describe('scales', () => {
  it('what a method means decides the sign; the options go before it', () => {
    expect(valuesOf(a).sign).toBe('all');
    expect(valuesOf({ ...a, method: 'gradient' })).toMatchObject({
      sign: 'absolute',
      values: Float32Array.of(1, 1, 0, 0.5),
    });
    expect(valuesOf(a, { sign: 'negative' }).values).toEqual(Float32Array.of(0, -1, 0, 0));
  });

  it('a percentile clips the single pixel that would hide the rest', () => {
    const map = Float32Array.from({ length: 1000 }, (_, i) => (i === 0 ? 100 : 1));
    const values = valuesOf({ method: 'lime', map, shape: [1, 20, 50] });
    expect(scaleOf([values], { percentile: 99 }).limit).toBe(1);
    expect(scaleOf([values], { percentile: 100 }).limit).toBe(100);
  });

  it('ticks', () => {
    expect(ticksOf({ sign: 'all', colors: 'diverging', limit: 0.5 })).toEqual(['\u22120.5', '0', '0.5']);
    expect(ticksOf({ sign: 'positive', colors: 'heat', limit: 3 })).toEqual(['0', '1.5', '3']);
  });
});

describe('grids', () => {
  const explained = [{ image, title: 'picture <one>', maps: [a, 'interrupted'] }];
  const outside = /(?:src|href)="(?!data:)|url\((?!#)|@import|<script/;

  it('methods side by side: the picture first, a line of words for each, nothing from outside', async () => {
    const grid = comparison(explained, ['deep-shap', 'lime']);
    expect(grid.columns.map((c) => c.title)).toEqual(['input', 'deep-shap', 'lime']);
    const html = await gridHtml(grid);
    expect(html.match(/<img /g)).toHaveLength(2);
    expect(html).toContain('Red speaks for dog &#38; &#60;cat&#62;');
    expect(html).toContain('interrupted');
    expect(html).not.toMatch(outside);
    const svg = await gridSvg(grid);
    expect(svg.match(/<image /g)).toHaveLength(2);
    expect(svg).not.toMatch(/<cat>|<one>/);
    expect(svg).not.toMatch(outside);
    // Every tag that opens closes.
    const open = [...svg.matchAll(/<(\/?)(\w+)([^>]*?)(\/?)>/g)].reduce(
      (n, [, end, , , self]) => n + (end ? -1 : self ? 0 : 1),
      0,
    );
    expect(open).toBe(0);
  });

  it("SHAP's image plot: one symmetric scale for all, and the numbers of its bar", async () => {
    const weak = { ...a, map: a.map.map((v) => v / 4) };
    const grid = imagePlot([{ image, title: 'one', maps: [a, weak] }], ['dog', 'cat'], { percentile: 100 });
    expect(grid.scale).toMatchObject({ sign: 'all', limit: 1 });
    const { data } = grid.rows[0]!.cells[2]!.drawing!.picture;
    expect(data).not.toEqual(grid.rows[0]!.cells[1]!.drawing!.picture.data);
    expect(await gridSvg(grid)).toContain('\u22121');
  });
});

it('every method has a cost, and a gradient counts as two forward passes', () => {
  const table = costTable();
  const bare = methodNames.filter((name) => name !== 'feature-permutation'); // needs other pictures
  expect(new Set(table.map((row) => row.method))).toEqual(new Set(bare));
  expect(table.every((row) => row.forwards > 0)).toBe(true);
  expect(costOf('gradient')).toBe(2);
  expect(costOf('occlusion', { window: 112, stride: 112 })).toBe(5);
});
