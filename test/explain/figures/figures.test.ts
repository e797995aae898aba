/** Figures by closed form: what each mode makes of a pixel, and what stands in the SVG and the HTML. */
import { describe, expect, it } from 'vitest';
import {
  comparison,
  costOf,
  costTable,
  drawMap,
  drawPicture,
  figureModes,
  figureOptions,
  gridHtml,
  gridSvg,
  imagePlot,
  methodInWords,
  methodNames,
  methods,
  scaleOf,
  ticksOf,
  valuesOf,
  type Attribution,
  type FigureOptions,
} from '../../../src/explain/index.ts';
import { wrap } from '../../../src/explain/figures/svg.ts';
import { colorAt } from '../../../src/image/colormap.ts';
import { blank, type Image, type RgbaImage } from '../../../src/image/image.ts';
import { elements } from '../../support/markup.ts';

const image: Image = { width: 2, height: 2, data: Uint8Array.of(200, 100, 50, 10, 20, 30, 0, 0, 0, 255, 255, 255) };

function mapOf(values: readonly number[], more: Partial<Attribution> = {}): Attribution {
  const map = Float32Array.from(values);
  const shape: Attribution['shape'] = [map.length / 4, 2, 2];
  return { method: 'integrated-gradients', map, shape, target: 1, label: 'dog', score: 3, error: { kind: 'completeness', sum: 2, difference: 2, gap: 0, relativeGap: 0.0123 }, ...more }; // prettier-ignore
}

const pixel = ({ data }: RgbaImage, i: number) => [...data.subarray(4 * i, 4 * i + 4)];
const draw = (a: Attribution, options: FigureOptions) => drawMap(image, a, { percentile: 100, ...options }).picture;
const color = (name: 'heat' | 'diverging', t: number) => [...colorAt(name, t).map(Math.round), 255];

describe('modes', () => {
  const signed = mapOf([-1, 0, 2, 4]);

  it('heat: zero in the middle of a signed map, whatever its extremes', () => {
    const picture = draw(signed, { mode: 'heat' });
    [0.375, 0.5, 0.75, 1].forEach((t, i) => expect(pixel(picture, i)).toEqual(color('diverging', t)));
  });

  it('blended: the colour with its opacity over the brightness', () => {
    const picture = draw(signed, { mode: 'blended', opacity: 0.25 });
    const luma = 0.299 * 200 + 0.587 * 100 + 0.114 * 50;
    const expected = colorAt('diverging', 0.375).map((c) => Math.round(0.25 * c + 0.75 * luma));
    expect(pixel(picture, 0)).toEqual([...expected, 255]);
    expect(pixel(picture, 3)).toEqual([...colorAt('diverging', 1).map((c) => Math.round(0.25 * c + 0.75 * 255)), 255]);
  });

  it('masked and alpha: the picture times the strength, or with it as opacity', () => {
    expect(pixel(draw(signed, { mode: 'masked' }), 0)).toEqual([50, 25, 13, 255]);
    expect(pixel(draw(signed, { mode: 'alpha' }), 0)).toEqual([200, 100, 50, 64]);
    expect(pixel(draw(signed, { mode: 'alpha' }), 3)).toEqual([255, 255, 255, 255]);
  });

  it('original: the picture', () => {
    expect(draw(signed, { mode: 'original' })).toEqual(drawPicture(image).picture);
    expect(pixel(drawPicture(image).picture, 1)).toEqual([10, 20, 30, 255]);
  });

  it.each([
    ['positive', [0, 0, 0.5, 1]],
    ['negative', [1, 0, 0, 0]],
    ['absolute', [0.25, 0, 0.5, 1]],
  ] as const)('draws %s values from zero up', (sign, expected) => {
    const picture = draw(signed, { mode: 'heat', sign });
    expected.forEach((t, i) => expect(pixel(picture, i)).toEqual(color('heat', t)));
  });

  it('regions: the strongest, outlined; the rest hidden', () => {
    const six = blank(6, 6, [100, 100, 100]);
    const labels = Int32Array.from({ length: 36 }, (_, i) => (i % 6 < 3 ? 0 : 1));
    const a = mapOf([0, 0, 0, 0], { method: 'lime', regions: { labels, values: Float64Array.of(-3, 1) } });
    const { picture } = drawMap(six, a, { mode: 'regions', rest: 'hide' });
    expect([pixel(picture, 0), pixel(picture, 5)]).toEqual([[0, 0, 0, 255], [100, 100, 100, 255]]); // prettier-ignore
    expect(pixel(picture, 3)).toEqual([255, 255, 0, 255]);
    const both = drawMap(six, a, { mode: 'regions', sign: 'all' }).picture;
    expect(pixel(both, 0)).toEqual([72, 92, 136, 255]);
    expect(pixel(both, 5)).toEqual([140, 68, 76, 255]);
    expect(() => drawMap(six, mapOf([1, 1, 1, 1]), { mode: 'regions' })).toThrow(expect.objectContaining({ code: 'invalid-argument' })); // prettier-ignore
  });

  it.each(figureModes)('%s takes a map of zeros', (mode) => {
    const a = mapOf([0, 0, 0, 0], { regions: { labels: new Int32Array(4), values: Float64Array.of(0) } });
    expect(drawMap(image, a, { mode }).picture.data).toHaveLength(16);
  });

  it('refuses NaN, an option that it does not know, and a mode that needs the picture', () => {
    const thrown = (code: string) => expect.objectContaining({ code });
    expect(() => drawMap(image, mapOf([NaN, 0, 0, 0]))).toThrow(thrown('not-finite'));
    expect(() => drawMap(image, signed, { percentile: 0 })).toThrow(thrown('invalid-argument'));
    expect(() => drawMap(undefined, signed)).toThrow(thrown('invalid-argument'));
    expect(drawMap(undefined, signed, { mode: 'heat' }).picture.width).toBe(2);
  });
});

describe('values and scales', () => {
  it('are what the method means: sums of contributions, largest magnitudes of sensitivities', () => {
    const channels = [1, 0, 0, 0, -3, 0, 0, 2];
    expect([...valuesOf(mapOf(channels)).values]).toEqual([-2, 0, 0, 2]);
    expect([...valuesOf(mapOf(channels, { method: 'gradient' })).values]).toEqual([3, 0, 0, 2]);
    expect(valuesOf(mapOf([0, 1, 2, 3], { method: 'grad-cam' })).sign).toBe('positive');
  });

  it('clip above the percentile, so that one pixel does not hide the rest', () => {
    const map = new Float32Array(1000).fill(1);
    map[0] = 1e6;
    const scale = (percentile?: number) => scaleOf([{ values: map, width: 1000, height: 1, sign: 'all' }], { percentile }); // prettier-ignore
    expect([scale().limit, scale(100).limit]).toEqual([1e6, 1e6]);
    expect(scale(99).limit).toBe(1);
  });

  it('of several maps are one, symmetric', () => {
    const maps = [mapOf([-1, 0, 2, 4]), mapOf([0, 0, 1, 8])].map((a) => valuesOf(a));
    expect(scaleOf(maps, { percentile: 100 })).toEqual({ sign: 'all', colors: 'diverging', limit: 8 });
    expect(ticksOf(scaleOf(maps, { percentile: 100 }))).toEqual(['−8', '0', '8']);
    expect(ticksOf({ sign: 'positive', colors: 'heat', limit: 3 })).toEqual(['0', '1.5', '3']);
  });

  it('have names that no method uses for an option of its own', () => {
    for (const name of methodNames) {
      expect(Object.keys(methods[name].options).filter((key) => key in figureOptions)).toEqual([]);
    }
  });
});

describe('plots', () => {
  const explained = (values: readonly (readonly number[])[]) => ({
    image,
    title: 'a <b> & "c"',
    text: ['Taken for: dog.'],
    maps: values.map((v) => mapOf(v)),
  });

  it('compare methods: the input first, what each shows, its error in words', async () => {
    const rows = [explained([[-1, 0, 2, 4], [0, 0, 0, 1]]), { ...explained([[1, 1, 1, 1]]), maps: [mapOf([1, 1, 1, 1]), 'no layer'] }]; // prettier-ignore
    const grid = comparison(rows, ['integrated-gradients', 'deep-shap'], { percentile: 100 });
    expect(grid.columns.map((c) => c.title)).toEqual(['input', 'integrated-gradients', 'deep-shap']);
    expect(grid.columns[1]!.text!.join(' ')).toMatch(/Gradients integrated.*Red speaks for dog.*Completeness gap: /);
    const svg = await gridSvg(grid);
    expect(elements(svg)).toBeGreaterThan(20);
    for (const text of ['−4', '>4<', '1.2\u00a0%', 'no layer', 'a &#60;b&#62; &#38; &#34;c&#34;'])
      expect(svg).toContain(text);
    expect(svg.match(/<image /g)).toHaveLength(5);
    expect(svg.match(/font(-size)?:\s*(\d+)px/g)!.every((f) => Number(/\d+/.exec(f)) >= 12)).toBe(true);
    const html = await gridHtml(grid);
    elements(html);
    expect([html.match(/<img /g)!.length, html.match(/<td/g)!.length, html.match(/scope="col"/g)!.length]).toEqual([5, 6, 3]); // prettier-ignore
    for (const text of [svg, html]) expect(text).not.toMatch(/(href|src)="(?!data:)|url\((?!#)|@import/);
  });

  it('image plot: one scale for all, and one bar', async () => {
    const grid = imagePlot([explained([[-1, 0, 2, 4], [0, 0, 0, 8]])], ['dog', 'cat'], { percentile: 100, mode: 'heat' }); // prettier-ignore
    expect(grid.scale).toEqual({ sign: 'all', colors: 'diverging', limit: 8 });
    expect(pixel(grid.rows[0]!.cells[1]!.drawing!.picture, 3)).toEqual(color('diverging', 0.75));
    expect((await gridSvg(grid)).match(/url\(#wgrad-diverging\)/g)).toHaveLength(1);
  });

  it('wraps text to a width, long words too', () => {
    expect(wrap('one two three', 50, 12)).toEqual(['one two', 'three']);
    expect(wrap('one two 3\u00a0%', 50, 12)).toEqual(['one two', '3\u00a0%']);
    expect(wrap('abcdefghijklmnopq', 50, 12).join('')).toBe('abcdefghijklmnopq');
  });
});

it('many columns fold, and a verdict is a word', async () => {
  const row = {
    image,
    title: 'one',
    maps: Array.from({ length: 9 }, () => mapOf([0, 0, 0, 1])),
    verdict: 'wrong' as const,
  };
  const grid = comparison(
    [row],
    Array.from({ length: 9 }, () => 'lime'),
  );
  const html = await gridHtml(grid);
  expect(html).toContain('class="wgrad-grid many"');
  expect(html).toMatch(/<h3>one <span class="wrong">.*wrong<\/span><\/h3>/);
  expect(await gridSvg(grid)).toContain('\u2717 one');
});

it('methods that fail the randomisation check say so', () => {
  for (const name of ['guided-backprop', 'deconvnet', 'guided-grad-cam']) {
    expect(methodInWords(name).join(' ')).toMatch(/randomisation check/);
  }
});

it('the cost table has every method, in forward passes', () => {
  const table = costTable();
  expect(table.map((r) => r.method).sort()).toEqual([...methodNames].sort());
  const of = (name: string) => table.find((r) => r.method === name)!.forwards;
  // A gradient counts twice: 26 for SmoothGrad's 25 samples and the picture.
  expect([of('layer-activation'), of('gradient'), of('smoothgrad'), of('rise')]).toEqual([1, 2, 52, 4001]);
  expect(costOf('occlusion', { window: 112, stride: 112 })).toBe(5);
  // It needs other pictures, and costs more the more there are.
  expect(table.filter((row) => !(row.forwards! > 0)).map((row) => row.method)).toEqual(['feature-permutation']);
});
