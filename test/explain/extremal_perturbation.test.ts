/** Regions of a given area on a linear model, where the best region is known, and the smooth maximum's slope. */
import { beforeAll, describe, expect, it } from 'vitest';
import { explain } from '../../src/explain/index.ts';
import { smoothMaximum, wanted } from '../../src/explain/methods/extremal_perturbation.ts';
import { constant } from '../../src/graph/leaves.ts';
import type { Model } from '../../src/model/model.ts';
import { mul } from '../../src/ops/binary.ts';
import { sum } from '../../src/ops/reduce.ts';
import { reshape } from '../../src/ops/reshape.ts';
import { spread } from '../support/gradcheck.ts';
import { testEngine } from '../support/engine.ts';
import { tinyModel } from './tiny_network.ts';

const [h, w] = [6, 8];
const area = h * w;
const weights = spread(area, 5);
const ones = new Float32Array(area).fill(1);
let model: Model;

beforeAll(async () => {
  model = tinyModel(await testEngine(), {
    picture: [1, h, w],
    build: (x) => ({ logits: sum(mul(reshape(x, [x.shape[0]!, 1, -1]), constant(weights, [1, area])), [2]) }),
  });
});

const options = { method: 'extremal-perturbation', target: 0, fill: new Float32Array(area), steps: 150 } as const;
/** The cells that add most to the score. */
const best = (count: number) => new Set([...weights.keys()].sort((a, b) => weights[b]! - weights[a]!).slice(0, count));

describe('extremal perturbation', () => {
  it.each([
    [0.125, 'preserve'],
    [0.25, 'delete'],
  ] as const)('covers %d of the picture, the cells that add most: %s', async (share, game) => {
    const { map, shape, error } = await explain(model, ones, { ...options, area: share, radius: 0, game });
    expect(shape).toEqual([1, h, w]);
    const chosen = best(share * area);
    // The last of those inside and the first outside are close: they may change places.
    const wrong = [...map.keys()].filter((i) => Math.abs(map[i]! - Number(chosen.has(i))) > 0.1);
    expect(wrong.length).toBeLessThanOrEqual(2);
    expect(map.reduce((a, b) => a + b, 0) / area).toBeCloseTo(share, 1);
    expect(error).toMatchObject({ kind: 'none', reason: expect.stringMatching(/covers .* asked for; with it (alone|blurred) the score is/) }); // prettier-ignore
  });

  it('a neighbourhood makes the region one blob of the same area', async () => {
    const rough = await explain(model, ones, { ...options, area: 0.25, radius: 0 });
    const smooth = await explain(model, ones, { ...options, area: 0.25, radius: 1 });
    const edges = (map: Float32Array) => map.reduce((n, v, i) => n + (i % w ? Math.abs(v - map[i - 1]!) : 0), 0);
    expect(edges(smooth.map)).toBeLessThan(0.7 * edges(rough.map));
    expect(Math.abs(smooth.map.reduce((a, b) => a + b, 0) / area - 0.25)).toBeLessThan(0.08);
  });

  it('a heavy constraint holds the area where a light one lets it grow', async () => {
    const excess = async (constraint: number) => {
      const { map } = await explain(model, ones, { ...options, area: 0.125, radius: 0, steps: 60, constraint });
      return map.reduce((a, b) => a + b, 0) / area - 0.125;
    };
    const [light, heavy] = [await excess(0.1), await excess(100)];
    expect(light).toBeGreaterThan(0.1);
    expect(Math.abs(heavy)).toBeLessThan(0.05);
  });

  it('an area of no cell is refused', async () => {
    const none = explain(model, ones, { ...options, area: 0.001 });
    await expect(none).rejects.toMatchObject({ code: 'invalid-argument', remedy: expect.stringMatching(/more cells/) });
  });
});

it('the smooth maximum: 1 of ones, p itself at radius 0, and its slope by central differences', () => {
  const [rows, columns] = [4, 5];
  const smooth = smoothMaximum(rows, columns, 1.2);
  expect(Array.from(smooth(new Float32Array(20).fill(1)).value, (v) => Math.abs(v - 1) < 1e-6)).not.toContain(false);
  const p = Float64Array.from(spread(20, 3), (v) => (v + 1) / 2);
  const plain = smoothMaximum(rows, columns, 0)(p).value;
  plain.forEach((v, u) => expect(v).toBeCloseTo(p[u]!, 6));
  const c = spread(20, 4);
  const slope = smooth(p).back((u) => c[u]!);
  const f = (v: Float64Array) => smooth(v).value.reduce((n, m, u) => n + c[u]! * m, 0);
  const step = 1e-2;
  slope.forEach((s, u) => {
    const moved = (by: number) => f(p.map((v, i) => (i === u ? v + by : v)));
    expect(Math.abs(s - (moved(step) - moved(-step)) / (2 * step))).toBeLessThan(2e-2);
  });
  expect(Array.from(wanted([0.2, 0.9, 0.5, 0.5], 2, [0, 0, 1, 2]))).toEqual([0, 1, 0, 1]);
});
