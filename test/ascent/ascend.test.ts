/** Activation ascent against closed forms on hand-made networks. */
import { beforeAll, describe, expect, it } from 'vitest';
import {
  adam,
  add,
  ascend,
  channel,
  logit,
  neuron,
  normalizedAscent,
  objective,
  scale,
  type AscendOptions,
  type Frame,
  type Objective,
} from '../../src/ascent/index.ts';
import { constant } from '../../src/graph/leaves.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import type { Model } from '../../src/model/model.ts';
import { add as addTensors, mul } from '../../src/ops/binary.ts';
import { mean, sum } from '../../src/ops/reduce.ts';
import { reshape } from '../../src/ops/reshape.ts';
import { affine, square } from '../../src/ops/unary.ts';
import { tinyModel } from '../explain/tiny_network.ts';
import { spread } from '../support/gradcheck.ts';
import { testEngine } from '../support/engine.ts';
import { compare, tolerance } from '../tolerance.ts';

const picture: [number, number, number] = [3, 6, 5];
const size = 90;
const weights = spread(size, 3);
const start = spread(size, 4);

let model: Model;
beforeAll(async () => {
  model = tinyModel(await testEngine(), {
    picture,
    metadata: { labels: ['left', 'right'], preprocess: { mean: [0.5, 0.4, 0.3], std: [0.25, 0.2, 0.1] } },
    build: (x: Tensor) => {
      const maps = affine(x, 3);
      const score = sum(mul(reshape(x, [x.shape[0]!, 1, size]), constant(weights, [1, size])), [2]);
      return { maps, logits: mul(score, constant([1, -1], [2])), pooled: mean(maps, [2, 3]) };
    },
  });
});

const near = (actual: ArrayLike<number>, expected: ArrayLike<number>) =>
  expect(compare(actual, expected).maxRel).toBeLessThan(tolerance.op);

async function frames(options: Omit<AscendOptions, 'objective'> & { objective: Objective }) {
  const list: { frame: Frame; image: Float32Array }[] = [];
  for await (const frame of ascend(model, options)) list.push({ frame, image: await frame.image() });
  return list;
}

const plain = { image: start, jitter: 0, clamp: false };

describe('objectives', () => {
  const valueOf = async (o: Objective) => (await frames({ ...plain, objective: o, steps: 0 }))[0]!.frame.objective;
  const channelMean = (c: number) => start.subarray(c * 30, c * 30 + 30).reduce((n, v) => n + 3 * v, 0) / 30;

  it('channel is the mean over space; of a vector, the entry', async () => {
    near([await valueOf(channel('maps', 1))], [channelMean(1)]);
    near([await valueOf(channel('pooled', 2))], [channelMean(2)]);
  });

  it('neuron is one position, the centre unless told', async () => {
    near([await valueOf(neuron('maps', 2, 4, 1))], [3 * start[60 + 4 * 5 + 1]!]);
    near([await valueOf(neuron('maps', 0))], [3 * start[3 * 5 + 2]!]);
  });

  it('logit goes by index or label', async () => {
    const score = start.reduce((n, v, i) => n + v * weights[i]!, 0);
    near([await valueOf(logit(0))], [score]);
    near([await valueOf(logit('right'))], [-score]);
  });

  it('they add and scale', async () => {
    const expected = channelMean(1) + 0.5 * channelMean(2);
    near([await valueOf(channel('maps', 1).plus(channel('maps', 2).times(0.5)))], [expected]);
    near([await valueOf(add(channel('maps', 1), scale(channel('maps', 2), 0.5)))], [expected]);
  });

  it.each<[string, () => Objective, string]>([
    ['an unknown layer', () => channel('nowhere', 0), 'unknown-name'],
    ['an unknown channel', () => channel('maps', 3), 'unknown-name'],
    ['a row outside', () => neuron('maps', 0, 6, 0), 'unknown-name'],
    ['an unknown label', () => logit('up'), 'unknown-name'],
    ['a whole layer', () => objective((g) => g.value('maps')), 'shape'],
  ])('%s is refused', async (_, make, code) => {
    await expect(valueOf(make())).rejects.toMatchObject({ code });
  });
});

describe('steps', () => {
  it('normalised ascent on a linear objective goes straight along the weights: x0 + k lr w / |w|', async () => {
    const optimizer = normalizedAscent({ lr: 0.5 });
    const list = await frames({ ...plain, objective: logit(0), steps: 3, optimizer });
    const length = Math.hypot(...weights);
    const score = start.reduce((n, v, i) => n + v * weights[i]!, 0);
    list.forEach(({ frame, image }, k) => {
      expect(frame.step).toBe(k);
      near(
        image,
        start.map((v, i) => v + (0.5 * k * weights[i]!) / length),
      );
      near([frame.objective], [score + 0.5 * k * length]);
    });
  });

  it('the rate may be a schedule over steps 1, 2, ...', async () => {
    const optimizer = normalizedAscent({ lr: (step) => 1 / step });
    const list = await frames({ ...plain, objective: logit(0), steps: 3, optimizer });
    const length = Math.hypot(...weights);
    near(
      list[3]!.image,
      start.map((v, i) => v + ((1 + 1 / 2 + 1 / 3) * weights[i]!) / length),
    );
  });

  it('Adam moves by lr sign(g) at constant gradients', async () => {
    const list = await frames({ ...plain, objective: logit(0), steps: 4, optimizer: adam({ lr: 0.1 }) });
    near(
      list[4]!.image,
      start.map((v, i) => v + 0.4 * Math.sign(weights[i]!)),
    );
  });

  it('Adam follows its recurrence on a quadratic', async () => {
    const bowl = objective((g) => affine(sum(square(g.input)), -0.5));
    const list = await frames({ ...plain, objective: bowl, steps: 5, optimizer: adam({ lr: 0.1 }) });
    const x = Float64Array.from(start);
    const [m, v] = [new Float64Array(size), new Float64Array(size)];
    for (let t = 1; t <= 5; t++) {
      for (let i = 0; i < size; i++) {
        const g = -x[i]!;
        m[i] = 0.9 * m[i]! + 0.1 * g;
        v[i] = 0.999 * v[i]! + 0.001 * g * g;
        x[i]! += (0.1 * (m[i]! / (1 - 0.9 ** t))) / (Math.sqrt(v[i]! / (1 - 0.999 ** t)) + 1e-8);
      }
    }
    expect(compare(list[5]!.image, x).maxRel).toBeLessThan(tolerance.longSum);
  });

  it('the clamp keeps each channel within what pixels in [0, 1] can give', async () => {
    const optimizer = normalizedAscent({ lr: 1e5 });
    const list = await frames({ objective: logit(0), image: start, jitter: 0, steps: 2, optimizer });
    const [mean, std] = [
      [0.5, 0.4, 0.3],
      [0.25, 0.2, 0.1],
    ];
    near(
      list[2]!.image,
      start.map((_, i) => {
        const c = Math.floor(i / 30);
        return ((weights[i]! > 0 ? 1 : 0) - mean[c]!) / std[c]!;
      }),
    );
  });

  it('jitter rolls what the network sees, not the picture: a position-blind objective climbs as without', async () => {
    const blind = objective((g) => addTensors(mean(square(g.input)), mean(g.input)));
    const run = (jitter: number) => frames({ ...plain, objective: blind, steps: 3, jitter });
    const [still, jittered] = [await run(0), await run(3)];
    near(jittered[3]!.image, still[3]!.image);
    const pinned = (jitter: number) => frames({ ...plain, objective: neuron('maps', 0), steps: 3, jitter });
    expect((await pinned(3))[3]!.image).not.toEqual((await pinned(0))[3]!.image);
  });
});

describe('penalties', () => {
  // With the objective 0, a normalised step goes down the penalty's gradient, computed here in float64.
  const nothing = objective((g) => affine(sum(g.input), 0));
  const [mean_, std] = [
    [0.5, 0.4, 0.3],
    [0.25, 0.2, 0.1],
  ];
  const pixel = (i: number) => start[i]! * std[Math.floor(i / 30)]! + mean_[Math.floor(i / 30)]!;

  async function direction(options: object): Promise<number[]> {
    const list = await frames({
      ...plain,
      objective: nothing,
      steps: 1,
      optimizer: normalizedAscent({ lr: 1 }),
      ...options,
    });
    return Array.from(list[1]!.image, (v, i) => v - start[i]!);
  }
  const unitDown = (gradient: number[]) => gradient.map((g) => -g / Math.hypot(...gradient));

  it('L2 pulls pixels towards mid grey', async () => {
    const expected = unitDown(Array.from(start, (_, i) => 2 * (pixel(i) - 0.5) * std[Math.floor(i / 30)]!));
    expect(compare(await direction({ l2: 3 }), expected).maxRel).toBeLessThan(tolerance.longSum);
  });

  it('total variation pulls pixels towards their neighbours', async () => {
    const expected = unitDown(
      Array.from(start, (_, i) => {
        const [y, x] = [Math.floor(i / 5) % 6, i % 5];
        const neighbours = [y > 0 ? i - 5 : -1, y < 5 ? i + 5 : -1, x > 0 ? i - 1 : -1, x < 4 ? i + 1 : -1];
        const pull = neighbours.filter((j) => j >= 0).reduce((n, j) => n + 2 * (pixel(i) - pixel(j)), 0);
        return pull * std[Math.floor(i / 30)]!;
      }),
    );
    expect(compare(await direction({ totalVariation: 2 }), expected).maxRel).toBeLessThan(tolerance.longSum);
  });
});

describe('running', () => {
  const options = { objective: channel('maps', 1).plus(neuron('maps', 0)), steps: 4, jitter: 2 };

  it('the same seed gives the same bits, another seed another picture', async () => {
    const last = async (seed: number) => (await frames({ ...options, seed }))[4]!.image;
    const first = await last(1);
    expect(await last(1)).toEqual(first);
    expect(await last(2)).not.toEqual(first);
  });

  it("a past frame's picture is gone, the last one's stays", async () => {
    const list: Frame[] = [];
    for await (const frame of ascend(model, options)) list.push(frame);
    await expect(list[2]!.image()).rejects.toMatchObject({ code: 'disposed' });
    expect((await list[4]!.image()).length).toBe(size);
  });

  it('an abort ends it, leaving the loop early frees its memory', async () => {
    const engine = await testEngine();
    await new Promise((resolve) => setTimeout(resolve));
    const before = engine.memory;
    const control = new AbortController();
    const run = async () => {
      for await (const { step } of ascend(model, { ...options, signal: control.signal }))
        if (step === 2) control.abort();
    };
    await expect(run()).rejects.toThrow(/abort/i);
    for await (const { step } of ascend(model, options)) if (step === 1) break;
    await new Promise((resolve) => setTimeout(resolve));
    expect(engine.memory).toEqual(before);
  });

  it.each([
    ['steps', -1],
    ['jitter', 0.5],
  ])('%s %d is refused', async (name, value) => {
    await expect(frames({ ...options, [name]: value })).rejects.toMatchObject({ code: 'invalid-argument' });
  });

  it('an objective that blows up stops with its step', async () => {
    const burst = objective((g) => sum(square(square(square(g.input)))));
    const optimizer = normalizedAscent({ lr: 1e8 });
    const run = frames({ objective: burst, steps: 9, clamp: false, optimizer });
    await expect(run).rejects.toMatchObject({ code: 'not-finite' });
  });
});
