/** Attribution methods against closed forms on hand-made networks. */
import { beforeAll, describe, expect, it } from 'vitest';
import { constant } from '../../src/graph/leaves.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import {
  createExplainer,
  explain,
  methodNames,
  type Completeness,
  type MethodName,
  type MethodOptions,
} from '../../src/explain/index.ts';
import type { Model } from '../../src/model/model.ts';
import { mul } from '../../src/ops/binary.ts';
import { sum } from '../../src/ops/reduce.ts';
import { reshape } from '../../src/ops/reshape.ts';
import { relu, square } from '../../src/ops/unary.ts';
import { spread } from '../support/gradcheck.ts';
import { testEngine } from '../support/engine.ts';
import { compare, tolerance } from '../tolerance.ts';
import { tinyModel } from './tiny_network.ts';

const picture: [number, number, number] = [3, 5, 7];
const size = 105;
const classes = 4;
const weights = spread(classes * size, 5);
const x = spread(size, 6);
const row = (k: number) => weights.subarray(k * size, (k + 1) * size);

/** logits_k = sum_i W_ki f(x_i) */
const readout = (values: Tensor): Tensor => {
  const flat = reshape(values, [values.shape[0]!, 1, size]);
  return sum(mul(flat, constant(weights, [classes, size])), [2]);
};

let linear: Model;
let quadratic: Model;

beforeAll(async () => {
  const engine = await testEngine();
  const metadata = { labels: ['tench', 'goldfish, Carassius auratus', 'shark', 'hen'] };
  linear = tinyModel(engine, { picture, metadata, build: (x) => ({ logits: readout(x) }) });
  quadratic = tinyModel(engine, { picture, build: (x) => ({ logits: readout(square(x)) }) });
});

const near = (actual: ArrayLike<number>, expected: ArrayLike<number>) =>
  expect(compare(actual, expected).maxRel).toBeLessThan(tolerance.op);

const dot = (a: Float32Array, b: Float32Array) => a.reduce((n, v, i) => n + v * b[i]!, 0);

describe('a linear model f_c(x) = w_c x', () => {
  it.each<[MethodName, object]>([
    ['gradient', {}],
    ['smoothgrad', { samples: 5, batch: 2 }],
    ['smoothgrad', { noise: spread(3 * size, 9), batch: 8 }],
  ])('%s is its weights', async (method, options) => {
    const result = await explain(linear, x, { method, target: 2, ...options } as MethodOptions & { target: number });
    expect(result).toMatchObject({ method, shape: picture, target: 2, label: 'shark' });
    near(result.map, row(2));
    near([result.score], [dot(row(2), x)]);
  });

  it('smoothgrad-squared is their square', async () => {
    const result = await explain(linear, x, { method: 'smoothgrad', statistic: 'square', samples: 3, target: 0 });
    near(
      result.map,
      row(0).map((w) => w * w),
    );
  });

  it.each<MethodName>(['input-x-gradient', 'integrated-gradients'])('%s is w_i x_i', async (method) => {
    const options = method === 'integrated-gradients' ? { method, steps: 3 } : { method };
    const result = await explain(linear, x, { ...options, target: 1 } as MethodOptions & { target: number });
    near(
      result.map,
      row(1).map((w, i) => w * x[i]!),
    );
  });

  it('integrated gradients from a baseline b is w_i (x_i - b_i)', async () => {
    const baseline = spread(size, 7);
    const result = await explain(linear, x, {
      method: 'integrated-gradients',
      target: 1,
      steps: 5,
      baselines: baseline,
    });
    near(
      result.map,
      row(1).map((w, i) => w * (x[i]! - baseline[i]!)),
    );
    expect((result.error as Completeness).relativeGap).toBeLessThan(tolerance.longSum);
  });

  it('sum-of-outputs is the sum of the per-class gradients, and names no target', async () => {
    const all = await explain(linear, x, { method: 'sum-of-outputs' });
    const explainer = await createExplainer(linear, { method: 'gradient' });
    const total = new Float32Array(size);
    for (let k = 0; k < classes; k++) (await explainer.run(x, { target: k })).map.forEach((g, i) => (total[i]! += g));
    explainer.dispose();
    near(all.map, total);
    expect(all.target).toBeNull();
    near([all.score], [dot(total, x)]);
  });
});

describe('a quadratic model f_c(x) = sum w_ci x_i^2', () => {
  it('integrated gradients is w_i x_i^2, complete at any number of steps', async () => {
    const explainer = await createExplainer(quadratic, { method: 'integrated-gradients', steps: 3, batch: 2 });
    for (const target of [0, 3]) {
      const { map, error, score } = await explainer.run(x, { target });
      const { difference, gap } = error as Completeness;
      near(
        map,
        row(target).map((w, i) => w * x[i]! * x[i]!),
      );
      near([difference], [score]);
      expect(Math.abs(gap)).toBeLessThan(tolerance.longSum);
    }
    explainer.dispose();
  });

  it('smoothgrad with given noise is 2 w_i (x_i + mean noise_i)', async () => {
    const noise = spread(5 * size, 11);
    const result = await explain(quadratic, x, { method: 'smoothgrad', noise, batch: 2, target: 1 });
    const mean = (i: number) => [0, 1, 2, 3, 4].reduce((n, k) => n + noise[k * size + i]!, 0) / 5;
    near(
      result.map,
      row(1).map((w, i) => 2 * w * (x[i]! + mean(i))),
    );
  });

  it('smoothgrad draws the same noise from the same seed, whatever the batch, with deviation sigma * range', async () => {
    const run = (options: object) =>
      explain(quadratic, x, { method: 'smoothgrad', target: 0, samples: 24, sigma: 0.5, ...options });
    const [first, again, other, other2] = await Promise.all([
      run({ seed: 1 }),
      run({ seed: 1 }),
      run({ seed: 2 }),
      run({ seed: 1, batch: 7 }),
    ]);
    expect(first.map).toEqual(again.map);
    expect(first.map).not.toEqual(other.map);
    near(other2.map, first.map);
    // map_i / (2 w_i) - x_i is the mean of 24 draws: its deviation is sigma * range / sqrt(24).
    const means = Array.from(first.map, (g, i) => g / (2 * row(0)[i]!) - x[i]!);
    const deviation = Math.sqrt(means.reduce((n, m) => n + m * m, 0) / size);
    const range = Math.max(...x) - Math.min(...x);
    expect(deviation / ((0.5 * range) / Math.sqrt(24))).toBeGreaterThan(0.8);
    expect(deviation / ((0.5 * range) / Math.sqrt(24))).toBeLessThan(1.2);
  });
});

describe('Grad-CAM', () => {
  // Two maps of 2x2, A = relu(x): logits_0 = sum u A with u = [[1,2,3,4],[-1,-1,0,0]], logits_1 = -logits_0.
  // a = mean u = [2.5, -0.5]; A = [[1,0,2,3],[4,0,0,8]]; sum a A = [2.5 - 2, 0, 5, 7.5 - 4] = [0.5, 0, 5, 3.5].
  const pixels = Float32Array.of(1, -1, 2, 3, 4, -9, 0, 8);
  const u = Float32Array.of(1, 2, 3, 4, -1, -1, 0, 0);
  const build = (x: Tensor) => {
    const maps = relu(x);
    const first = sum(mul(reshape(maps, [maps.shape[0]!, 1, 8]), constant(u, [1, 8])), [2]);
    return { maps, logits: mul(first, constant([1, -1], [2])) };
  };
  const model = async () => tinyModel(await testEngine(), { picture: [2, 2, 2], build });

  it.each([{ layer: 'maps' }, {}])('weights the maps by their mean gradient: %o', async (options) => {
    const result = await explain(await model(), pixels, { method: 'grad-cam', ...options });
    expect(result.target).toBe(0);
    expect(result.shape).toEqual([1, 2, 2]);
    near(result.map, [0.5, 0, 5, 3.5]);
    near(result.upsampled!, [0.5, 0, 5, 3.5]);
  });

  it('keeps only support for the target unless told otherwise', async () => {
    const against = { method: 'grad-cam', layer: 'maps', target: 1 } as const;
    near((await explain(await model(), pixels, against)).map, [0, 0, 0, 0]);
    near((await explain(await model(), pixels, { ...against, relu: false })).map, [-0.5, 0, -5, -3.5]);
  });

  it('refuses a layer without maps, and one that does not exist', async () => {
    const at = async (layer: string) => explain(await model(), pixels, { method: 'grad-cam', layer });
    await expect(at('logits')).rejects.toMatchObject({ code: 'invalid-argument' });
    await expect(at('layer9')).rejects.toMatchObject({ code: 'unknown-name' });
  });
});

describe('calls', () => {
  it('the target defaults to the largest logit', async () => {
    const logits = Array.from({ length: classes }, (_, k) => dot(row(k), x));
    const { target } = await explain(linear, x, { method: 'gradient' });
    expect(target).toBe(logits.indexOf(Math.max(...logits)));
  });

  it.each([
    ['Shark', 2],
    ['carassius auratus', 1],
    [3, 3],
  ])('target %s is class %i', async (target, index) => {
    expect((await explain(linear, x, { method: 'gradient', target })).target).toBe(index);
  });

  it.each<[string, object, string]>([
    ['an unknown method', { method: 'tarot' }, 'unknown-name'],
    ['a method name of Object.prototype', { method: 'toString' }, 'unknown-name'],
    ['an unknown label', { target: 'unicorn' }, 'unknown-name'],
    ['an index past the end', { target: 4 }, 'unknown-name'],
    ['no steps', { method: 'integrated-gradients', steps: 0 }, 'invalid-argument'],
    ['a batch of a half', { method: 'smoothgrad', batch: 0.5 }, 'invalid-argument'],
    ['sigma 0', { method: 'smoothgrad', sigma: 0 }, 'invalid-argument'],
    ['noise of another size', { method: 'smoothgrad', noise: new Float32Array(7) }, 'shape'],
    ['a baseline of another size', { method: 'integrated-gradients', baselines: new Float32Array(7) }, 'shape'],
  ])('%s is refused', async (_, options, code) => {
    await expect(explain(linear, x, { method: 'gradient', target: 0, ...options } as never)).rejects.toMatchObject({
      code,
    });
  });

  it('the error for an unknown method lists the methods', async () => {
    const unknown = explain(linear, x, { method: 'tarot' as never });
    await expect(unknown).rejects.toThrow(methodNames.join(', '));
  });

  it('a picture of another size, and one with NaN, are refused', async () => {
    await expect(explain(linear, x.subarray(1), { method: 'gradient' })).rejects.toMatchObject({ code: 'shape' });
    const broken = explain(
      quadratic,
      x.map((v, i) => (i === 3 ? NaN : v)),
      { method: 'gradient', target: 0 },
    );
    await expect(broken).rejects.toMatchObject({ code: 'not-finite' });
  });

  it('progress counts up to the total, and an abort between batches stops', async () => {
    const control = new AbortController();
    const seen: number[] = [];
    const run = explain(linear, x, {
      method: 'integrated-gradients',
      steps: 10,
      batch: 3,
      signal: control.signal,
      onProgress: ({ done, total }) => {
        seen.push(done);
        expect(total).toBe(12);
        if (done >= 6) control.abort();
      },
    });
    await expect(run).rejects.toThrow(/abort/i);
    expect(seen).toEqual([3, 6]);
  });

  it('a disposed explainer finishes its runs, takes no more, and leaves no memory behind', async () => {
    const engine = await testEngine();
    const settle = () => new Promise((resolve) => setTimeout(resolve));
    await settle();
    const before = engine.memory;
    const explainer = await createExplainer(linear, { method: 'smoothgrad' });
    const running = explainer.run(x, { target: 0 });
    explainer.dispose();
    expect((await running).target).toBe(0);
    await expect(explainer.run(x)).rejects.toMatchObject({ code: 'disposed' });
    await settle();
    expect(engine.memory).toEqual(before);
  });
});
