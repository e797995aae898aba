/** DeepSHAP: closed forms, and completeness where its peers lose it. */
import { describe, expect, it } from 'vitest';
import { explain, type Completeness } from '../../src/explain/index.ts';
import { constant } from '../../src/graph/leaves.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { add, div, mul } from '../../src/ops/binary.ts';
import { conv2d } from '../../src/ops/conv2d.ts';
import { maxPool2d } from '../../src/ops/pool.ts';
import { sum } from '../../src/ops/reduce.ts';
import { reshape } from '../../src/ops/reshape.ts';
import { softmax } from '../../src/ops/softmax.ts';
import { affine, exp, relu, sigmoid, square } from '../../src/ops/unary.ts';
import { spread } from '../support/gradcheck.ts';
import { testEngine } from '../support/engine.ts';
import { compare, tolerance } from '../tolerance.ts';
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
