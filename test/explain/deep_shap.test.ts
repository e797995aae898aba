/** DeepSHAP: closed forms, and completeness where its peers lose it. */
import { describe, expect, it } from 'vitest';
import { explain, type Completeness } from '../../src/explain/index.ts';
import { constant } from '../../src/graph/leaves.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { add, div, mul, sub } from '../../src/ops/binary.ts';
import { conv2d } from '../../src/ops/conv2d.ts';
import { maxPool2d } from '../../src/ops/pool.ts';
import { sum } from '../../src/ops/reduce.ts';
import { reshape } from '../../src/ops/reshape.ts';
import { softmax } from '../../src/ops/softmax.ts';
import { affine, exp, relu, sigmoid, square } from '../../src/ops/unary.ts';
import { spread } from '../support/gradcheck.ts';
import { testEngine } from '../support/engine.ts';
import { compare, tolerance } from '../tolerance.ts';
import { pictureLike, residualModel } from './residual_network.ts';
import { tinyModel } from './tiny_network.ts';

const picture: [number, number, number] = [2, 7, 6];
const size = 84;
const x = spread(size, 3);
const baselines = Float32Array.of(...spread(size, 4), ...spread(size, 8).map((v) => v / 2));

/** One logit: the sum of what `f` makes of the picture. */
const model = async (f: (x: Tensor) => Tensor) =>
  tinyModel(await testEngine(), {
    picture,
    build: (x) => ({ logits: sum(reshape(f(x), [x.shape[0]!, 1, -1]), [2]) }),
  });
const run = async (f: (x: Tensor) => Tensor, given: Float32Array = baselines) =>
  explain(await model(f), x, { method: 'deep-shap', target: 0, baselines: given });

describe('deep-shap', () => {
  it('elementwise: f(x_i) - f(r_i), the mean over baselines', async () => {
    const { map, error } = await run((t) => relu(affine(t, 2, 0.1)));
    const f = (v: number) => Math.max(0, 2 * v + 0.1);
    const expected = x.map((v, i) => f(v) - (f(baselines[i]!) + f(baselines[size + i]!)) / 2);
    expect(compare(map, expected).maxRel).toBeLessThan(tolerance.op);
    expect((error as Completeness).relativeGap).toBeLessThan(tolerance.longSum);
  });

  it('a picture equal to its baseline gives zeros, and no NaN', async () => {
    const pool = (t: Tensor) => maxPool2d(t, { kernel: [2, 2], strides: [1, 1] });
    const { map } = await run((t) => pool(mul(relu(t), sigmoid(t))), x);
    expect(Array.from(map).every((v) => v === 0)).toBe(true);
  });

  it('a product of two functions of the picture shares evenly: x^2 by mul is (x - r)(x + r)', async () => {
    const { map } = await run((t) => mul(t, t), baselines.subarray(0, size));
    const expected = x.map((v, i) => v * v - baselines[i]! ** 2);
    expect(compare(map, expected).maxRel).toBeLessThan(tolerance.op);
  });

  const w = constant(spread(3 * 2 * 9, 5), [3, 2, 3, 3]);
  const conv = (t: Tensor) => conv2d(t, w, undefined, { pads: [1, 1, 1, 1] });
  it.each<[string, (x: Tensor) => Tensor]>([
    ['overlapping max-pool', (t) => maxPool2d(conv(t), { kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] })],
    ['a residual join', (t) => add(relu(conv(t)), relu(conv(relu(t))))],
    ['one ReLU twice', (t) => relu(conv(relu(t)))],
    ['a gate', (t) => mul(conv(t), sigmoid(sum(conv(t), [2, 3], true)))],
    ['a quotient', (t) => div(conv(t), affine(square(conv(t)), 1, 1))],
    ['an exponential', (t) => exp(conv(t))],
  ])('%s: complete', async (_, f) => {
    const { error, score } = await run(f);
    expect(Math.abs((error as Completeness).gap)).toBeLessThan(tolerance.longSum * Math.max(1, Math.abs(score)));
  });

  it('an op without a rule is refused by name', async () => {
    await expect(run((t) => softmax(t, 1))).rejects.toMatchObject({
      code: 'not-differentiable',
      message: expect.stringMatching(/no rule for softmax/),
    });
  });

  it('baselines of another size are refused', async () => {
    await expect(run((t) => t, new Float32Array(3))).rejects.toMatchObject({ code: 'shape' });
  });
});

describe('RevealCancel', () => {
  const rule = 'reveal-cancel';
  const values = (v: number[]) => Float32Array.from(v);

  it.each([
    [3, 1],
    [1, 3],
    [2, 2],
  ])('min(%i, %i) as x - relu(x - y): half of it to each, where rescale gives all to the smaller', async (a, b) => {
    const least = tinyModel(await testEngine(), {
      picture: [2, 1, 1],
      build(x) {
        const [first, difference] = [[1, 0], [1, -1]].map((w) => conv2d(x, constant(w, [1, 2, 1, 1]))) as [Tensor, Tensor]; // prettier-ignore
        return { logits: reshape(sub(first, relu(difference)), [x.shape[0]!, 1]) };
      },
    });
    const pixels = values([a, b]);
    const { map } = await explain(least, pixels, { method: 'deep-shap', target: 0, rule });
    expect(compare(map, values([Math.min(a, b) / 2, Math.min(a, b) / 2])).maxRel).toBeLessThan(tolerance.op);
    const rescaled = (await explain(least, pixels, { method: 'deep-shap', target: 0 })).map;
    if (a !== b) expect(rescaled[a < b ? 0 : 1]).toBeCloseTo(Math.min(a, b), 5);
  });

  it('two layers by hand, in float64', async () => {
    const [w1, bias, w2] = [spread(3 * 4, 5), spread(3, 6), spread(3, 7)];
    const pixels = spread(4, 8);
    const from = Float32Array.of(-0.4, 0.6, 0.1, 0.9);
    const model = tinyModel(await testEngine(), {
      picture: [4, 1, 1],
      build(x) {
        const hidden = sigmoid(conv2d(x, constant(w1, [3, 4, 1, 1]), constant(bias)));
        return { logits: reshape(conv2d(hidden, constant(w2, [1, 3, 1, 1])), [x.shape[0]!, 1]) };
      },
    });
    const expected = new Float64Array(4);
    const f = (v: number) => 1 / (1 + Math.exp(-v));
    for (let o = 0; o < 3; o++) {
      const c = Array.from(pixels, (v, i) => w1[4 * o + i]! * (v - from[i]!));
      const [up, down] = [1, -1].map((s) => c.reduce((n, v) => n + (s * v > 0 ? v : 0), 0)) as [number, number];
      const z = from.reduce((n, v, i) => n + w1[4 * o + i]! * v, bias[o]!);
      const rise = (f(z + up) - f(z) + f(z + up + down) - f(z + down)) / 2;
      const fall = (f(z + down) - f(z) + f(z + up + down) - f(z + up)) / 2;
      c.forEach((v, i) => (expected[i]! += w2[o]! * v * (v > 0 ? rise / up : fall / down)));
    }
    const { map } = await explain(model, pixels, { method: 'deep-shap', target: 0, rule, baselines: from });
    expect(compare(map, expected).maxRel).toBeLessThan(tolerance.longSum);
  });

  it('what it has no rule for is refused by name', async () => {
    const squared = await model((t) => mul(t, t));
    await expect(explain(squared, x, { method: 'deep-shap', target: 0, rule })).rejects.toMatchObject({
      code: 'not-differentiable',
      message: expect.stringMatching(/RevealCancel has no rule for mul/),
      remedy: expect.stringMatching(/rescale/),
    });
  });
});

describe('a residual network', () => {
  it.each(['rescale', 'reveal-cancel'] as const)('%s: complete at the pixels and at every layer', async (rule) => {
    const network = residualModel(await testEngine());
    const pixels = pictureLike(3);
    const baselines = Float32Array.of(...pictureLike(4).map((v) => v / 3), ...new Float32Array(pixels.length));
    for (const layer of [undefined, 'stem', 'pool', 'layer1', 'layer2']) {
      const options = { method: 'deep-shap', target: 1, rule, baselines, ...(layer && { layer }) } as const;
      const { map, shape, error } = await explain(network, pixels, options);
      expect(shape[0]).toBe({ stem: 6, pool: 6, layer1: 6, layer2: 8 }[layer as 'stem'] ?? 3);
      expect(map.length).toBe(shape[0] * shape[1] * shape[2]);
      expect((error as Completeness).relativeGap, layer ?? 'pixels').toBeLessThan(tolerance.miniGradient);
    }
  });
});
