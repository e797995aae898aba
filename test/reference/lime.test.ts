/** Superpixels against scikit-image. */
import { describe, expect, it } from 'vitest';
import { segment, type SegmentOptions } from '../../src/explain/segments/index.ts';
import { dataFolder } from '../support/data.ts';
import { golden2 } from '../support/golden.ts';

describe.skipIf(!dataFolder)('segments', () => {
  const reference = dataFolder ? golden2('lime-segments') : undefined!;
  const quickshift: SegmentOptions = { segmentation: 'quickshift' };
  const cases: Record<string, SegmentOptions> = {
    'quickshift.sigma0': quickshift,
    'quickshift.sigma1': { ...quickshift, sigma: 1 },
    'quickshift.other': { ...quickshift, kernelSize: 3, maxDistance: 10, ratio: 0.5 },
    slic: { segmentation: 'slic', segmentCount: 50, sigma: 1 },
    slic2: { segmentation: 'slic', segmentCount: 100, compactness: 20 },
    felzenszwalb: { segmentation: 'felzenszwalb', scale: 100, sigma: 0.5, minSize: 50 },
    felzenszwalb2: { segmentation: 'felzenszwalb' },
  };
  const small: Record<string, SegmentOptions> = {
    ...cases,
    slic: { ...cases['slic'], segmentCount: 16 },
    slic2: { ...cases['slic2'], segmentCount: 25 },
  };
  const rows = ['small', 'p0', 'p1'].flatMap((picture) => Object.keys(cases).map((name) => [picture, name] as const));
  const stored = rows.filter(([picture, name]) => reference?.has(`${picture}.${name}`));

  it.each(stored)('%s.%s: no pixel differs', async (picture, name) => {
    const [height, width] = reference.shape(`${picture}.image`) as [number, number, number];
    const image = { width, height, data: Uint8Array.from(reference.tensor(`${picture}.image`)) };
    const noise = name.startsWith('quickshift') ? reference.tensor(`${picture}.quickshift_noise`) : undefined;
    const began = performance.now();
    const labels = await segment(image, { ...(picture === 'small' ? small : cases)[name], noise });
    const seconds = (performance.now() - began) / 1000;
    const expected = reference.tensor(`${picture}.${name}`);
    const first = name === 'slic2' ? 1 : 0; // skimage's start_label
    const different = labels.reduce((n, label, i) => n + (label + first === expected[i] ? 0 : 1), 0);
    console.log(`${picture}.${name}: ${different} of ${labels.length} pixels differ, ${seconds.toFixed(2)} s`);
    expect(different).toBe(0);
  });
});
