/** Layer and neuron attributions, expected gradients and the noise tunnel on logits_k = sum_i w_ki x_i^2, by hand. */
import { beforeAll, describe, expect, it } from 'vitest';
import { createExplainer, explain, noiseTunnel, type Completeness } from '../../src/explain/index.ts';
import { gaussLegendre, pathRuleNames, pathRules } from '../../src/explain/quadrature.ts';
import { constant } from '../../src/graph/leaves.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import type { Model } from '../../src/model/model.ts';
import { mul } from '../../src/ops/binary.ts';
import { sum } from '../../src/ops/reduce.ts';
import { reshape } from '../../src/ops/reshape.ts';
import { square } from '../../src/ops/unary.ts';
import { spread } from '../support/gradcheck.ts';
import { testEngine } from '../support/engine.ts';
import { compare, tolerance } from '../tolerance.ts';
import { tinyModel } from './tiny_network.ts';

const picture: [number, number, number] = [2, 3, 4];
const size = 24;
const w = spread(2 * size, 5);
const x = spread(size, 6);
const b = spread(size, 8).map((v) => v / 2);
const y = x.map((v) => v * v);
let model: Model;

beforeAll(async () => {
  const build = (x: Tensor) => {
    const squares = square(x);
    const flat = reshape(squares, [x.shape[0]!, 1, size]);
    return { squares, logits: sum(mul(flat, constant(w, [2, size])), [2]) };
  };
  model = tinyModel(await testEngine(), { picture, build });
});

const near = (actual: ArrayLike<number>, expected: ArrayLike<number>) =>
  expect(compare(actual, expected).maxRel).toBeLessThan(tolerance.longSum);
const at = { layer: 'squares', target: 0 } as const;
const weight = (i: number) => w[i]!;
const risen = Float32Array.from({ length: size }, (_, i) => weight(i) * (y[i]! - b[i]! ** 2));

describe('layers', () => {
  it('activation, and activation times gradient', async () => {
    near((await explain(model, x, { method: 'layer-activation', ...at })).map, y);
    near(
      (await explain(model, x, { method: 'layer-gradient-x-activation', ...at })).map,
      y.map((v, i) => weight(i) * v),
    );
  });

  it('internal influence is the mean gradient, here the weights', async () => {
    const result = await explain(model, x, { method: 'internal-influence', ...at, steps: 7, batch: 3, baseline: b });
    near(result.map, w.subarray(0, size));
    expect(result.shape).toEqual(picture);
  });

  it("conductance is the gradient times the layer's rise from the first node to the last", async () => {
    const result = await explain(model, x, { method: 'conductance', ...at, steps: 9, batch: 4, baseline: b });
    const { nodes } = gaussLegendre(10);
    const value = (i: number, a: number) => (b[i]! + a * (x[i]! - b[i]!)) ** 2;
    near(
      result.map,
      x.map((_, i) => weight(i) * (value(i, nodes[9]!) - value(i, nodes[0]!))),
    );
  });

  it('layer integrated gradients are complete: w (y - y_b)', async () => {
    const result = await explain(model, x, { method: 'layer-integrated-gradients', ...at, steps: 3, baseline: b });
    near(result.map, risen);
    expect((result.error as Completeness).relativeGap).toBeLessThan(tolerance.longSum);
  });

  it("neuron conductance is one unit's part: w (x^2 - b^2) at its pixel, 0 elsewhere", async () => {
    const neuron = 'squares[:,1,2,3]';
    const result = await explain(model, x, { method: 'neuron-conductance', neuron, target: 0, steps: 4, baseline: b });
    near(
      result.map,
      risen.map((v, i) => (i === size - 1 ? v : 0)),
    );
    const none = explain(model, x, { method: 'neuron-conductance', target: 0 });
    await expect(none).rejects.toMatchObject({ code: 'invalid-argument' });
  });
});

describe('paths', () => {
  it.each(pathRuleNames)('%s: integrated gradients by this rule', async (rule) => {
    const steps = 6;
    const { nodes, weights } = pathRules[rule](steps);
    const mean = (i: number) =>
      nodes.reduce((n, a, k) => n + weights[k]! * 2 * weight(i) * (b[i]! + a * (x[i]! - b[i]!)), 0);
    const result = await explain(model, x, { method: 'integrated-gradients', target: 0, steps, rule, baselines: b });
    near(
      result.map,
      x.map((v, i) => (v - b[i]!) * mean(i)),
    );
  });

  it('several baselines: the mean over them', async () => {
    const baselines = Float32Array.of(...b, ...new Float32Array(size));
    const result = await explain(model, x, {
      method: 'integrated-gradients',
      target: 0,
      steps: 4,
      baselines,
      batch: 5,
    });
    near(
      result.map,
      x.map((v, i) => weight(i) * (v * v - b[i]! ** 2 / 2)),
    );
    expect((result.error as Completeness).relativeGap).toBeLessThan(tolerance.longSum);
  });

  it('expected gradients at given places', async () => {
    const alphas = Float32Array.of(0, 0.25, 0.5, 0.9, 1);
    const choices = Int32Array.of(0, 1, 0, 1, 0);
    const baselines = Float32Array.of(...b, ...new Float32Array(size));
    const result = await explain(model, x, { method: 'expected-gradients', target: 0, alphas, choices, baselines, batch: 2 }); // prettier-ignore
    const expected = x.map((v, i) => {
      const from = (k: number) => (choices[k] === 0 ? b[i]! : 0);
      return alphas.reduce((n, a, k) => n + ((v - from(k)) * 2 * weight(i) * (from(k) + a * (v - from(k)))) / 5, 0);
    });
    near(result.map, expected);
    expect(result.error.kind).toBe('standard-error');
  });

  it('expected gradients: one seed, one map, whatever the batch; choices outside are refused', async () => {
    const run = (seed: number, batch: number) =>
      explain(model, x, { method: 'expected-gradients', target: 0, samples: 12, seed, batch, smoothing: 0.1 });
    const [first, again, other] = [await run(1, 4), await run(1, 5), await run(2, 4)];
    near(first.map, again.map);
    expect(first.map).not.toEqual(other.map);
    const outside = { alphas: Float32Array.of(0.5), choices: Int32Array.of(1) };
    await expect(explain(model, x, { method: 'expected-gradients', ...outside })).rejects.toMatchObject({
      code: 'invalid-argument',
    });
  });
});

describe('noise', () => {
  it('VarGrad is the variance of the gradients', async () => {
    const noise = spread(4 * size, 11);
    const result = await explain(model, x, { method: 'smoothgrad', noise, statistic: 'variance', target: 0, batch: 3 });
    const expected = x.map((v, i) => {
      const g = [0, 1, 2, 3].map((k) => 2 * weight(i) * (v + noise[k * size + i]!));
      const mean = g.reduce((a, c) => a + c, 0) / 4;
      return g.reduce((a, c) => a + (c - mean) ** 2, 0) / 4;
    });
    expect(compare(result.map, expected).maxRel).toBeLessThan(tolerance.longSum);
  });

  it('noise tunnel over any method: of a linear map the mean is near, the variance that of the noise', async () => {
    using explainer = await createExplainer(model, { method: 'gradient' });
    const clean = await explainer.run(x, { target: 0 });
    const options = { samples: 100, deviation: 0.05, seed: 3 };
    const mean = await noiseTunnel(explainer, x, options, { target: 0 });
    expect(compare(mean.map, clean.map).relL2).toBeLessThan(0.02);
    const { map } = await noiseTunnel(explainer, x, { ...options, statistic: 'variance' }, { target: 0 });
    const expected = x.map((_, i) => (2 * weight(i) * 0.05) ** 2);
    expect(compare(map, expected).relL2).toBeLessThan(0.2);
    await expect(noiseTunnel(explainer, x, { samples: 0 })).rejects.toMatchObject({ code: 'invalid-argument' });
  });
});
