/**
 * What the methods promise: completeness, sensitivity, implementation invariance (Sundararajan, Taly, Yan 2017,
 * arXiv:1703.01365), Shapley's axioms, and conservation of relevance at every layer (Bach et al. 2015).
 */
import { beforeAll, describe, expect, it } from 'vitest';
import {
  createExplainer,
  explain,
  methodNames,
  type Completeness,
  type MethodName,
  type MethodOptions,
} from '../../src/explain/index.ts';
import { constant } from '../../src/graph/leaves.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import type { Model } from '../../src/model/model.ts';
import { add, mul, sub } from '../../src/ops/binary.ts';
import { concat } from '../../src/ops/concat.ts';
import { avgPool2d } from '../../src/ops/pool.ts';
import { mean, sum } from '../../src/ops/reduce.ts';
import { reshape } from '../../src/ops/reshape.ts';
import { slice } from '../../src/ops/slice.ts';
import { abs, affine, neg, relu } from '../../src/ops/unary.ts';
import { testEngine } from '../support/engine.ts';
import { spread } from '../support/gradcheck.ts';
import { compare, tolerance } from '../tolerance.ts';
import { optionsOf } from './quick.ts';
import { pictureLike, residualModel, unfused } from './residual_network.ts';
import { tinyModel } from './tiny_network.ts';

const x = pictureLike(3);
const baselines = Float32Array.of(...pictureLike(4).map((v) => v / 4), ...new Float32Array(x.length));
let model: Model;
let plain: Model;

beforeAll(async () => {
  const engine = await testEngine();
  model = residualModel(engine);
  plain = residualModel(engine, { bias: 0 });
});

const total = (map: ArrayLike<number>) => Array.prototype.reduce.call(map, (n: any, v: any) => n + v, 0) as number;

describe('completeness: the map adds up to f(x) - f(baseline)', () => {
  const pair = { baselines };
  it.each<[string, MethodOptions, number]>([
    ['deep-shap, two baselines', { method: 'deep-shap', ...pair }, 1e-4],
    ['integrated gradients, two baselines', { method: 'integrated-gradients', ...pair, steps: 200, batch: 50 }, 2e-2],
    ['layer integrated gradients', { method: 'layer-integrated-gradients', layer: 'layer1', steps: 200, batch: 50 }, 2e-2], // prettier-ignore
    ['exact SHAP', { method: 'exact-shap', cells: 2 }, 1e-5],
    ['kernel SHAP, all coalitions', { method: 'kernel-shap', cells: 2 }, 1e-5],
    ['partition SHAP', { method: 'partition-shap', maxEvals: 30, blurSize: 5 }, 1e-5],
  ] as [string, MethodOptions, number][])('%s', async (_, options, limit) => {
    const { map, error, score, regions } = await explain(model, x, { ...options, target: 1 });
    const { sum, difference, relativeGap } = error as Completeness;
    expect(sum).toBeCloseTo(total(regions?.values ?? map), 3);
    expect(Math.abs(difference)).toBeGreaterThan(0.05);
    expect(Math.abs(difference)).not.toBe(Math.abs(score));
    expect(relativeGap).toBeLessThan(limit);
  });

  it('the gap that a map reports is the difference that the model itself gives', async () => {
    const scoreOf = async (picture: Float32Array) =>
      (await explain(model, picture, { method: 'gradient', target: 2 })).score;
    const { error } = await explain(model, x, { method: 'deep-shap', baselines, target: 2 });
    const from = ((await scoreOf(baselines.subarray(0, x.length))) + (await scoreOf(new Float32Array(x.length)))) / 2;
    expect((error as Completeness).difference).toBeCloseTo((await scoreOf(x)) - from, 4);
  });
});

describe('conservation of relevance, joins included', () => {
  const rules: [string, object][] = [
    ['the default', {}],
    ['epsilon, joined signed', { rule: 'epsilon', epsilon: 1e-9 }],
    ['epsilon, joined absolute', { rule: 'epsilon', epsilon: 1e-9, join: 'absolute' }],
    ['epsilon, joined positive', { rule: 'epsilon', epsilon: 1e-9, join: 'positive' }],
    ['gamma', { rule: 'gamma', join: 'positive' }],
  ];
  it.each(rules)('%s: the sum at every layer is the score, without biases', async (_, options) => {
    for (const layer of [undefined, 'stem', 'pool', 'layer1', 'layer2']) {
      const at = { method: 'lrp', target: 0, ...options, ...(layer && { layer }) } as const;
      const { map, score } = await explain(plain, x, at);
      expect(Math.abs(total(map) - score) / Math.abs(score), layer ?? 'pixels').toBeLessThan(2e-3);
    }
  });

  it("by default all biases are passed but the classifier's, whose share is lost", async () => {
    const headBias = [0, 1, 2].map((k) => 0.2 * spread(3, 72)[k]!);
    for (const target of [0, 1, 2]) {
      const { error } = await explain(model, x, { method: 'lrp', target });
      expect((error as Completeness).gap, `class ${target}`).toBeCloseTo(-headBias[target]!, 4);
    }
  });

  it('what biases absorb is the reported gap', async () => {
    const { map, score, error } = await explain(model, x, { method: 'lrp', target: 0, rule: 'epsilon', epsilon: 1e-9 });
    expect((error as Completeness).gap).toBeCloseTo(total(map) - score, 4);
    expect(Math.abs((error as Completeness).gap)).toBeGreaterThan(1e-2);
  });
});

describe('sensitivity', () => {
  /** f = 1 - relu(1 - x_0), flat above 1, where the gradient is 0. */
  const saturating = async () =>
    tinyModel(await testEngine(), {
      picture: [1, 2, 2],
      build(x) {
        const first = reshape(slice(x, [0, 0, 0, 0], [x.shape[0]!, 1, 1, 1]), [x.shape[0]!, 1]);
        return { logits: affine(relu(affine(first, -1, 1)), -1, 1) };
      },
    });
  const picture = Float32Array.of(2, 0.3, 0.4, 0.5);

  it.each<[string, MethodOptions, number]>([
    ['gradient misses it', { method: 'gradient' }, 0],
    ['input-x-gradient misses it', { method: 'input-x-gradient' }, 0],
    ['integrated gradients', { method: 'integrated-gradients', steps: 400, batch: 100 }, 1],
    ['deep-shap', { method: 'deep-shap' }, 1],
    ['exact SHAP', { method: 'exact-shap', cells: 2, hide: 'zero' }, 1],
    ['occlusion', { method: 'occlusion', window: 1, stride: 1 }, 1],
  ])('a pixel that alone changes the score from the baseline: %s', async (_, options, expected) => {
    const { map } = await explain(await saturating(), picture, { ...options, target: 0 });
    expect(map[0]).toBeCloseTo(expected, 1);
    expect(Array.from(map.subarray(1)).every((v) => Math.abs(v) < 1e-6)).toBe(true);
  });

  it('a pixel that the network does not read gets nothing, from any method that speaks of pixels', async () => {
    // The left half only, of a network that is not linear.
    const half = tinyModel(await testEngine(), {
      picture: [3, 16, 16],
      build(x) {
        const left = slice(x, [0, 0, 0, 0], [x.shape[0]!, 3, 16, 8]);
        const values = relu(affine(left, 2, 0.1));
        const logits = mean(mul(values, values), [2, 3]);
        return { values, logits };
      },
    });
    const pixelwise = methodNames.filter((name) =>
      /^(gradient|guided-backprop|deconvnet|sum-of|input-x|smooth|integrated|expected|deep|occlusion|.*-shap)$/.test(
        name,
      ),
    );
    for (const method of pixelwise) {
      // Regions that the border of the half does not cut.
      const aligned = { occlusion: { window: 4, stride: 4 }, 'kernel-shap': { cells: 4 } }[method as string] ?? {};
      const { map, shape } = await explain(half, x, { ...optionsOf(method), ...aligned, target: 0 });
      const right = map.filter((_, i) => i % shape[2] >= shape[2] / 2);
      expect(Math.max(...right.map(Math.abs)), method).toBeLessThan(1e-6);
      expect(total(map.map(Math.abs)), method).toBeGreaterThan(0.01);
    }
  });
});

describe('implementation invariance', () => {
  // One of each way in which methods compute.
  const engines: MethodName[] = [
    ...(['gradient', 'guided-backprop', 'integrated-gradients', 'deep-shap', 'lrp', 'grad-cam', 'full-grad'] as const),
    ...([
      'neuron-conductance',
      'layer-integrated-gradients',
      'kernel-shap',
      'rise',
      'meaningful-perturbation',
    ] as const),
  ];
  it.each(engines)('%s: fused and unfused graphs give one map', async (method) => {
    const engine = await testEngine();
    const [a, b] = [residualModel(engine), residualModel(unfused(engine))];
    const given = { ...optionsOf(method), target: 1 } as never;
    const [fused, single] = [await explain(a, x, given), await explain(b, x, given)];
    expect(total(fused.map.map(Math.abs))).toBeGreaterThan(0);
    expect(compare(single.map, fused.map).relL2).toBeLessThan(tolerance.miniGradient);
  });

  it.each<MethodName>(['gradient', 'input-x-gradient', 'integrated-gradients', 'deep-shap', 'lrp', 'grad-cam', 'kernel-shap'])(
    '%s: a BatchNorm folded into its convolution changes nothing',
    async (method) => {
      const folded = residualModel(await testEngine(), { norm: 'folded' });
      const given = { ...optionsOf(method), target: 1 } as never;
      const [kept, other] = [await explain(model, x, given), await explain(folded, x, given)];
      expect(compare(other.map, kept.map).relL2).toBeLessThan(tolerance.miniGradient);
    },
  ); // prettier-ignore

  it('gradient and integrated gradients: |x| as two ReLUs', async () => {
    const engine = await testEngine();
    const forms = [abs, (t: Tensor) => add(relu(t), relu(neg(t)))].map((f) =>
      tinyModel(engine, { picture: [3, 16, 16], build: (x) => ({ logits: sum(f(affine(x, 1, 0.1)), [2, 3]) }) }),
    );
    for (const method of ['gradient', 'integrated-gradients'] as const) {
      const [a, b] = await Promise.all(forms.map((form) => explain(form, x, { method, target: 0 })));
      expect(compare(a!.map, b!.map).relL2).toBeLessThan(tolerance.longSum);
    }
  });
});

describe("Shapley's axioms", () => {
  // Four segments of ones, s_i their means. f_0 = s_0 s_1 + 2 s_2: 0 and 1 are alike, 3 does nothing. f_2 = f_0 + f_1.
  const picture = new Float32Array(16).fill(1);
  let game: Model;
  beforeAll(async () => {
    game = tinyModel(await testEngine(), {
      picture: [1, 4, 4],
      build(x) {
        const means = reshape(avgPool2d(x, { kernel: [2, 2], strides: [2, 2] }), [x.shape[0]!, 4]);
        const s = [0, 1, 2, 3].map((i) => slice(means, [0, i], [x.shape[0]!, 1]));
        const f = add(mul(s[0]!, s[1]!), affine(s[2]!, 2));
        const g = relu(sub(add(affine(s[0]!, 3), mul(s[1]!, s[2]!)), constant([1])));
        return { logits: concat([f, g, add(f, g)], 1) };
      },
    });
  });
  const methods: [MethodName, object][] = [
    ['exact-shap', {}],
    ['kernel-shap', {}],
    ['permutation-shap', { permutations: 12 }],
    ['sampling-shap', { samples: 300 }],
  ];
  it.each(methods)('%s', async (method, options) => {
    const sampled = method.startsWith('sampling') || method.startsWith('permutation');
    const explainer = await createExplainer(game, { method, ...options, cells: 2, hide: 'zero' } as unknown as MethodOptions); // prettier-ignore
    const [f, g, both] = (await explainer.runEach(picture, [0, 1, 2])).map((a) => a.regions!.values);
    explainer.dispose();
    const close = (actual: number, expected: number, slack = 1e-4) =>
      expect(Math.abs(actual - expected)).toBeLessThan(slack);
    // Efficiency, dummy, linearity: exact even where orders are sampled. Symmetry: in the mean.
    if (method !== 'sampling-shap') close(total(f!), 3);
    close(f![3]!, 0);
    f!.forEach((v, i) => close(v + g![i]!, both![i]!));
    close(f![0]!, f![1]!, sampled ? 0.1 : 1e-4);
    close(f![0]!, 0.5, sampled ? 0.1 : 1e-4);
    close(f![2]!, 2);
  });
});
