/**
 * Class activation maps against their formulas, on a network whose activations and gradients are known:
 * A = relu(x) [2,2,2], logits_0 = sum u A + (sum A_0)^2 / 10, so g_0 = u + 0.2 sum A_0 for channel 0, and u for channel 1.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { explain, type MethodOptions } from '../../src/explain/index.ts';
import { principalComponent } from '../../src/explain/principal_component.ts';
import { constant } from '../../src/graph/leaves.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import type { Model } from '../../src/model/model.ts';
import { add, mul } from '../../src/ops/binary.ts';
import { sum } from '../../src/ops/reduce.ts';
import { reshape } from '../../src/ops/reshape.ts';
import { slice } from '../../src/ops/slice.ts';
import { affine, relu, square } from '../../src/ops/unary.ts';
import { testEngine } from '../support/engine.ts';
import { spread } from '../support/gradcheck.ts';
import { compare, tolerance } from '../tolerance.ts';
import { tinyModel } from './tiny_network.ts';

const pixels = Float32Array.of(1, -1, 2, 3, 4, -9, 0.5, 8);
const u = Float32Array.of(1, 2, -3, 4, -1, -1, 2, 0.5);
const A = pixels.map((v) => Math.max(0, v));
const S = A[0]! + A[1]! + A[2]! + A[3]!;
const g = u.map((v, i) => (i < 4 ? v + 0.2 * S : v));
const f = (a: ArrayLike<number>) => {
  const total = [0, 1, 2, 3].reduce((n, i) => n + a[i]!, 0);
  return u.reduce((n, v, i) => n + v * a[i]!, 0) + total ** 2 / 10;
};
let model: Model;

beforeAll(async () => {
  const build = (x: Tensor) => {
    const n = x.shape[0]!;
    const maps = relu(x);
    const linear = sum(mul(reshape(maps, [n, 1, 8]), constant(u, [1, 8])), [2]);
    const first = sum(reshape(slice(maps, [0, 0, 0, 0], [n, 1, 2, 2]), [n, 1, 4]), [2]);
    const score = add(linear, affine(square(first), 0.1));
    return { maps, logits: mul(score, constant([1, -1], [2])) };
  };
  model = tinyModel(await testEngine(), { picture: [2, 2, 2], build });
});

const near = (actual: ArrayLike<number>, expected: ArrayLike<number>) =>
  expect(compare(actual, expected).maxRel).toBeLessThan(tolerance.longSum);
const over = (k: number, value: (i: number) => number) => [0, 1, 2, 3].reduce((n, i) => n + value(4 * k + i), 0);
/** sum_k w_k A_k */
const weighted = (w: (k: number) => number) => [0, 1, 2, 3].map((i) => w(0) * A[i]! + w(1) * A[4 + i]!);
/** sum_k of what each element gives */
const summed = (value: (i: number) => number) => [0, 1, 2, 3].map((i) => value(i) + value(4 + i));

const alpha = (i: number) => {
  const total = over(Math.floor(i / 4), (j) => A[j]!);
  return g[i]! ** 2 / (2 * g[i]! ** 2 + total * g[i]! ** 3 + 1e-6);
};

describe('signed maps', () => {
  it.each<[string, number[]]>([
    ['grad-cam', weighted((k) => over(k, (i) => g[i]!) / 4)],
    ['grad-cam++', weighted((k) => over(k, (i) => alpha(i) * Math.max(0, g[i]!)))],
    ['hires-cam', summed((i) => A[i]! * g[i]!)],
    ['layer-cam', summed((i) => A[i]! * Math.max(0, g[i]!))],
    ['elementwise-cam', summed((i) => Math.max(0, A[i]! * g[i]!))],
    ['xgrad-cam', weighted((k) => over(k, (i) => g[i]! * A[i]!) / (over(k, (i) => A[i]!) + 1e-7))],
    ['ablation-cam', weighted((k) => (f(A) - f(A.map((v, i) => (Math.floor(i / 4) === k ? 0 : v)))) / f(A))],
  ])('%s', async (method, expected) => {
    const options = { method, layer: 'maps', relu: false, target: 0 } as MethodOptions & { target: number };
    const result = await explain(model, pixels, options);
    near(result.map, expected);
    near([result.score], [f(A)]);
    const positive = await explain(model, pixels, { ...options, relu: true } as typeof options);
    near(
      positive.map,
      expected.map((v) => Math.max(0, v)),
    );
  });

  it('score-cam: softmax of the scores of x seen through each scaled channel', async () => {
    const masks = [0, 1].map((k) => {
      const values = Array.from(A.subarray(4 * k, 4 * k + 4));
      const low = Math.min(...values);
      return values.map((v) => (v - low) / (Math.max(...values) - low));
    });
    const scores = masks.map((m) => f(pixels.map((v, i) => Math.max(0, v * m[i % 4]!))));
    const total = scores.reduce((n, s) => n + Math.exp(s - Math.max(...scores)), 0);
    const weights = scores.map((s) => Math.exp(s - Math.max(...scores)) / total);
    const result = await explain(model, pixels, {
      method: 'score-cam',
      layer: 'maps',
      relu: false,
      target: 0,
      batch: 3,
    });
    near(
      result.map,
      weighted((k) => weights[k]!),
    );
  });

  it('augmentSmooth is the mean over the mirror image and three factors', async () => {
    const cam = (x: Float32Array) => explain(model, x, { method: 'hires-cam', layer: 'maps', relu: false, target: 0 });
    const mirror = (v: Float32Array) => v.map((_, i) => v[i ^ 1]!);
    const expected = new Float64Array(4);
    for (const factor of [0.9, 1, 1.1]) {
      const x = pixels.map((v) => v * factor);
      (await cam(x)).map.forEach((v, i) => (expected[i]! += v / 6));
      mirror((await cam(mirror(x))).map).forEach((v, i) => (expected[i]! += v / 6));
    }
    const smooth = await explain(model, pixels, { method: 'hires-cam', layer: 'maps', relu: false, augmentSmooth: true, target: 0 }); // prettier-ignore
    near(smooth.map, expected);
  });
});

describe('principal component', () => {
  it('of a matrix of rank 1 after centring is that matrix along its own direction', () => {
    const direction = spread(5, 3);
    const profile = [3, -1, 2, 0.5, -2, 1];
    const mean = profile.reduce((a, b) => a + b, 0) / 6;
    const activations = Float32Array.from(
      { length: 30 },
      (_, i) => direction[Math.floor(i / 6)]! * profile[i % 6]! + 7,
    );
    const length = Math.hypot(...direction);
    const sign = direction.reduce((a, b) => a + b, 0) > 0 ? 1 : -1;
    near(
      principalComponent(activations, 6),
      profile.map((v) => sign * length * (v - mean)),
    );
  });

  it('of constant activations is zero', () => {
    expect(Array.from(principalComponent(new Float32Array(12).fill(3), 4))).toEqual([0, 0, 0, 0]);
  });

  it('eigen-cam at a layer of two channels', async () => {
    const { map } = await explain(model, pixels, { method: 'eigen-cam', layer: 'maps', relu: false });
    near(map, principalComponent(A, 4));
  });

  it('eigen smoothing: that of the weighted activations, whatever weighs them', async () => {
    const { map } = await explain(model, pixels, { method: 'hires-cam', target: 0, layer: 'maps', relu: false, eigenSmooth: true }); // prettier-ignore
    near(map, principalComponent(A.map((v, i) => v * g[i]!), 4)); // prettier-ignore
  });
});

it('guided backpropagation and deconvnet differ from the gradient where a ReLU is closed or a gradient negative', async () => {
  const run = async (method: 'gradient' | 'guided-backprop' | 'deconvnet') =>
    (await explain(model, pixels, { method, target: 0 })).map;
  const open = (i: number) => (pixels[i]! > 0 ? 1 : 0);
  near(await run('gradient'), g.map((v, i) => v * open(i))); // prettier-ignore
  near(await run('guided-backprop'), g.map((v, i) => Math.max(0, v) * open(i))); // prettier-ignore
  near(await run('deconvnet'), g.map((v) => Math.max(0, v))); // prettier-ignore
});
