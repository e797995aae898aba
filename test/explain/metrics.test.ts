/** Measures of maps against closed forms on a linear model, f_k = sum_i w_ki x_i. */
import { beforeAll, describe, expect, it } from 'vitest';
import {
  correlation,
  createExplainer,
  deletion,
  infidelity,
  insertion,
  muFidelity,
  parameterRandomization,
  road,
  sensitivityMax,
  spearman,
  sparseness,
  ssim,
} from '../../src/explain/index.ts';
import { blurred } from '../../src/explain/metrics/removal.ts';
import { impute } from '../../src/explain/metrics/road.ts';
import { constant } from '../../src/graph/leaves.ts';
import type { Model } from '../../src/model/model.ts';
import { mul } from '../../src/ops/binary.ts';
import { sum } from '../../src/ops/reduce.ts';
import { reshape } from '../../src/ops/reshape.ts';
import { testEngine } from '../support/engine.ts';
import { spread } from '../support/gradcheck.ts';
import { embeddedModel } from '../support/golden.ts';
import { compare, tolerance } from '../tolerance.ts';
import { tinyModel } from './tiny_network.ts';

const [h, w] = [4, 5];
const picture: [number, number, number] = [2, h, w];
const size = 40;
const weights = spread(2 * size, 5);
const x = spread(size, 6);
const contribution = Float32Array.from({ length: h * w }, (_, i) =>
  [0, 1].reduce((n, c) => n + weights[c * h * w + i]! * x[c * h * w + i]!, 0),
);
let model: Model;

beforeAll(async () => {
  model = tinyModel(await testEngine(), {
    picture,
    build: (x) => ({ logits: sum(mul(reshape(x, [x.shape[0]!, 1, size]), constant(weights, [2, size])), [2]) }),
  });
});

const near = (actual: ArrayLike<number>, expected: ArrayLike<number>) =>
  expect(compare(actual, expected).maxRel).toBeLessThan(tolerance.longSum);

describe('insertion and deletion', () => {
  const order = Array.from({ length: h * w }, (_, i) => i).sort((a, b) => contribution[b]! - contribution[a]!);
  const after = (k: number) => order.slice(0, k).reduce((n, i) => n + contribution[i]!, 0);
  const total = after(h * w);

  it('the logit after each step is what is left, or what has come', async () => {
    const steps = [0, 3, 6, 9, 12, 15, 18, 20];
    const gone = await deletion(model, x, contribution, 0, { step: 3, output: 'logit', batch: 3 });
    near(gone.values, steps.map((k) => total - after(k))); // prettier-ignore
    near(gone.shares, steps.map((k) => k / 20)); // prettier-ignore
    const come = await insertion(model, x, contribution, 0, {
      step: 3,
      output: 'logit',
      substrate: new Float32Array(size),
    });
    near(come.values, steps.map(after)); // prettier-ignore
    const auc = steps.slice(1).reduce((n, k, i) => n + ((k - steps[i]!) / 20) * ((after(k) + after(steps[i]!)) / 2), 0);
    near([come.auc], [auc]);
  });

  it('the substrate of insertion sums to the kernel inside the picture', () => {
    const one = new Float32Array(2 * 23 * 23);
    one[11 * 23 + 11] = 1;
    const spreadOut = blurred(one, [2, 23, 23]);
    near([spreadOut.reduce((a, b) => a + b, 0)], [1]);
    expect(spreadOut[6 * 23 + 6]).toBeGreaterThan(0);
    expect(spreadOut[5 * 23 + 5]).toBe(0);
  });

  it('a map of another size is refused', async () => {
    await expect(deletion(model, x, new Float32Array(3), 0)).rejects.toMatchObject({ code: 'shape' });
  });
});

describe('fidelity', () => {
  it('infidelity of the gradient of a linear model is 0, of half of it a quarter of the power', async () => {
    const exact = await infidelity(model, x, weights.subarray(0, size), 0, { samples: 4, seed: 1 });
    expect(exact.value).toBeLessThan(1e-8);
    near([exact.beta], [1]);
    const half = await infidelity(model, x, weights.subarray(0, size).map((v) => v / 2), 0, { samples: 4, seed: 1 }); // prettier-ignore
    near([half.beta], [2]);
    expect(half.normalized).toBeLessThan(1e-8);
    expect(half.value).toBeGreaterThan(1e-5);
    const product = weights.subarray(0, size).map((v, i) => v * x[i]!);
    expect((await infidelity(model, x, product, 0, { samples: 4, multipliesInput: true })).value).toBeLessThan(1e-8);
  });

  it('infidelity by squares: contributions foresee all, their opposite nothing, an even map a part', async () => {
    const all = { perturb: 'squares', samples: 20, batch: 7, multipliesInput: true } as const;
    const product = weights.subarray(0, size).map((v, i) => v * x[i]!);
    const of = async (map: Float32Array) => await infidelity(model, x, map, 0, all);
    const exact = await of(product);
    expect(exact.unexplained).toBeLessThan(1e-8);
    near([exact.beta], [1]);
    // Squares are the picture itself: slopes times it are contributions.
    expect((await infidelity(model, x, weights.subarray(0, size), 0, { ...all, multipliesInput: false })).value).toBeLessThan(1e-8); // prettier-ignore
    const opposite = await of(product.map((v) => -v));
    near([opposite.beta, opposite.unexplained], [-1, 1]);
    const even = (await of(new Float32Array(size).fill(1))).unexplained;
    expect(even).toBeGreaterThan(0.1);
    expect(even).toBeLessThanOrEqual(1);
    expect((await of(new Float32Array(size))).unexplained).toBe(1);
    await expect(infidelity(model, x, product, 0, { perturbations: new Float32Array(size + 1) })).rejects.toMatchObject({ code: 'shape' }); // prettier-ignore
  });

  it('sensitivity: the gradient of a linear model does not move; input x gradient moves with the input', async () => {
    using gradient = await createExplainer(model, { method: 'gradient' });
    expect((await sensitivityMax(gradient, x, { samples: 3, target: 0 })).value).toBe(0);
    using product = await createExplainer(model, { method: 'input-x-gradient' });
    const perturbations = Float32Array.of(...x.map((v) => v / 10), ...x.map((v) => v / 5));
    near((await sensitivityMax(product, x, { perturbations, target: 0 })).each, [0.1, 0.2]);
  });

  it('mu-fidelity of the exact contributions is 1, of their negative -1', async () => {
    const options = { samples: 20, cells: 4, share: 0.3, batch: 7 };
    near([await muFidelity(model, x, contribution, 0, options)], [1]);
    near([await muFidelity(model, x, contribution.map((v) => -v), 0, options)], [-1]); // prettier-ignore
  });
});

describe('ROAD', () => {
  it('imputes what solves the mean of the neighbours, and leaves the rest', () => {
    const pixels = spread(2 * 36, 3);
    const removed = new Uint8Array(36);
    for (const i of [0, 7, 8, 14, 21, 35]) removed[i] = 1;
    const filled = impute(pixels, removed, [2, 6, 6]);
    for (let c = 0; c < 2; c++)
      for (let i = 0; i < 36; i++) {
        const value = filled[c * 36 + i]!;
        if (!removed[i]) {
          expect(value).toBe(pixels[c * 36 + i]);
          continue;
        }
        let [total, weight] = [0, 0];
        for (const dy of [-1, 0, 1])
          for (const dx of [-1, 0, 1]) {
            const [y, column] = [Math.floor(i / 6) + dy, (i % 6) + dx];
            if ((dy === 0 && dx === 0) || y < 0 || y > 5 || column < 0 || column > 5) continue;
            const share = dy === 0 || dx === 0 ? 1 / 6 : 1 / 12;
            total += share * filled[c * 36 + 6 * y + column]!;
            weight += share;
          }
        expect(Math.abs(value - total / weight)).toBeLessThan(1e-6);
      }
  });

  it('reports the change of the logit of the imputed picture', async () => {
    const { change, picture: filled } = await road(model, x, contribution, 0, { share: 0.25 });
    near([change], [filled.reduce((n, v, i) => n + weights[i]! * (v - x[i]!), 0)]);
    expect(Array.from(filled).filter((v, i) => v !== x[i]).length).toBe(10);
  });
});

describe('similarity', () => {
  it('Spearman with ties, and of what does not vary', () => {
    // Ranks 1, 2.5, 2.5, 4 and 4, 1, 2, 3: Pearson -1.5 / sqrt(4.5 * 5).
    near([spearman([1, 2, 2, 3], [9, 1, 2, 3])], [-1.5 / Math.sqrt(22.5)]);
    expect(spearman([1, 1], [1, 2])).toBeNaN();
    expect(() => correlation([1], [1, 2])).toThrow(/not comparable/);
  });

  it('ssim of a map with itself is 1; with another, the formula of one window', () => {
    const a = spread(49, 2);
    const b = spread(49, 4);
    near([ssim(a, a, [7, 7])], [1]);
    const mean = (v: Float32Array) => v.reduce((n, t) => n + t, 0) / 49;
    const cov = (p: Float32Array, q: Float32Array) =>
      p.reduce((n, t, i) => n + (t - mean(p)) * (q[i]! - mean(q)), 0) / 48;
    const [c1, c2] = [0.01 ** 2, 0.03 ** 2];
    const expected =
      ((2 * mean(a) * mean(b) + c1) * (2 * cov(a, b) + c2)) /
      ((mean(a) ** 2 + mean(b) ** 2 + c1) * (cov(a, a) + cov(b, b) + c2));
    near([ssim(a, b, [7, 7], { range: 1 })], [expected]);
    expect(() => ssim(a, b, [7, 7], { window: 8 })).toThrow(/window/);
  });

  it('sparseness: 0 for an even map, (n - 1) / n for one pixel', () => {
    near([sparseness([2, -2, 2, 2]) + 1], [1]);
    near([sparseness([0, 0, 5, 0])], [3 / 4]);
    expect(sparseness([0, 0])).toBe(0);
  });
});

describe('parameter randomisation', () => {
  it('goes from the head down, changes the map, and puts every parameter back', async () => {
    const shapes = await embeddedModel(await testEngine());
    const pixels = spread(3 * 64 * 64, 7);
    const before = await shapes.state();
    using explainer = await createExplainer(shapes, { method: 'gradient' });
    const results = await parameterRandomization(explainer, pixels);
    expect(results.map((r) => r.stage)).toEqual(['fc', 'layer4', 'layer3', 'layer2', 'layer1', 'conv1']);
    expect(Math.abs(results.at(-1)!.spearman)).toBeLessThan(0.5);
    expect(await shapes.state()).toEqual(before);
    // Guided backpropagation hardly depends on the classifier and the last stage (Adebayo et al. 2018), gradients do.
    using guided = await createExplainer(shapes, { method: 'guided-backprop' });
    const edges = await parameterRandomization(guided, pixels);
    for (const k of [0, 1]) {
      expect(edges[k]!.spearman).toBeGreaterThan(0.8);
      expect(edges[k]!.spearman).toBeGreaterThan(results[k]!.spearman + 0.1);
    }
    const control = new AbortController();
    const stopped = parameterRandomization(explainer, pixels, {
      signal: control.signal,
      onProgress: () => control.abort(),
    });
    await expect(stopped).rejects.toThrow(/abort/i);
    expect(await shapes.state()).toEqual(before);
    shapes.dispose();
  });
});
