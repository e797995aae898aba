/** Learnt masks on a linear model, whose optimum is known cell by cell, and the slope of the total variation. */
import { beforeAll, describe, expect, it } from 'vitest';
import { explain } from '../../src/explain/index.ts';
import { totalVariationSlope } from '../../src/explain/methods/meaningful_perturbation.ts';
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
const weights = spread(2 * area, 5);
const x = spread(2 * area, 6);
const fill = spread(2 * area, 7);
/** What each pixel adds to the score when it shows. */
const values = Float64Array.from({ length: area }, (_, i) =>
  [i, area + i].reduce((n, j) => n + weights[j]! * (x[j]! - fill[j]!), 0),
);
let model: Model;

beforeAll(async () => {
  model = tinyModel(await testEngine(), {
    picture: [2, h, w],
    build: (x) => ({ logits: sum(mul(reshape(x, [x.shape[0]!, 1, -1]), constant(weights, [1, 2 * area])), [2]) }),
  });
});

const l1 = 0.05;
const options = { method: 'meaningful-perturbation', target: 0, fill, l1, tv: 0, steps: 60 } as const;
/** Pixels whose value is not too near the penalty to be decided in so few steps. */
const clear = [...values.keys()].filter((i) => Math.abs(Math.abs(values[i]!) - l1) > 0.02);

describe('meaningful perturbation', () => {
  it('deletes the pixels that add more than they cost', async () => {
    const { map, shape, error } = await explain(model, x, options);
    expect(shape).toEqual([1, h, w]);
    for (const i of clear) expect(map[i], `pixel ${i} of value ${values[i]}`).toBeCloseTo(values[i]! > l1 ? 1 : 0, 4);
    expect(error).toMatchObject({ kind: 'none', reason: expect.stringMatching(/the score is .* of /) });
  });

  it('preserves those pixels, and no others', async () => {
    const { map } = await explain(model, x, { ...options, game: 'preserve' });
    for (const i of clear) expect(map[i], `pixel ${i} of value ${values[i]}`).toBeCloseTo(values[i]! > l1 ? 1 : 0, 4);
  });

  it('a heavy total variation makes one smooth region; a coarse mask is enlarged', async () => {
    const rough = await explain(model, x, options);
    const smooth = await explain(model, x, { ...options, tv: 20, beta: 2 });
    const spreadOf = (map: Float32Array) => map.reduce((n, v, i) => n + (i % w ? Math.abs(v - map[i - 1]!) : 0), 0);
    expect(spreadOf(smooth.map)).toBeLessThan(spreadOf(rough.map) / 4);
    const { map } = await explain(model, x, { ...options, cells: 1 });
    expect(new Set(map).size).toBe(1);
  });

  it('blurs the picture where nothing else is given: a flat one has nothing to hide', async () => {
    const flat = new Float32Array(2 * area).fill(0.7);
    const { map } = await explain(model, flat, { method: 'meaningful-perturbation', steps: 5, l1: 0.01 });
    expect(Math.max(...map.map(Math.abs))).toBeLessThan(0.3);
  });

  it('a fill of another size is refused, an abort is heard', async () => {
    await expect(explain(model, x, { ...options, fill: new Float32Array(3) })).rejects.toMatchObject({ code: 'shape' });
    const stop = new AbortController();
    const running = explain(model, x, { ...options, signal: stop.signal, onProgress: () => stop.abort(new Error('enough')) }); // prettier-ignore
    await expect(running).rejects.toThrow('enough');
  });
});

it('the slope of the total variation: central differences', () => {
  const m = Float64Array.from(spread(12, 2));
  const [columns, beta, step] = [4, 3, 1e-5];
  const variation = (v: Float64Array) =>
    v.reduce((n, a, u) => {
      const right = (u + 1) % columns ? Math.abs(v[u + 1]! - a) ** beta : 0;
      return n + right + (u + columns < v.length ? Math.abs(v[u + columns]! - a) ** beta : 0);
    }, 0);
  totalVariationSlope(m, columns, beta).forEach((slope, u) => {
    const moved = (by: number) => variation(m.map((v, i) => (i === u ? v + by : v)));
    expect(slope).toBeCloseTo((moved(step) - moved(-step)) / (2 * step), 6);
  });
});
