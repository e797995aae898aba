/** What can be explained: classes, units, functions of the graph; several pictures, several targets. */
import { beforeAll, describe, expect, it } from 'vitest';
import { createExplainer, explain, type MethodOptions, type Target } from '../../src/explain/index.ts';
import { constant } from '../../src/graph/leaves.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import type { Model } from '../../src/model/model.ts';
import { mul } from '../../src/ops/binary.ts';
import { sum } from '../../src/ops/reduce.ts';
import { reshape } from '../../src/ops/reshape.ts';
import { slice } from '../../src/ops/slice.ts';
import { square } from '../../src/ops/unary.ts';
import { testEngine } from '../support/engine.ts';
import { compare, tolerance } from '../tolerance.ts';
import { tinyModel } from './tiny_network.ts';

const size = 8;
const w = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, -1, 1, -1, 1, -1, 1, -1, 1, 0, 0, 0, 0, 9, 9, 9, 9);
const x = Float32Array.of(1, -1, 2, 0.5, -2, 1, 0.25, 3);
const y = x.map((v) => v + 1);
let model: Model;

beforeAll(async () => {
  const build = (x: Tensor) => {
    const squares = square(x);
    const flat = reshape(x, [x.shape[0]!, 1, size]);
    return { squares, logits: sum(mul(flat, constant(w, [3, size])), [2]) };
  };
  model = tinyModel(await testEngine(), { picture: [2, 2, 2], build, metadata: { labels: ['a', 'squares', 'c'] } });
});

const near = (actual: ArrayLike<number>, expected: ArrayLike<number>) =>
  expect(compare(actual, expected).maxRel).toBeLessThan(tolerance.op);

describe('targets', () => {
  it('a unit: the sum of one channel of a layer', async () => {
    const result = await explain(model, x, { method: 'gradient', target: 'squares[:,1]' });
    near(
      result.map,
      x.map((v, i) => (i < 4 ? 0 : 2 * v)),
    );
    near([result.score], [x.subarray(4).reduce((n, v) => n + v * v, 0)]);
    expect(result).toMatchObject({ target: null, label: 'squares[:,1]' });
  });

  it('a function of the graph', async () => {
    const target = ({ input }: { input: Tensor }) => sum(square(input), [1, 2, 3]);
    near(
      (await explain(model, x, { method: 'gradient', target })).map,
      x.map((v) => 2 * v),
    );
  });

  it('a label goes before a layer of the same name', async () => {
    expect((await explain(model, x, { method: 'gradient', target: 'squares' })).target).toBe(1);
  });

  it('probability: the gradient of softmax, p_c (w_c - sum_k p_k w_k)', async () => {
    const small = x.map((v) => v / 20);
    const logits = [0, 1, 2].map((k) => small.reduce((n, v, i) => n + v * w[k * size + i]!, 0));
    const total = logits.reduce((n, l) => n + Math.exp(l), 0);
    const p = logits.map((l) => Math.exp(l) / total);
    const mean = small.map((_, i) => p.reduce((n, q, k) => n + q * w[k * size + i]!, 0));
    const result = await explain(model, small, { method: 'gradient', output: 'probability', target: 0 });
    near([result.score], [p[0]!]);
    near(
      result.map,
      small.map((_, i) => p[0]! * (w[i]! - mean[i]!)),
    );
  });

  it.each([
    ['an index outside', 'squares[:,2]', 'shape'],
    ['a name that is neither class nor value', 'circles', 'unknown-name'],
    ['a value without the batch axis', 'squares[0]', 'shape'],
  ])('%s is refused', async (_, target, code) => {
    await expect(explain(model, x, { method: 'gradient', target })).rejects.toMatchObject({ code });
  });
});

/** One value, as it can be asked for. */
const logit = (k: number) => (graph: { logits: Tensor }) => slice(graph.logits, [0, k], [graph.logits.shape[0]!, 1]);
const forms: [string, Target][] = [
  ['an index', 1],
  ['a label', 'squares'],
  ['a label of other case', 'SQUARES'],
  ['a unit', 'logits[:,1]'],
  ['a function of the graph', logit(1)],
];

describe.each<MethodOptions['method']>(['gradient', 'integrated-gradients', 'deep-shap', 'exact-shap'])(
  '%s',
  (method) => {
    const options = { method, ...(method === 'exact-shap' && { cells: 2, hide: 'zero' }) } as MethodOptions;
    const expected = () => w.subarray(size, 2 * size).map((v, i) => (method === 'gradient' ? v : v * x[i]!));
    it.each(forms)('%s: the same map of the same value, alone and among several', async (_, target) => {
      const one = await explain(model, x, { ...options, target });
      const among = await explain(model, x, { ...options, targets: [0, target, 'logits[:,2]', logit(0)] });
      const pictures = await explain(model, [y, x], { ...options, target: [2, target] });
      const truth = method === 'exact-shap' ? undefined : expected();
      for (const { map, score } of [one, among[1]!, pictures[1]!]) {
        if (truth) near(map, truth);
        near(map, one.map);
        near([score], [one.score]);
      }
      near(among[3]!.map, among[0]!.map);
      expect(one.target).toBe(typeof target === 'number' || forms.slice(1, 3).some(([, t]) => t === target) ? 1 : null);
    });
  },
);

describe('several at once', () => {
  it('targets: one map each; top: the highest classes first', async () => {
    const two = await explain(model, x, { method: 'gradient', targets: [2, 'a'] });
    expect(two.map((m) => m.target)).toEqual([2, 0]);
    near(two[1]!.map, w.subarray(0, size));
    const logits = [0, 1, 2].map((k) => x.reduce((n, v, i) => n + v * w[k * size + i]!, 0));
    const order = [0, 1, 2].sort((a, b) => logits[b]! - logits[a]!);
    const top = await explain(model, x, { method: 'gradient', targets: { top: 2 } });
    expect(top.map((m) => m.target)).toEqual(order.slice(0, 2));
    await expect(explain(model, x, { method: 'gradient', targets: { top: 4 } })).rejects.toMatchObject({
      code: 'invalid-argument',
    });
  });

  it('pictures: a target for each, or one for all', async () => {
    const each = await explain(model, [x, y], { method: 'input-x-gradient', target: [0, 1] });
    near(
      each[1]!.map,
      y.map((v, i) => v * w[size + i]!),
    );
    const all = await explain(model, [x, y], { method: 'gradient', target: 1 });
    expect(all.map((m) => m.target)).toEqual([1, 1]);
    await expect(explain(model, [x, y], { method: 'gradient', target: [0] })).rejects.toMatchObject({
      code: 'invalid-argument',
    });
  });

  it('an explainer goes from classes to units and back', async () => {
    using explainer = await createExplainer(model, { method: 'gradient' });
    const first = await explainer.run(x, { target: 0 });
    await explainer.run(x, { target: 'squares[:,0]' });
    await explainer.run(x, { target: 'squares[:,1]' });
    expect((await explainer.run(x, { target: 0 })).map).toEqual(first.map);
  });
});
