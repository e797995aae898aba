/** Augmentation: seeded, per picture, part of exact resume; what is mixed is mixed by its closed form. */
import { describe, expect, it } from 'vitest';
import { constant } from '../../src/graph/leaves.ts';
import { Random } from '../../src/random.ts';
import { inMemory } from '../../src/train/dataset.ts';
import type { EpochEvent } from '../../src/train/events.ts';
import { fit, type FitOptions } from '../../src/train/fit.ts';
import { drawMixing, mixed, mixTargets, type Mixing } from '../../src/train/mix.ts';
import { sgd } from '../../src/train/optimizers.ts';
import { colourJitter, crop, erase, flip, noise, resizedCrop, transformed } from '../../src/transforms/index.ts';
import { NO_BOX } from '../../src/transforms/box.ts';
import { testEngine } from '../support/engine.ts';
import { tinyClasses, tinyData, tinyModel, tinyPictures, tinyTargets } from '../support/tiny.ts';
import { compare, tolerance } from '../tolerance.ts';

const [side, each] = [16, 3 * 16 * 16];
const some = [resizedCrop([side, side]), flip(), colourJitter({ brightness: 0.3 }), erase(), noise(0.01)];

async function run(options: Partial<FitOptions>, data = tinyData()) {
  using model = (await tinyModel()).unfreeze('fc');
  const epochs: EpochEvent[] = [];
  const checkpoints: Uint8Array[] = [];
  const all: FitOptions = {
    ...{ optimizer: sgd({ lr: 0.1, momentum: 0.9 }), epochs: 2, batchSize: 4, validation: tinyData(5) },
    checkpoint: { write: (bytes) => void checkpoints.push(bytes) },
    ...options,
  };
  for await (const event of fit(model, data, all)) if (event.type === 'epoch') epochs.push(event);
  return { epochs, checkpoints, computed: epochs.map((e) => e.computed), state: await model.state() };
}

describe('draws', () => {
  it('of a picture do not depend on those beside it', () => {
    const draws = (order: number[]) => {
      const { draw } = transformed(constant(tinyPictures.slice(0, 3 * each), [3, 3, side, side]), some);
      const feeds = Object.values(draw(order.map((i) => new Random(i)))) as (Float32Array | Int32Array)[];
      const [places, matrices] = feeds as [Float32Array, Float32Array];
      return order.map((_, k) => [...places.slice(10 * k, 10 * k + 10), ...matrices.slice(9 * k, 9 * k + 9)]);
    };
    const [a, b, c] = draws([1, 2, 3]);
    expect(draws([3, 1, 2])).toEqual([c, a, b]);
  });

  it('Beta has its moments, and mixing its closed forms', () => {
    const random = new Random('beta');
    for (const alpha of [0.2, 1, 3]) {
      const list = Array.from({ length: 4000 }, () => random.beta(alpha));
      const moment = (k: number) => list.reduce((m, v) => m + (v - 0.5) ** k, 0) / list.length;
      const variance = 1 / (4 * (2 * alpha + 1));
      // Four standard errors.
      expect(Math.abs(moment(1))).toBeLessThan(4 * Math.sqrt(variance / list.length));
      expect(Math.abs(moment(2) / variance - 1)).toBeLessThan(4 * Math.sqrt(2 / list.length));
    }
    for (let k = 0; k < 50; k++) {
      const { share, box } = drawMixing(random, { cutmix: 1 }, [12, 20]);
      const [top, bottom, left, right] = box;
      if (box === NO_BOX) expect(share).toBe(1);
      else {
        expect(share).toBeCloseTo(1 - ((bottom - top + 1) * (right - left + 1)) / 240, 12);
        expect([top >= 0, left >= 0, bottom < 12, right < 20]).toEqual([true, true, true, true]);
      }
    }
  });
});

describe('mixing', () => {
  it('blends with the next picture, cuts a box from it, leaves the rest; targets follow', async () => {
    const x = tinyPictures.slice(0, 4 * each);
    const mixings: Mixing[] = [
      { share: 0.3, box: NO_BOX },
      { share: 1 - 12 / 256, box: [2, 4, 5, 8] },
      { share: 1, box: NO_BOX },
    ];
    const { y, feeds } = mixed(constant(x, [4, 3, side, side]));
    const got = (await (await testEngine()).evaluate({ y }, feeds(mixings))).y;
    const wanted = x.slice();
    for (let i = 0; i < each; i++) {
      wanted[i] = 0.3 * x[i]! + 0.7 * x[each + i]!;
      const [row, column] = [Math.floor((i % 256) / side), i % side];
      if (row >= 2 && row <= 4 && column >= 5 && column <= 8) wanted[each + i] = x[2 * each + i]!;
    }
    expect(compare(got.slice(0, each), wanted.slice(0, each)).maxRel).toBeLessThan(tolerance.op);
    expect(got.slice(each)).toEqual(wanted.slice(each));
    const targets = Float32Array.of(1, 0, 0, 1, 0.5, 0.5, -Infinity, -Infinity);
    mixTargets(targets, 2, mixings);
    const cut = 12 / 256;
    expect(compare(targets.slice(0, 6), [0.3, 0.7, 0.5 * cut, 1 - cut + 0.5 * cut, 0.5, 0.5]).maxAbs).toBeLessThan(
      1e-7,
    );
    expect(targets[6]).toBe(-Infinity);
  });
});

describe('a training with augmentation', () => {
  it('is the same for the same seed, another for another', async () => {
    const options = { augment: some, mixup: 0.4, cutmix: 1 };
    const [a, b, other] = [await run(options), await run(options), await run({ ...options, seed: 5 })];
    expect(a.state).toEqual(b.state);
    expect(a.computed).toEqual([undefined, undefined]);
    expect(a.state.get('fc.weight')).not.toEqual(other.state.get('fc.weight'));
    // From the first epoch's checkpoint on.
    expect((await run({ ...options, resume: a.checkpoints[0]! })).state).toEqual(a.state);
    await expect(run({ ...options, augment: [flip()], resume: a.checkpoints[0]! })).rejects.toThrow(/augment was/);
  });

  it('changes nothing where it is off, and flips where it always flips', async () => {
    const off = await run({ cache: false });
    expect((await run({ cache: false, augment: [] })).state).toEqual(off.state);
    const samples = Array.from(tinyTargets, (label, i) => {
      const input = tinyPictures.slice(i * each, (i + 1) * each);
      return { input: input.map((_, k) => input[k - (k % side) + side - 1 - (k % side)]!), label };
    });
    const flipped = await run({ cache: false }, inMemory(samples, tinyClasses));
    const made = await run({ augment: [flip(1)] });
    expect(made.state).toEqual(flipped.state);
    expect(made.epochs[0]!.validation).toEqual(flipped.epochs[0]!.validation);
    expect(made.state.get('fc.weight')).not.toEqual(off.state.get('fc.weight'));
  });

  it('keeps so many views of each picture, to the same bits', async () => {
    const options = { augment: some, views: 2, epochs: 4 };
    const kept = await run(options);
    // Twelve pictures to train on, five held out.
    expect(kept.computed).toEqual([17, 12, 0, 0]);
    expect((await run({ ...options, cache: false })).state).toEqual(kept.state);
  });

  it.each<[string, Partial<FitOptions>, RegExp]>([
    ['another size', { augment: [crop(2)] }, /12 x 12|\[12,12\]/],
    ['no transform', { augment: [3 as never] }, /augment/],
    ['views of what is mixed', { augment: [flip()], views: 2, mixup: 1 }, /views is 2/],
    ['views of nothing', { views: 2 }, /views is 2/],
    ['mixup of 0', { mixup: 0 }, /mixup is 0/],
  ])('refuses %s', async (_, options, message) => {
    await expect(run(options)).rejects.toThrow(message);
  });
});
