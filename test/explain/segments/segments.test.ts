/** Superpixels: scikit-image's label maps of a drawn picture, and what must not happen. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { countSegments, segmentBoundaries } from '../../../src/explain/segments/labels.ts';
import { segment, type SegmentOptions } from '../../../src/explain/segments/index.ts';
import { toLab } from '../../../src/explain/segments/picture.ts';
import { decodeSafetensors } from '../../../src/formats/safetensors.ts';
import { blank } from '../../../src/image/image.ts';

const file = new URL('../../fixtures/segments.safetensors', import.meta.url);
const fixture = decodeSafetensors(readFileSync(file), 'segments');
const floats = (name: string) => fixture.floats(name).data;
const [height, width] = fixture.read('image').shape as [number, number, number];
const image = { width, height, data: Uint8Array.from(floats('image')) };
const noise = floats('noise');

const cases: Record<string, SegmentOptions> = {
  quickshift: { noise },
  'quickshift.other': { kernelSize: 2, maxDistance: 8, ratio: 0.5, sigma: 1, noise },
  slic: { segmentation: 'slic', segmentCount: 20 },
  'slic.other': { segmentation: 'slic', segmentCount: 60, compactness: 1, sigma: 1 },
  felzenszwalb: { segmentation: 'felzenszwalb' },
  'felzenszwalb.other': { segmentation: 'felzenszwalb', scale: 100, sigma: 0.5, minSize: 5 },
};

it.each(Object.keys(cases))("%s: scikit-image's labels at every pixel", async (name) => {
  expect([...(await segment(image, cases[name]))]).toEqual([...floats(name)]);
});

it('the grid cuts evenly, at most one cell a pixel', async () => {
  expect([...(await segment(blank(4, 3), { segmentation: 'grid', cells: 2 }))]).toEqual([0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 3, 3]); // prettier-ignore
  expect(countSegments(await segment(blank(4, 3), { segmentation: 'grid', cells: 9 }), 12, 'grid')).toBe(12);
});

it("boundaries are those of skimage's find_boundaries, thick", async () => {
  const labels = await segment(image, cases['slic']);
  expect([...segmentBoundaries(labels, width, height)]).toEqual([...floats('boundaries')]);
});

it('white, black and sRGB red in Lab', () => {
  const { data } = toLab({ width: 3, height: 1, data: Float64Array.of(1, 1, 1, 0, 0, 0, 1, 0, 0) });
  const expected = [100, 0, 0, 0, 0, 0, 53.2408, 80.0925, 67.2032];
  data.forEach((v, i) => expect(v).toBeCloseTo(expected[i]!, 2));
});

describe('quickshift', () => {
  it('one seed, one map, on a flat picture too', async () => {
    const flat = blank(24, 20, [90, 90, 90]);
    const [a, again, b] = await Promise.all(
      [1, 1, 2].map((segmentSeed) => segment(flat, { kernelSize: 1, maxDistance: 2, segmentSeed })),
    );
    expect(a).toEqual(again);
    expect(a).not.toEqual(b);
  });

  it('stops at an abort, and lets events through meanwhile', async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error('enough')), 5);
    await expect(segment(blank(200, 200), {}, { signal: stop.signal })).rejects.toThrow('enough');
  });
});

describe('bad input', () => {
  const code = async (options: SegmentOptions) => {
    await expect(segment(image, options)).rejects.toMatchObject({ code: 'invalid-argument' });
  };
  it("another way's option, an unknown one, and values out of range", async () => {
    await code({ segmentation: 'slic', kernelSize: 3 });
    await code({ segmentation: 'slic', segmentCount: 0 });
    await code({ nothing: 1 } as never);
  });

  it('noise of another size', async () => {
    await expect(segment(image, { noise: new Float32Array(3) })).rejects.toMatchObject({ code: 'shape' });
  });

  it.each([
    [[0, 0, 0, 0], 'invalid-argument'],
    [[0, 2, 2, 0], 'invalid-argument'],
    [[0, -1, 1, 0], 'invalid-argument'],
    [[0, 0.5, 1, 0], 'invalid-argument'],
    [[0, 1, 1], 'shape'],
  ])('labels %j are refused: %s', (labels, code) => {
    expect(() => countSegments(labels, 4, 'lime')).toThrow(expect.objectContaining({ code }));
  });
});
