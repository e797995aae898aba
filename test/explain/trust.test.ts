/** Trust reports: their values are those of the metrics, intervals cover, shards merge into the whole. */
import { beforeAll, describe, expect, it } from 'vitest';
import {
  asTrustResult,
  bootstrapMean,
  compareTrust,
  createExplainer,
  deletion,
  infidelity,
  insertion,
  maskScore,
  measureTrust,
  mergeTrust,
  muFidelity,
  road,
  sensitivityMax,
  sparseness,
  summarizeTrust,
  type MethodOptions,
  type TrustResult,
} from '../../src/explain/index.ts';
import type { Model } from '../../src/model/model.ts';
import { Random } from '../../src/random.ts';
import { testEngine } from '../support/engine.ts';
import { mean } from '../../src/ops/reduce.ts';
import { pictureLike, residualModel } from './residual_network.ts';
import { tinyModel } from './tiny_network.ts';

let model: Model;
const mask = Float32Array.from({ length: 256 }, (_, i) => (i % 16 < 6 ? 1 : 0));
const samples = [3, 4, 5].map((seed) => ({ id: `p${seed}`, pixels: pictureLike(seed), mask }));
const settings: MethodOptions[] = [{ method: 'input-x-gradient' }, { method: 'grad-cam', layer: 'layer1' }];
beforeAll(async () => {
  model = residualModel(await testEngine());
});

describe('bootstrapMean', () => {
  it('is about mean +- 1.96 s / sqrt(n), and the same for the same seed', () => {
    const random = new Random('interval');
    const values = Array.from({ length: 200 }, () => 3 + 2 * random.normal());
    const mean = values.reduce((a, b) => a + b, 0) / 200;
    const s = Math.sqrt(values.reduce((n, v) => n + (v - mean) ** 2, 0) / 199);
    const interval = bootstrapMean(values, { seed: 1 });
    expect(interval.mean).toBeCloseTo(mean, 10);
    const half = (1.96 * s) / Math.sqrt(200);
    expect(Math.abs(interval.high - mean - half)).toBeLessThan(0.15 * half);
    expect(Math.abs(mean - interval.low - half)).toBeLessThan(0.15 * half);
    expect(bootstrapMean(values, { seed: 1 })).toEqual(interval);
    expect(bootstrapMean(values, { seed: 2 })).not.toEqual(interval);
  });

  it('covers the true mean as often as it says, of hits too', () => {
    const random = new Random('coverage');
    let covered = 0;
    for (let k = 0; k < 200; k++) {
      const hits = Array.from({ length: 40 }, () => Number(random.uniform() < 0.6));
      const { low, high } = bootstrapMean(hits, { resamples: 300, seed: k });
      if (low <= 0.6 && 0.6 <= high) covered++;
    }
    expect(covered / 200).toBeGreaterThan(0.9);
    expect(covered / 200).toBeLessThan(0.99);
  });

  it('leaves NaN out; one value has no interval, none has no mean', () => {
    expect(bootstrapMean([NaN, 2, NaN])).toEqual({ mean: 2, low: -Infinity, high: Infinity, count: 1 });
    expect(bootstrapMean([NaN])).toMatchObject({ mean: NaN, count: 0 });
    expect(bootstrapMean([0.5, 0.5, 0.5])).toEqual({ mean: 0.5, low: 0.5, high: 0.5, count: 3 });
  });
});

describe('measureTrust', () => {
  it('gives what the metrics give, picture by picture', async () => {
    const { methods, targets } = await measureTrust(model, samples, settings, {
      measures: [
        'energy',
        'auc',
        'insertion',
        'deletion',
        'road',
        'mu-fidelity',
        'infidelity',
        'sensitivity',
        'sparseness',
        'own-error',
      ],
      randomize: 0,
      neighbours: 2,
    });
    const own = methods['input-x-gradient']!;
    using explainer = await createExplainer(model, { method: 'input-x-gradient' });
    for (const [i, { pixels }] of samples.entries()) {
      const a = await explainer.run(pixels);
      expect(a.target).toBe(targets[i]);
      const map = Float32Array.from({ length: 256 }, (_, k) => a.map[k]! + a.map[k + 256]! + a.map[k + 512]!);
      const target = a.target!;
      const expected = {
        energy: maskScore(map, mask).share,
        auc: maskScore(map, mask).auc,
        insertion: (await insertion(model, pixels, map, target)).auc,
        deletion: (await deletion(model, pixels, map, target)).auc,
        road: (await road(model, pixels, map, target)).change,
        'mu-fidelity': await muFidelity(model, pixels, map, target, { samples: 64 }),
        infidelity: (await infidelity(model, pixels, a.map, target, { perturb: 'squares', samples: 64, multipliesInput: true })).unexplained, // prettier-ignore
        sensitivity: (await sensitivityMax(explainer, pixels, { samples: 2, target })).value,
        sparseness: sparseness(map),
      };
      for (const [name, value] of Object.entries(expected)) {
        expect(own.values[name as keyof typeof expected]![i], `${name} of ${i}`).toBeCloseTo(value, 5);
      }
    }
    // Input x gradient promises no sum.
    expect(own.values['own-error']).toEqual([null, null, null]);
    expect(own.seconds.length).toBe(3);
    expect(own.forwards).toBe(2);
  });

  it('checks sanity on as many pictures as asked for, and puts the parameters back', async () => {
    const seen: string[] = [];
    const { methods } = await measureTrust(model, samples, settings, {
      measures: ['sparseness'],
      randomize: 0,
      onProgress: ({ method, done }) => seen.push(`${method} ${done}`),
    });
    expect(seen).toEqual(['input-x-gradient 1', 'input-x-gradient 2', 'input-x-gradient 3', 'grad-cam 1', 'grad-cam 2', 'grad-cam 3']); // prettier-ignore
    expect(methods['grad-cam']!.randomized).toEqual([]);
  });

  it('compares with a network that learnt random labels: itself is all alike, another network is not', async () => {
    const other = residualModel(await testEngine(), { bias: 3 });
    const left = async (twin: Model) => {
      const { methods } = await measureTrust(model, samples, settings.slice(0, 1), { measures: ['sparseness'], parameters: false, randomize: 2, twin }); // prettier-ignore
      expect(methods['input-x-gradient']!.randomized).toEqual([]);
      return methods['input-x-gradient']!.relabelled!;
    };
    const [same, another] = [await left(model), await left(other)];
    expect(same.stage).toBe('labels');
    for (const v of [...same.spearman, ...same.ssim]) expect(v).toBeCloseTo(1, 6);
    expect(another.spearman.length).toBe(2);
    for (const v of another.spearman) expect(v).toBeLessThan(0.95);
    const small = tinyModel(await testEngine(), { picture: [3, 8, 8], build: (t) => ({ logits: mean(t, [2, 3]) }) });
    await expect(left(small)).rejects.toMatchObject({ code: 'invalid-argument', message: expect.stringMatching(/other pictures/) }); // prettier-ignore
  });

  it('a method that cannot explain the model does not stop the others', async () => {
    const failures: string[] = [];
    const { methods, failed } = await measureTrust(model, samples, [{ method: 'grad-cam', layer: 'nowhere' }, ...settings.slice(0, 1)], { measures: ['sparseness'], randomize: 0, onFailure: (method) => failures.push(method) }); // prettier-ignore
    expect(failures).toEqual(['grad-cam']);
    expect(failed['grad-cam']).toMatch(/nowhere/);
    expect(Object.keys(methods)).toEqual(['input-x-gradient']);
  });

  it('refuses no picture, and measures of an object that nobody knows', async () => {
    await expect(measureTrust(model, [], settings)).rejects.toMatchObject({ code: 'dataset-empty' });
    const blind = samples.map(({ id, pixels }) => ({ id, pixels }));
    await expect(measureTrust(model, blind, settings, { measures: ['energy'] })).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringMatching(/energy/),
    });
    const stop = measureTrust(model, samples, settings, { signal: AbortSignal.abort() });
    await expect(stop).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe('shards', () => {
  const result = (part: number, of: number, values: number[]): TrustResult => ({
    kind: 'wgrad-trust',
    model: 'm',
    adapter: 'a',
    settings: { seed: 0 },
    shard: { part, of },
    pictures: values.map((v) => ({ id: `p${v}`, target: 0 })),
    forwardSeconds: 1,
    methods: { gradient: { options: {}, forwards: 2, seconds: values, values: { insertion: values }, randomized: part ? [] : [{ stage: 'fc', spearman: [0.5], ssim: [0.1] }] } }, // prettier-ignore
    failed: {},
  });

  it('merge into the whole, in the order of the set, whatever the order of the files', () => {
    const merged = mergeTrust([result(2, 3, [2, 5]), result(0, 3, [0, 3, 6]), result(1, 3, [1, 4])]);
    expect(merged.pictures.map((p) => p.id)).toEqual(['p0', 'p1', 'p2', 'p3', 'p4', 'p5', 'p6']);
    expect(merged.methods['gradient']!.values.insertion).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(merged.shard).toEqual({ part: 0, of: 1 });
    expect(summarizeTrust(merged)[0]!.measures.insertion).toMatchObject({ mean: 3, count: 7 });
  });

  it('what is left without the classifier, and of cascading stages at their end', () => {
    const randomized = [{ stage: 'fc', spearman: [0.5], ssim: [0] }, { stage: 'conv1', spearman: [0.1], ssim: [0] }]; // prettier-ignore
    const of = (mode: string) => {
      const plain = result(0, 1, [1]);
      const methods = { gradient: { ...plain.methods['gradient']!, randomized } };
      return summarizeTrust({ ...plain, settings: { mode }, methods })[0]!;
    };
    expect([of('cascading').headless?.mean, of('cascading').remains?.mean]).toEqual([0.5, 0.1]);
    // One stage by itself is no network of random weights.
    expect([of('independent').headless?.mean, of('independent').remains]).toEqual([0.5, undefined]);
  });

  it.each<[string, TrustResult[], RegExp]>([
    ['one that lacks', [result(0, 2, [1])], /part 1 of 2 lacks/],
    ['one twice', [result(0, 2, [1]), result(0, 2, [1])], /comes twice/],
    ['one that was interrupted', [result(0, 2, [1]), { ...result(1, 2, [2]), methods: {} }], /part 1 has no gradient/],
    ['another run', [result(0, 2, [1]), { ...result(1, 2, [2]), settings: { seed: 1 } }], /differ/],
  ])('%s is refused', (_, results, message) => {
    expect(() => mergeTrust(results)).toThrow(message);
  });

  it('other JSON is no result', () => {
    expect(() => asTrustResult({ kind: 'cake' }, 'x.json')).toThrow(/x\.json is no result/);
  });
});

describe('beside another library', () => {
  const result = (ids: string[], values: number[], more: Partial<TrustResult> = {}): TrustResult => ({
    kind: 'wgrad-trust',
    model: 'm',
    adapter: 'a',
    settings: {},
    shard: { part: 0, of: 1 },
    pictures: ids.map((id) => ({ id, target: 3 })),
    forwardSeconds: 1,
    methods: { gradient: { options: {}, forwards: 2, seconds: values, values: { energy: values }, randomized: [] } },
    failed: {},
    ...more,
  });
  const peer = result(['c', 'a', 'b'], [0.5, 0.1, 0.3], { by: 'Captum' });

  it('pairs the pictures that both have, whatever their order, and takes the differences in pairs', () => {
    const { by, pictures, rows } = compareTrust(result(['a', 'b', 'c', 'd'], [0.2, 0.4, 0.6, 0.9]), peer);
    expect([by, pictures, rows.length]).toEqual(['Captum', 3, 1]);
    const { own, other, difference } = rows[0]!.measures.energy!;
    expect(own.mean).toBeCloseTo(0.4, 10);
    expect(other.mean).toBeCloseTo(0.3, 10);
    // The same in every picture: certain, however the pictures differ.
    for (const v of [difference.mean, difference.low, difference.high]) expect(v).toBeCloseTo(0.1, 10);
    expect(rows[0]!.source).toBe('Captum');
  });

  it.each<[string, TrustResult, RegExp]>([
    ['other pictures', result(['x'], [1]), /none of the pictures \(x/],
    [
      'another class',
      { ...result(['a'], [1]), pictures: [{ id: 'a', target: 0 }] },
      /of 'a' it explains class 3, not 0/,
    ],
  ])('%s are refused', (_, own, message) => {
    expect(() => compareTrust(own, peer)).toThrow(message);
  });

  it("another model's result is refused", () => {
    expect(() => compareTrust(result(['a'], [1]), result(['a'], [1], { model: 'n' }))).toThrow(/it is of n, not of m/);
  });
});
