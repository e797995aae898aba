/** The ascent itself: steps against closed forms, seeds, batches, best pictures, dead units, ends of all kinds. */
import { beforeAll, describe, expect, it } from 'vitest';
import {
  ascend,
  channel,
  fourier,
  inputSpace,
  l2,
  logit,
  neuron,
  objective,
  pixels,
  totalVariation,
  type AscendOptions,
  type Frame,
  type Objective,
} from '../../src/ascent/index.ts';
import { constant } from '../../src/graph/leaves.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import type { Model } from '../../src/model/model.ts';
import { mul } from '../../src/ops/binary.ts';
import { mean, sum } from '../../src/ops/reduce.ts';
import { reshape } from '../../src/ops/reshape.ts';
import { affine, relu, square } from '../../src/ops/unary.ts';
import { stopGradient } from '../../src/ops/stop_gradient.ts';
import { adam, rmsprop, sgd } from '../../src/train/optimizers.ts';
import { jitter, noise } from '../../src/transforms/index.ts';
import { tinyModel } from '../explain/tiny_network.ts';
import { testEngine } from '../support/engine.ts';
import { spread } from '../support/gradcheck.ts';
import { compare, tolerance } from '../tolerance.ts';

const picture: [number, number, number] = [3, 6, 5];
const size = 90;
const weights = spread(size, 3);
const start = spread(size, 4);
const [means, stds] = [
  [0.5, 0.4, 0.3],
  [0.25, 0.2, 0.1],
];

let model: Model;
beforeAll(async () => {
  model = tinyModel(await testEngine(), {
    picture,
    metadata: { labels: ['left', 'right'], preprocess: { mean: means, std: stds } },
    build: (x: Tensor) => {
      const maps = affine(x, 3);
      const score = sum(mul(reshape(x, [x.shape[0]!, 1, size]), constant(weights, [1, size])), [2]);
      const off = relu(affine(x, 1, -100));
      return {
        constant: constant([1, 2], [1, 2]),
        frozen: stopGradient(maps),
        dark: mul(maps, constant([0], [1])),
        off,
        maps,
        logits: mul(score, constant([1, -1], [2])),
      };
    },
  });
});

const near = (actual: ArrayLike<number>, expected: ArrayLike<number>) =>
  expect(compare(actual, expected).maxRel).toBeLessThan(tolerance.longSum);

const input = (f: (x: Tensor) => Tensor): Objective => objective('of the input', (s) => f(s.input));
const free = { image: start, transforms: [], picture: inputSpace({ free: true }) };
const unit: Pick<AscendOptions, 'optimizer' | 'gradient'> = { optimizer: sgd({ lr: 0.5 }), gradient: ['normalize'] };

async function frames(options: AscendOptions) {
  const list: { frame: Frame; image: Float32Array }[] = [];
  for await (const frame of ascend(model, options)) list.push({ frame, image: await frame.image() });
  return list;
}

describe('steps', () => {
  it('on a linear objective a normalised gradient goes straight along the weights: x0 + k lr w / |w|', async () => {
    const list = await frames({ ...free, ...unit, objective: logit(0), steps: 3 });
    const length = Math.hypot(...weights);
    const score = start.reduce((n, v, i) => n + v * weights[i]!, 0);
    list.forEach(({ frame, image }, k) => {
      expect(frame.step).toBe(k);
      near(image, start.map((v, i) => v + (0.5 * k * weights[i]!) / length)); // prettier-ignore
      near([frame.objective, frame.gradients[0]!], [score + 0.5 * k * length, length]);
    });
  });

  it('the rate may be a schedule over steps 1, 2, ...', async () => {
    const list = await frames({ ...free, ...unit, objective: logit(0), steps: 3, lr: (step) => 1 / step });
    const length = Math.hypot(...weights);
    near(list[3]!.image, start.map((v, i) => v + ((1 + 1 / 2 + 1 / 3) * weights[i]!) / length)); // prettier-ignore
  });

  it('Adam of training follows its recurrence on a quadratic', async () => {
    const bowl = input((x) => affine(sum(square(x)), -0.5));
    const list = await frames({ ...free, objective: bowl, steps: 5, optimizer: adam({ lr: 0.1 }) });
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
    near(list[5]!.image, x);
  });

  it.each<[AscendOptions['gradient'], (w: number) => number]>([
    [['negate'], (w) => -w],
    [['absolute'], (w) => Math.abs(w)],
    [['relu'], (w) => Math.max(w, 0)],
    [['small-values'], (w) => 1 / Math.abs(w)],
  ])('the gradient %s', async (gradient, f) => {
    const list = await frames({ ...free, objective: logit(0), steps: 1, gradient: gradient!, optimizer: sgd({ lr: 0.01 }) }); // prettier-ignore
    near(list[1]!.image, start.map((v, i) => v + 0.01 * f(weights[i]!))); // prettier-ignore
  });

  it('any optimiser of training climbs', async () => {
    for (const optimizer of [rmsprop({ lr: 0.1 }), sgd({ lr: 0.1, momentum: 0.9 })]) {
      const list = await frames({ ...free, objective: channel('maps', 1), steps: 4, optimizer });
      expect(list[4]!.frame.objective).toBeGreaterThan(list[0]!.frame.objective);
    }
  });

  it('the input keeps to what pixels in [0, 1] can give, unless it is free', async () => {
    const { image } = (await frames({ objective: logit(0), image: start, transforms: [], picture: inputSpace(), steps: 2, lr: 1e5 }))[2]!; // prettier-ignore
    near(image, start.map((_, i) => {
      const c = Math.floor(i / 30);
      return ((weights[i]! > 0 ? 1 : 0) - means[c]!) / stds[c]!;
    })); // prettier-ignore
  });

  it('transforms move what the network sees, not the picture', async () => {
    const pinned = (transforms: AscendOptions['transforms']) =>
      frames({ ...free, ...unit, objective: neuron('maps', 0), steps: 3, transforms: transforms! });
    const [still, moved] = [await pinned([]), await pinned([jitter(3)])];
    expect(moved[0]!.image).toEqual(still[0]!.image);
    expect(moved[3]!.image).not.toEqual(still[3]!.image);
    const blind = (transforms: AscendOptions['transforms']) =>
      frames({ ...free, ...unit, objective: logit(0).minus(logit(0)).plus(input((x) => mean(x))), steps: 2, transforms: transforms! }); // prettier-ignore
    near((await blind([noise(0.1)]))[2]!.image, (await blind([]))[2]!.image);
  });
});

describe('penalties pull the picture as it is drawn', () => {
  const pixel = (i: number) => start[i]! * stds[Math.floor(i / 30)]! + means[Math.floor(i / 30)]!;
  const nothing = channel('maps', 0).times(0);
  async function direction(penalty: Objective): Promise<number[]> {
    const objective = nothing.minus(penalty);
    const list = await frames({ ...free, objective, steps: 1, optimizer: sgd({ lr: 1 }), gradient: ['normalize'] });
    return Array.from(list[1]!.image, (v, i) => v - start[i]!);
  }
  const unitDown = (gradient: number[]) => gradient.map((g) => -g / Math.hypot(...gradient));

  it('L2 towards grey', async () => {
    const expected = unitDown(Array.from(start, (_, i) => 2 * (pixel(i) - 0.5) * stds[Math.floor(i / 30)]!));
    near(await direction(l2()), expected);
  });

  it('alone too, where nothing that the network sees counts', async () => {
    const list = await frames({ objective: l2().negated(), steps: 2, transforms: [jitter(1)], optimizer: sgd({ lr: 1e-3 }) }); // prettier-ignore
    expect(list[2]!.frame.objective).toBeGreaterThan(list[0]!.frame.objective);
  });

  it('total variation towards neighbours', async () => {
    const gradient = new Array<number>(size).fill(0);
    for (let i = 0; i < size; i++) {
      const [y, x] = [Math.floor(i / 5) % 6, i % 5];
      if (y === 5 || x === 4) continue;
      for (const j of [i + 5, i + 1]) {
        const rise = 2 * (pixel(j) - pixel(i));
        gradient[j]! += rise * stds[Math.floor(j / 30)]!;
        gradient[i]! -= rise * stds[Math.floor(i / 30)]!;
      }
    }
    near(await direction(totalVariation()), unitDown(gradient));
  });
});

describe('several pictures', () => {
  const objectives = [channel('maps', 0), neuron('maps', 1), logit(1)];
  const options = { ...unit, transforms: [], steps: 3, picture: pixels(), seed: 5 };

  it('each climbs as if it were alone', async () => {
    const together = ascend(model, { ...options, objective: objectives });
    let last: Frame | undefined;
    for await (const frame of together) last = frame;
    // Picture 0 has the same start in a batch and alone.
    const alone = (await frames({ ...options, objective: objectives[0]! }))[3]!;
    near([last!.objectives[0]!], [alone.frame.objective]);
    near(await last!.image(0), alone.image);
    expect(await last!.image(1)).not.toEqual(await last!.image(0));
    await expect(last!.image(3)).rejects.toMatchObject({ code: 'unknown-name' });
  });

  it('one objective draws several pictures, from starts of their own', async () => {
    const run = ascend(model, { ...options, objective: channel('maps', 0), pictures: 2 });
    for await (const frame of run) {
      if (frame.step < 3) continue;
      expect(frame.objectives).toHaveLength(2);
      expect(await frame.pixels(0)).not.toEqual(await frame.pixels(1));
    }
  });

  it('their number must fit', () => {
    expect(() => ascend(model, { objective: objectives, pictures: 2 })).toThrow(
      expect.objectContaining({ code: 'invalid-argument' }),
    );
  });
});

describe('running', () => {
  const options = { objective: channel('maps', 1).plus(neuron('maps', 0)), steps: 4 };

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

  it('frames come as often as asked, and at the end', async () => {
    const steps: number[] = [];
    for await (const { step } of ascend(model, { ...options, steps: 7, every: 3 })) steps.push(step);
    expect(steps).toEqual([0, 3, 6, 7]);
  });

  it('the best picture is kept, with its step, during and after', async () => {
    // Down from the start: the first is the best.
    const run = ascend(model, { ...free, objective: logit(0), steps: 3, gradient: ['negate'], optimizer: sgd({ lr: 0.1 }) }); // prettier-ignore
    await expect(run.best()).rejects.toMatchObject({ code: 'invalid-argument' });
    let first: Frame | undefined;
    for await (const frame of run) {
      first ??= frame;
      expect((await run.best()).step).toBe(0);
    }
    const best = await run.best();
    expect(best.objective).toBe(first!.objective);
    near(best.image, start);
    const up = ascend(model, { ...free, ...unit, objective: logit(0), steps: 3 });
    for await (const frame of up) expect((await up.best()).step).toBe(frame.step);
  });

  it('an abort ends it with the best so far, leaving the loop early frees its memory', async () => {
    const engine = await testEngine();
    await new Promise((resolve) => setTimeout(resolve));
    const before = engine.memory;
    const control = new AbortController();
    const run = ascend(model, { ...options, signal: control.signal });
    const climb = async () => {
      for await (const { step } of run) if (step === 2) control.abort();
    };
    await expect(climb()).rejects.toThrow(/abort/i);
    expect((await run.best()).step).toBe(2);
    for await (const { step } of ascend(model, options)) if (step === 1) break;
    await new Promise((resolve) => setTimeout(resolve));
    expect(engine.memory).toEqual(before);
  });

  it('it ends where no score rises any more', async () => {
    const bowl = input((x) => affine(sum(square(x)), -0.5, 3));
    const list = await frames({ ...free, objective: bowl, steps: 60, optimizer: sgd({ lr: 0.5 }), patience: 3 });
    expect(list.length).toBeGreaterThan(5);
    expect(list.length).toBeLessThan(30);
    expect(Math.max(...list.at(-1)!.image.map(Math.abs))).toBeLessThan(0.02);
  });

  it('an objective that blows up stops with its step, and the best before it stays', async () => {
    const burst = input((x) => sum(square(square(square(x)))));
    const run = ascend(model, { ...free, objective: burst, steps: 9, optimizer: sgd({ lr: 1e8 }) });
    const climb = async () => {
      for await (const frame of run) expect(frame.objective).toBeLessThan(Infinity);
    };
    await expect(climb()).rejects.toMatchObject({ code: 'not-finite' });
    expect((await run.best()).image.every((v) => Number.isFinite(v))).toBe(true);
  });

  it('nothing is allocated in the steps from the thirtieth to the thousandth', async () => {
    const engine = await testEngine();
    let after: unknown;
    for await (const { step } of ascend(model, { ...options, steps: 1000, every: 30 })) {
      if (step === 30) after = engine.memory;
      if (step > 30) expect(engine.memory).toEqual(after);
    }
  });
});

describe('units that are off', () => {
  it('are pushed on by redirected ReLUs, and then climb', async () => {
    // 100 below the bend; a step of Adam is 50 long.
    const climb = { ...free, objective: channel('off', 0), optimizer: adam({ lr: 50 }), steps: 8 };
    const list = await frames(climb);
    expect([list[0]!.frame.objective, list[0]!.frame.gradients[0], list[0]!.frame.dead[0]]).toEqual([0, 0, 1]);
    expect(list[8]!.frame.objective).toBeGreaterThan(50);
    expect(list[8]!.frame.dead[0]).toBe(0);
    await expect(frames({ ...climb, redirect: 0 })).rejects.toMatchObject({ code: 'dead-unit' });
  });

  it('rules for ReLUs: rectified passes what guided and the plain gradient stop', async () => {
    const move = async (rule: AscendOptions['relu']) => {
      const list = await frames({ ...free, objective: channel('off', 0), optimizer: sgd({ lr: 1 }), steps: 1, relu: rule!, redirect: 0 }).catch((e: { code: string }) => e.code); // prettier-ignore
      return typeof list === 'string' ? list : list[1]!.image[0]! - start[0]!;
    };
    expect(await move('plain')).toBe('dead-unit');
    expect(await move('guided')).toBe('dead-unit');
    expect(await move('rectified')).toBeCloseTo(1 / 30, 4);
  });
});

describe('refusals', () => {
  const of = (options: Partial<AscendOptions>) => frames({ objective: channel('maps', 0), steps: 1, ...options });
  it.each<[string, Partial<AscendOptions>, string]>([
    ['no objective', { objective: undefined as unknown as Objective }, 'invalid-argument'],
    ['steps', { steps: -1 }, 'invalid-argument'],
    ['an unknown option', { clamp: true } as object, 'invalid-argument'],
    ['a picture of another size', { image: new Float32Array(5) }, 'shape'],
    ['a picture with NaN', { image: new Float32Array(size).fill(NaN) }, 'invalid-argument'],
    ['a layer that does not exist', { objective: channel('nowhere', 0) }, 'unknown-name'],
    ['what the picture does not reach', { objective: channel('constant', 0) }, 'not-differentiable'],
    ['a branch that no gradient goes through', { objective: channel('frozen', 0) }, 'not-differentiable'],
    ['a row of a layer of one position', { objective: neuron('logits', 0, 1, 0) }, 'unknown-name'],
    ['a unit that nothing turns on', { objective: channel('off', 0), redirect: 0 }, 'dead-unit'],
    ['a unit that redirected ReLUs do not reach in its few steps', { objective: channel('dark', 0) }, 'dead-unit'],
    ['a factor that is NaN', { objective: channel('maps', 0).times(NaN) }, 'invalid-argument'],
    ['a size that the network cannot take', { size: [4, 4] }, 'shape'],
    ['an unknown gradient modifier', { gradient: ['invert' as 'relu'] }, 'invalid-argument'],
    ['transforms that leave nothing', { transforms: [jitter(6)] }, 'shape'],
  ])('%s', async (_, options, code) => {
    await expect((async () => of(options))()).rejects.toMatchObject({ code });
  });
});

it('a spectrum draws: its picture raises a channel', async () => {
  const list = await frames({ objective: channel('maps', 1).minus(channel('maps', 0)), steps: 20, picture: fourier() });
  expect(list[20]!.frame.objective).toBeGreaterThan(list[0]!.frame.objective + 0.3);
});
