/** Attacks against closed forms on a linear model f_k = w_k x: the gradient is the same everywhere. */
import { beforeAll, describe, expect, it } from 'vitest';
import { fgsm, pgd, smallestPerturbation, type AttackOptions } from '../../../src/explain/index.ts';
import { constant, input } from '../../../src/graph/leaves.ts';
import type { Model } from '../../../src/model/model.ts';
import { adversarialPoints } from '../../../src/explain/index.ts';
import { mul } from '../../../src/ops/binary.ts';
import { sum } from '../../../src/ops/reduce.ts';
import { reshape } from '../../../src/ops/reshape.ts';
import { square } from '../../../src/ops/unary.ts';
import { adam, TrainStep } from '../../../src/train/index.ts';
import { testEngine } from '../../support/engine.ts';
import { spread } from '../../support/gradcheck.ts';
import { embeddedModel } from '../../support/golden.ts';
import { compare, tolerance } from '../../tolerance.ts';
import { tinyModel } from '../tiny_network.ts';

const picture: [number, number, number] = [2, 3, 5];
const size = 30;
const weights = spread(3 * size, 5);
const x = spread(size, 6);
const row = (k: number) => weights.subarray(k * size, (k + 1) * size);
const dot = (a: Float32Array, b: Float32Array) => a.reduce((n, v, i) => n + v * b[i]!, 0);
const length = (a: Float32Array) => Math.sqrt(dot(a, a));
const near = (actual: ArrayLike<number>, expected: ArrayLike<number>) =>
  expect(compare(actual, expected).maxRel).toBeLessThan(tolerance.longSum);

/** mean and std of the two channels. */
const preprocess = { mean: [0.5, 0.4], std: [0.25, 0.2] };
let model: Model;
let label: number;

beforeAll(async () => {
  model = tinyModel(await testEngine(), {
    picture,
    metadata: { preprocess },
    build: (x) => ({ logits: sum(mul(reshape(x, [x.shape[0]!, 1, size]), constant(weights, [3, size])), [2]) }),
  });
  label = [0, 1, 2].reduce((best, k) => (dot(row(k), x) > dot(row(best), x) ? k : best), 0);
});

const free: AttackOptions = { units: 'input', clip: false, loss: 'logit' };

describe('on a linear model', () => {
  it('FGSM moves every value by epsilon against the sign of the weights', async () => {
    const { picture: moved, norms, after, before } = await fgsm(model, x, { ...free, epsilon: 0.1 });
    near(moved, x.map((v, i) => v - 0.1 * Math.sign(row(label)[i]!))); // prettier-ignore
    near([norms.linf, norms.l2], [0.1, 0.1 * Math.sqrt(size)]);
    expect(before.index).toBe(label);
    near(after.logits, [0, 1, 2].map((k) => dot(row(k), moved))); // prettier-ignore
  });

  it('in pixel units a step is epsilon / std of the channel', async () => {
    const { picture: moved } = await fgsm(model, x, { clip: false, loss: 'logit', epsilon: 0.1 });
    near(moved, x.map((v, i) => v - (0.1 / preprocess.std[i < 15 ? 0 : 1]!) * Math.sign(row(label)[i]!))); // prettier-ignore
  });

  it.each([true, false])('l2 PGD ends at x + epsilon w / ||w||, random start %s', async (randomStart) => {
    const target = (label + 1) % 3;
    const w = row(target);
    const options = { ...free, norm: 'l2', target, epsilon: 0.3, steps: 30, earlyStop: false, randomStart } as const;
    const found = await pgd(model, x, { ...options, stepSize: 0.3 });
    expect(compare(found.picture, x.map((v, i) => v + (0.3 * w[i]!) / length(w))).maxRel).toBeLessThan(1e-3); // prettier-ignore
    near([found.norms.l2], [0.3]);
    expect(found.gradients).toBe(32);
  });

  it('the smallest change of length is the distance to the nearest plane between two classes', async () => {
    const found = await smallestPerturbation(model, x, {
      units: 'input', clip: false, norm: 'l2', steps: 40, maxEpsilon: 4, tolerance: 0.005,
    }); // prettier-ignore
    const distances = [0, 1, 2]
      .filter((k) => k !== label)
      .map((k) => {
        const between = row(label).map((v, i) => v - row(k)[i]!);
        return dot(between, x) / length(between);
      });
    const nearest = Math.min(...distances);
    expect(found.flipped).toBe(true);
    expect(found.epsilon).toBeGreaterThanOrEqual(nearest * (1 - 1e-5));
    expect(found.epsilon).toBeLessThan(nearest * 1.1);
    expect(found.failedAt).toBeLessThan(found.epsilon);
  });

  it('without one in reach says so', async () => {
    const found = await smallestPerturbation(model, x, { ...free, maxEpsilon: 1e-6 });
    expect(found).toMatchObject({ flipped: false, failedAt: 1e-6, rounds: 1 });
  });
});

describe('bounds', () => {
  const valid = x.map((v, i) => ((v > 0 ? 1 : 0) - preprocess.mean[i < 15 ? 0 : 1]!) / preprocess.std[i < 15 ? 0 : 1]!);

  it.each(['linf', 'l2'] as const)(
    '%s: valid pixels inside the ball, from a picture at black and white',
    async (norm) => {
      const epsilon = norm === 'linf' ? 0.06 : 0.4;
      const found = await pgd(model, valid, { norm, epsilon, steps: 5, earlyStop: false, seed: 3 });
      expect(found.norms[norm]).toBeLessThan(epsilon * (1 + 1e-5));
      expect(found.norms[norm]).toBeGreaterThan(epsilon / 10);
      found.picture.forEach((v, i) => {
        const c = i < 15 ? 0 : 1;
        expect(v * preprocess.std[c]! + preprocess.mean[c]!).toBeGreaterThan(-1e-6);
        expect(v * preprocess.std[c]! + preprocess.mean[c]!).toBeLessThan(1 + 1e-6);
      });
    },
  );

  it('a given range is kept', async () => {
    const found = await pgd(model, x, { units: 'input', range: Float32Array.of(-0.5, -0.4, 0.5, 0.4), epsilon: 9, earlyStop: false }); // prettier-ignore
    found.picture.forEach((v, i) => {
      const limit = Math.max(i < 15 ? 0.5 : 0.4, Math.abs(x[i]!));
      expect(Math.abs(v)).toBeLessThanOrEqual(limit * (1 + 1e-6));
    });
  });
});

it('the same seed gives the same picture, another one another', async () => {
  const options = { ...free, loss: 'cross-entropy', epsilon: 1e-3, steps: 1, stepSize: 1e-4 } as const;
  const [a, b, c] = [await pgd(model, x, options), await pgd(model, x, options), await pgd(model, x, { ...options, seed: 1 })]; // prettier-ignore
  expect(a.picture).toEqual(b.picture);
  expect(a.picture).not.toEqual(c.picture);
});

it('stops at the first picture of another class, and reports that one', async () => {
  const found = await pgd(model, x, { ...free, epsilon: 2, steps: 50, randomStart: false });
  expect(found.flipped).toBe(true);
  expect(found.after.index).not.toBe(label);
  expect(found.gradients).toBeLessThan(52);
  near((await model.run(found.picture)).logits, found.after.logits);
});

describe('what is wrong is refused', () => {
  it.each<[string, AttackOptions, string]>([
    ['norm', { norm: 'l1' as never }, 'invalid-argument'],
    ['epsilon', { epsilon: -1 }, 'invalid-argument'],
    ['a class that is not there', { target: 3 }, 'unknown-name'],
    ['range of another size', { range: new Float32Array(3) }, 'shape'],
    ['empty range', { range: new Float32Array(4) }, 'invalid-argument'],
    ['unknown option', { epsilonn: 1 } as never, 'invalid-argument'],
  ])('%s', async (_, options, code) => {
    await expect(pgd(model, x, options)).rejects.toMatchObject({ code });
  });

  it('the class to leave as target; a picture of NaN; steps for FGSM; a model without preprocessing', async () => {
    await expect(pgd(model, x, { ...free, target: label })).rejects.toMatchObject({ code: 'invalid-argument' });
    await expect(pgd(model, x.map(() => NaN), free)).rejects.toMatchObject({ code: 'not-finite' }); // prettier-ignore
    await expect(fgsm(model, x, { steps: 3 } as never)).rejects.toMatchObject({ code: 'invalid-argument' });
    const plain = tinyModel(await testEngine(), { picture, build: (x) => ({ logits: sum(x, [2, 3]) }) });
    await expect(pgd(plain, x)).rejects.toMatchObject({ code: 'invalid-argument' });
  });

  it('abort', async () => {
    const reason = new Error('enough');
    await expect(pgd(model, x, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

describe('training', () => {
  it('points after two steps uphill of sum x^2 in the linf ball', async () => {
    const engine = await testEngine();
    const from = input('x', [1, ...picture]);
    const one = (v: number) => constant([v]);
    const points = adversarialPoints((p) => sum(square(p)), from, {
      norm: 'linf', steps: 2, step: one(0.2), radius: one(0.3), unit: constant([1, 1], [1, 2, 1, 1]),
    }); // prettier-ignore
    const program = await engine.compile({ outputs: { points } });
    near((await program.run({ x })).points, x.map((v) => v + 0.3 * Math.sign(v))); // prettier-ignore
    program.dispose();
  });

  it('a step on perturbed pictures has a higher loss than on the clean ones', async () => {
    const shapes = await embeddedModel(await testEngine());
    const pictures = spread(2 * shapes.pictureShape.reduce((a, b) => a * b), 4);
    const targets = Int32Array.of(1, 2);
    const lossOf = async (radius: number) => {
      const step = await TrainStep.create(shapes, {
        optimizer: adam({ lr: 1e-9 }),
        batch: 2,
        perturb: (loss, x) =>
          adversarialPoints(loss, x, { norm: 'l2', steps: 1, step: constant([radius]), radius: constant([radius]), unit: constant([1]) }), // prettier-ignore
      });
      const { loss } = await step.run(pictures, targets);
      step.dispose();
      return loss;
    };
    const [clean, near, far] = [await lossOf(1e-9), await lossOf(0.05), await lossOf(0.5)];
    expect(near).toBeGreaterThan(clean);
    expect(far).toBeGreaterThan(near);
  });
});
