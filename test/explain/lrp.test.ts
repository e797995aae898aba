/** Relevance propagation through a dense layer, a ReLU and a classifier, written out rule by rule. */
import { describe, expect, it } from 'vitest';
import { explain, type Completeness, type MethodOptions } from '../../src/explain/index.ts';
import { constant } from '../../src/graph/leaves.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { add, mul } from '../../src/ops/binary.ts';
import { conv2d } from '../../src/ops/conv2d.ts';
import { matmul } from '../../src/ops/matmul.ts';
import { maxPool2d } from '../../src/ops/pool.ts';
import { mean, sum } from '../../src/ops/reduce.ts';
import { reshape } from '../../src/ops/reshape.ts';
import { softmax } from '../../src/ops/softmax.ts';
import { relu, sigmoid } from '../../src/ops/unary.ts';
import { testEngine } from '../support/engine.ts';
import { spread } from '../support/gradcheck.ts';
import { compare, tolerance } from '../tolerance.ts';
import { tinyModel } from './tiny_network.ts';

type Lrp = Omit<Extract<MethodOptions, { method: 'lrp' }>, 'method'>;
const x = [0.8, -0.5, 0.3, 1.1];
const w = Array.from(spread(12, 5)); // [3,4]
const b = [0.2, -0.1, 0.05];
const v = [0.7, 1.3, -0.6]; // logits_0 = v . relu(W x + b), logits_1 = - logits_0

const z = [0, 1, 2].map((o) => x.reduce((n, a, i) => n + a * w[4 * o + i]!, b[o]!));
const a = z.map((t) => Math.max(0, t));
const score = a.reduce((n, t, o) => n + t * v[o]!, 0);
/** Relevance of the hidden units: a v / (sum + tiny) * score = a v. */
const hidden = a.map((t, o) => t * v[o]!);

const dense = async (f: (x: Tensor) => Tensor, picture: [number, number, number] = [4, 1, 1]) =>
  tinyModel(await testEngine(), { picture, build: (x) => ({ logits: f(x) }) });

const model = () =>
  dense((x) => {
    const h = relu(conv2d(x, constant(w, [3, 4, 1, 1]), constant(b)));
    const flat = reshape(h, [x.shape[0]!, 3]);
    return matmul(flat, constant([...v, ...v.map((t) => -t)], [2, 3]), { transposeB: true });
  });

const p = (t: number) => Math.max(0, t);
const n = (t: number) => Math.min(0, t);
/** Contribution of input i to hidden unit o. */
const c = (o: number, i: number) => x[i]! * w[4 * o + i]!;
const over = (o: number, f: (i: number) => number) => [0, 1, 2, 3].reduce((s, i) => s + f(i), 0) + 0 * o;
const safe = (t: number) => (t === 0 ? Infinity : t);

const shares: [string, Lrp, (o: number, i: number) => number][] = [
  ['epsilon', { rule: 'epsilon', epsilon: 0.1 }, (o, i) => c(o, i) / (z[o]! + (z[o]! >= 0 ? 0.1 : -0.1))],
  [
    'gamma',
    { rule: 'gamma', gamma: 0.5 },
    (o, i) => {
      const part = z[o]! >= 0 ? p : n;
      return (c(o, i) + 0.5 * part(c(o, i))) / (z[o]! + 0.5 * (over(o, (k) => part(c(o, k))) + part(b[o]!)));
    },
  ],
  [
    'alpha-beta 2, 1',
    { rule: 'alpha-beta' },
    (o, i) =>
      (2 * p(c(o, i))) / safe(over(o, (k) => p(c(o, k))) + p(b[o]!)) -
      n(c(o, i)) / safe(over(o, (k) => n(c(o, k))) + n(b[o]!)),
  ],
  [
    'alpha-beta 1, 0',
    { rule: 'alpha-beta', alpha: 1 },
    (o, i) => p(c(o, i)) / safe(over(o, (k) => p(c(o, k))) + p(b[o]!)),
  ],
  ['z-plus', { rule: 'z-plus' }, (o, i) => p(c(o, i)) / safe(over(o, (k) => p(c(o, k))))],
  ['w-square', { first: 'w-square' }, (o, i) => w[4 * o + i]! ** 2 / over(o, (k) => w[4 * o + k]! ** 2)],
  ['flat', { first: 'flat' }, () => 1 / 4],
  [
    'box',
    { first: 'box', low: Float32Array.of(-1, -1, -2, -1), high: Float32Array.of(1, 2, 1, 2) },
    (o, i) => {
      const [low, high] = [[-1, -1, -2, -1], [1, 2, 1, 2]]; // prettier-ignore
      const d = (k: number) => c(o, k) - low![k]! * p(w[4 * o + k]!) - high![k]! * n(w[4 * o + k]!);
      return d(i) / over(o, d);
    },
  ],
  [
    'by layer',
    { byLayer: { nothing: 'flat' }, rule: 'z-plus' },
    (o, i) => p(c(o, i)) / safe(over(o, (k) => p(c(o, k)))),
  ],
];

describe('shares of a layer', () => {
  it.each(shares)('%s', async (_, options, share) => {
    const result = await explain(await model(), Float32Array.from(x), { method: 'lrp', target: 0, ...options });
    const expected = x.map((_, i) => hidden.reduce((s, r, o) => s + r * share(o, i), 0));
    expect(compare(result.map, expected).maxRel).toBeLessThan(tolerance.longSum);
    expect(compare([result.score], [score]).maxRel).toBeLessThan(tolerance.op);
  });
});

describe('what is conserved', () => {
  const picture: [number, number, number] = [2, 6, 6];
  const kernel = constant(spread(36, 7), [2, 2, 3, 3]);
  const conv = (t: Tensor) => conv2d(t, kernel, undefined, { pads: [1, 1, 1, 1] });
  const logits = (t: Tensor) => {
    const flat = reshape(mean(t, [2, 3]), [t.shape[0]!, t.shape[1]!]);
    return matmul(flat, constant([1, 0.5], [2, 1]));
  };
  const pixels = spread(72, 9);

  it.each<[string, (x: Tensor) => Tensor]>([
    ['a residual join', (t) => add(relu(conv(t)), relu(conv(relu(conv(t)))))],
    ['max-pool', (t) => maxPool2d(relu(conv(t)), { kernel: [3, 3], strides: [2, 2] })],
    ['a gate', (t) => mul(relu(conv(t)), sigmoid(mean(conv(t), [2, 3], true)))],
  ])('%s, without biases: all of the score', async (_, f) => {
    const m = await dense((t) => logits(f(t)), picture);
    const options = { rule: 'z-plus', first: 'w-square', join: 'positive' } as const;
    const { error } = await explain(m, pixels, { method: 'lrp', ...options, target: (g) => sum(g.logits, [1]) });
    expect((error as Completeness).relativeGap).toBeLessThan(tolerance.longSum);
  });

  it('an op without a rule is refused by name', async () => {
    const m = await dense((t) => logits(softmax(conv(t), 1)), picture);
    await expect(explain(m, pixels, { method: 'lrp', target: (g) => sum(g.logits, [1]) })).rejects.toMatchObject({
      code: 'not-differentiable',
      message: expect.stringMatching(/softmax/),
    });
  });

  it.each<[string, object]>([
    ['a range of another length', { first: 'box', low: Float32Array.of(1) }],
    ['a rule that does not exist', { byLayer: { conv: 'magic' } }],
  ])('%s is refused', async (_, options) => {
    const m = await dense((t) => logits(conv(t)), picture);
    await expect(explain(m, pixels, { method: 'lrp', ...options } as never)).rejects.toMatchObject({
      code: expect.stringMatching(/shape|invalid-argument/),
    });
  });
});
