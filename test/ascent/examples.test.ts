/** What pictures excite units: values and places against the host, receptive fields against gradients. */
import { beforeAll, describe, expect, it } from 'vitest';
import { datasetExamples, receptiveField } from '../../src/ascent/index.ts';
import { grad } from '../../src/autograd/grad.ts';
import { constant, input } from '../../src/graph/leaves.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import type { Model } from '../../src/model/model.ts';
import { add } from '../../src/ops/binary.ts';
import { conv2d } from '../../src/ops/conv2d.ts';
import { pad } from '../../src/ops/pad.ts';
import { avgPool2d, maxPool2d } from '../../src/ops/pool.ts';
import { mean, sum } from '../../src/ops/reduce.ts';
import { slice } from '../../src/ops/slice.ts';
import { transpose } from '../../src/ops/transpose.ts';
import { relu, square } from '../../src/ops/unary.ts';
import { testEngine } from '../support/engine.ts';
import { spread } from '../support/gradcheck.ts';
import { mirrorModel } from './scene.ts';

const ones = (o: number, i: number, kh: number, kw: number) => constant(new Float32Array(o * i * kh * kw).fill(1), [o, i, kh, kw]); // prettier-ignore

describe('the receptive field is where the gradient of a network of ones is', () => {
  const networks: Record<string, (x: Tensor) => Tensor> = {
    '3x3 by 2, a pool of 3 by 2, dilation 2': (x) =>
      conv2d(maxPool2d(conv2d(x, ones(2, 1, 3, 3), undefined, { stride: 2, padding: 1 }), { kernel: 3, stride: 2 }), ones(1, 2, 3, 3), undefined, { padding: 2, dilation: 2 }), // prettier-ignore
    'a shortcut beside 5x3': (x) => add(relu(conv2d(x, ones(1, 1, 5, 3), undefined, { padding: [2, 1] })), x),
    'padding of its own, channels last, an average': (x) =>
      transpose(avgPool2d(transpose(transpose(pad(x, [0, 0, 1, 2], [0, 0, 1, 0]), [0, 2, 3, 1]), [0, 3, 1, 2]), { kernel: [2, 3], stride: 2 }), [0, 1, 2, 3]), // prettier-ignore
    'a mean over all': (x) => add(x, mean(x, [2, 3], true)),
  };
  it.each(Object.keys(networks))('%s', async (name) => {
    const [h, w] = [17, 19];
    const x = input('x', [1, 1, h, w]);
    const y = networks[name]!(square(x));
    const values = spread(h * w, 2).map((v) => v + 2);
    for (const place of [[0, 0], [2, 1], [y.shape[2]! - 1, y.shape[3]! - 1]] as [number, number][]) {
      const [g] = grad(sum(slice(y, [0, 0, ...place], [1, 1, 1, 1])), [x]);
      const { gradient } = await (await testEngine()).evaluate({ gradient: g! }, { x: values });
      const rows = [...gradient.keys()].filter((i) => gradient[i] !== 0);
      const [ys, xs] = [rows.map((i) => Math.floor(i / w)), rows.map((i) => i % w)];
      const field = receptiveField(y, x, place);
      const bound = { left: Math.min(...xs), top: Math.min(...ys), right: Math.max(...xs), bottom: Math.max(...ys) };
      const found = { left: field.left, top: field.top, right: field.left + field.width - 1, bottom: field.top + field.height - 1 }; // prettier-ignore
      // Of a maximum the gradient takes one way.
      if (!name.includes('pool of')) expect(found).toEqual(bound);
      else {
        expect([found.left <= bound.left, found.top <= bound.top, found.right >= bound.right, found.bottom >= bound.bottom]).not.toContain(false); // prettier-ignore
        // 3x3 by 2, 3 by 2, 5 (dilated) by 1: 3 + 2 2 + 4 4 pixels.
        if (place[0] === 2) expect(field).toMatchObject({ top: 0, height: 17 });
      }
    }
  }); // prettier-ignore
});

describe('datasetExamples', () => {
  const shape: [number, number, number] = [3, 4, 5];
  const size = 60;
  const pictures = Array.from({ length: 7 }, (_, i) => spread(size, i + 1));
  const set = { length: 7, get: (i: number) => ({ input: pictures[i]! }) };
  let model: Model;
  beforeAll(async () => {
    model = await mirrorModel(shape);
  });

  it('finds the pictures, places, values and shares, whatever the batch', async () => {
    for (const batchSize of [3, 16]) {
      const found = await datasetExamples(model, set, { layer: 'maps', units: [2, 0], top: 3, batchSize });
      expect(found.map((f) => f.unit)).toEqual([2, 0]);
      for (const { unit, examples, active } of found) {
        const channels = pictures.map((p) => [...p.subarray(20 * unit, 20 * unit + 20)]);
        const best = channels.map((c, index) => ({ index, value: Math.max(...c) })).sort((a, b) => b.value - a.value);
        expect(examples.map(({ index, value }) => ({ index, value }))).toEqual(best.slice(0, 3));
        for (const { index, value, place: [y, x], field } of examples) {
          expect(channels[index]![5 * y + x]).toBe(value);
          expect(field).toEqual({ left: x, top: y, width: 1, height: 1 });
        }
        expect(active).toBeCloseTo(channels.flat().filter((v) => v > 0).length / 140, 6);
      }
    }
  }); // prettier-ignore

  it('of a vector the place is the picture; all units without a choice', async () => {
    const found = await datasetExamples(model, set, { layer: 'pooled' });
    expect(found).toHaveLength(3);
    expect(found[1]!.examples).toHaveLength(7);
    expect(found[1]!.examples[0]!.field).toEqual({ left: 0, top: 0, width: 5, height: 4 });
  });

  it('refuses what is not there, and stops', async () => {
    const run = (options: object, from = set) => datasetExamples(model, from, { layer: 'maps', ...options });
    await expect(run({ units: [3] })).rejects.toMatchObject({ code: 'unknown-name' });
    await expect(run({ layer: 'none' })).rejects.toMatchObject({ code: 'unknown-name' });
    await expect(run({ units: [] })).rejects.toMatchObject({ code: 'invalid-argument' });
    await expect(run({}, { ...set, length: 0 })).rejects.toMatchObject({ code: 'dataset-empty' });
    await expect(run({}, { length: 1, get: () => ({ input: new Float32Array(3) }) })).rejects.toMatchObject({ code: 'shape' }); // prettier-ignore
    const stop = new AbortController();
    const wait = run({ batchSize: 1, onProgress: () => stop.abort(), signal: stop.signal });
    await expect(wait).rejects.toMatchObject({ name: 'AbortError' });
  });
});
