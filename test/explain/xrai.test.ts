/** XRAI's regions, against its algorithm written out, and on a linear model. */
import { describe, expect, it } from 'vitest';
import { explain } from '../../src/explain/index.ts';
import { labelledRegions, rankRegions } from '../../src/explain/xrai_regions.ts';
import { constant } from '../../src/graph/leaves.ts';
import { mul } from '../../src/ops/binary.ts';
import { sum } from '../../src/ops/reduce.ts';
import { reshape } from '../../src/ops/reshape.ts';
import { spread } from '../support/gradcheck.ts';
import { testEngine } from '../support/engine.ts';
import { compare, tolerance } from '../tolerance.ts';
import { tinyModel } from './tiny_network.ts';

const [h, w] = [30, 40];
const area = h * w;
const attribution = spread(area, 9);
/** Tiles of 10 x 10, and upright and level stripes that overlap them. */
const tiles = Int32Array.from({ length: area }, (_, i) => 4 * Math.floor(i / w / 10) + Math.floor((i % w) / 10));
const upright = Int32Array.from({ length: area }, (_, i) => Math.floor((i % w) / 7));
const regions = [tiles, upright].flatMap((labels) => labelledRegions(labels, w, h, 2));

/** As published: at each step the mean over what each region would add, from scratch. */
function asPublished(fast: boolean): Float64Array {
  const out = new Float64Array(area).fill(NaN);
  const fresh = (region: Int32Array) => region.filter((i) => Number.isNaN(out[i]));
  const mean = (region: ArrayLike<number>) => Array.from(region, (i) => attribution[i]!).reduce((a, b) => a + b, 0) / region.length; // prettier-ignore
  let left = fast ? regions.toSorted((a, b) => mean(b) - mean(a)) : [...regions];
  while (left.length > 0) {
    left = left.filter((region) => fresh(region).length >= 50);
    const best = fast ? left[0] : left.toSorted((a, b) => mean(fresh(b)) - mean(fresh(a)))[0];
    if (!best) break;
    left = left.filter((region) => region !== best);
    const added = fresh(best);
    const gain = mean(added);
    for (const i of added) out[i] = gain;
  }
  const rest = fresh(Int32Array.from(out.keys()));
  const gain = mean(rest);
  return out.map((v) => (Number.isNaN(v) ? gain : v));
}

describe('rankRegions', () => {
  it.each([false, true])('fast %s: as published', (fast) => {
    const { order, gains } = rankRegions(attribution, regions, fast);
    expect(
      compare(
        Float64Array.from(order, (k) => gains[k]!),
        asPublished(fast),
      ).maxRel,
    ).toBeLessThan(1e-12);
    const covered = [...gains].slice(0, -1);
    expect(covered).toEqual(covered.toSorted((a, b) => b - a));
  });

  it('regions grow by a disk', () => {
    const point = Int32Array.from({ length: 49 }, (_, i) => (i === 24 ? 1 : 0));
    const [, grown] = labelledRegions(point, 7, 7, 2);
    const rows = Array.from({ length: 7 }, (_, y) => grown!.filter((i) => Math.floor(i / 7) === y).length);
    expect(rows).toEqual([0, 1, 3, 5, 3, 1, 0]);
    const corner = Int32Array.from({ length: 9 }, (_, i) => (i === 0 ? 0 : 3));
    expect(labelledRegions(corner, 3, 3, 1).map((region) => [...region].sort((a, b) => a - b))).toEqual([[0, 1, 3], [0, 1, 2, 3, 4, 5, 6, 7, 8]]); // prettier-ignore
  });
});

describe('xrai', () => {
  it('of a linear model: the mean of w (x - baseline) over each region', async () => {
    const picture: [number, number, number] = [1, h, w];
    const model = tinyModel(await testEngine(), {
      picture,
      build: (x) => ({ logits: sum(mul(reshape(x, [x.shape[0]!, 1, area]), constant(attribution, [1, area])), [2]) }),
      metadata: { preprocess: { mean: [0.5], std: [0.5] } },
    });
    const x = spread(area, 4);
    const given = { method: 'xrai', target: 0, steps: 2 } as const;
    const result = await explain(model, x, { ...given, regions: [tiles], dilation: 0 });
    // Black is -1 and white 1: their mean is 0.
    const means = new Float64Array(12);
    x.forEach((v, i) => (means[tiles[i]!]! += (v * attribution[i]!) / 100));
    expect(
      compare(
        result.map,
        Float64Array.from(tiles, (t) => means[t]!),
      ).maxRel,
    ).toBeLessThan(tolerance.longSum);
    const own = await explain(model, x, given);
    expect(new Set(own.map).size).toBeGreaterThan(1);
    await expect(explain(model, x, { ...given, regions: [new Int32Array(3)] })).rejects.toMatchObject({
      code: 'shape',
    });
    await expect(explain(model, x, { ...given, attribution: new Float32Array(3) })).rejects.toMatchObject({
      code: 'shape',
    });
  });
});
