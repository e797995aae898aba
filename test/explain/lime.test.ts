/** LIME and ablation by segments on a linear model: its score is a sum over the segments, which a surrogate must find. */
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { createExplainer, explain, imageAndMask, markBoundaries } from '../../src/explain/index.ts';
import { constant } from '../../src/graph/leaves.ts';
import { blank } from '../../src/image/image.ts';
import type { Model } from '../../src/model/model.ts';
import { mul } from '../../src/ops/binary.ts';
import { sum } from '../../src/ops/reduce.ts';
import { reshape } from '../../src/ops/reshape.ts';
import { Program } from '../../src/plan/program.ts';
import { spread } from '../support/gradcheck.ts';
import { testEngine } from '../support/engine.ts';
import { compare, tolerance } from '../tolerance.ts';
import { tinyModel } from './tiny_network.ts';

const [h, w, classes] = [6, 9, 3];
const area = h * w;
const picture: [number, number, number] = [3, h, w];
const size = 3 * area;
const weights = spread(classes * size, 5);
const x = spread(size, 6).map((v) => Math.abs(v) / 3);
/** Thirds of each half: 6 segments of 3 x 3. */
const labels = Int32Array.from({ length: area }, (_, i) => 3 * Math.floor(i / w / 3) + Math.floor((i % w) / 3));
const segments = 6;
let model: Model;

beforeAll(async () => {
  model = tinyModel(await testEngine(), {
    picture,
    build: (x) => ({ logits: sum(mul(reshape(x, [x.shape[0]!, 1, size]), constant(weights, [classes, size])), [2]) }),
    metadata: { preprocess: { mean: [0.5, 0.25, 0], std: [0.5, 1, 2] } },
  });
});

const near = (actual: ArrayLike<number>, expected: ArrayLike<number>) =>
  expect(compare(actual, expected).maxRel).toBeLessThan(tolerance.longSum);

/** Sum over each segment of w_k (x - fill), by pixel index of [C,H,W]. */
function segmentValues(k: number, fill: (i: number) => number): Float64Array {
  const values = new Float64Array(segments);
  for (let i = 0; i < size; i++) values[labels[i % area]!]! += weights[k * size + i]! * (x[i]! - fill(i));
  return values;
}

const means = Float64Array.from({ length: 3 * segments }, (_, m) => {
  const [c, s] = [Math.floor(m / segments), m % segments];
  return x.reduce((n, v, i) => (Math.floor(i / area) === c && labels[i % area] === s ? n + v / 9 : n), 0);
});
const meanOf = (i: number) => means[Math.floor(i / area) * segments + labels[i % area]!]!;
const score = (k: number) => x.reduce((n, v, i) => n + v * weights[k * size + i]!, 0);

describe('lime', () => {
  const options = { method: 'lime', labels, samples: 100, batch: 8, alpha: 0 } as const;

  it('finds what each segment adds to a linear score', async () => {
    const result = await explain(model, x, { ...options, target: 1 });
    const values = segmentValues(1, meanOf);
    near(result.regions!.values, values);
    near(
      result.map,
      Float64Array.from(labels, (s) => values[s]!),
    );
    expect(result.shape).toEqual([1, h, w]);
    expect(result.score).toBeCloseTo(score(1), 3);
    expect(result.regions!.intercept! + values.reduce((a, b) => a + b, 0)).toBeCloseTo(score(1), 3);
    expect(result.regions!.prediction).toBeCloseTo(score(1), 3);
    expect(result.error).toEqual({ kind: 'surrogate-fit', r2: expect.closeTo(1, 5) });
  });

  it('weighs masks by their distance, and shrinks by alpha: the normal equations hold', async () => {
    const masks = Uint8Array.from({ length: 40 * segments }, (_, i) => (i < segments || (i * i) % 7 < 3 ? 1 : 0));
    for (const [distance, kernelWidth] of [
      ['cosine', 0.25],
      ['euclidean', 2],
    ] as const) {
      const { regions } = await explain(model, x, { ...options, masks, alpha: 2, distance, kernelWidth, target: 0 });
      const values = segmentValues(0, meanOf);
      const whole = score(0);
      const slopes = new Float64Array(segments);
      for (let k = 0; k < 40; k++) {
        const z = [...masks.subarray(k * segments, (k + 1) * segments)];
        const shown = z.reduce((a, b) => a + b, 0);
        const far = distance === 'cosine' ? 1 - shown / Math.sqrt(shown * segments || 1) : Math.sqrt(segments - shown);
        const y = whole - z.reduce((n, bit, s) => n + (1 - bit) * values[s]!, 0);
        const residual = y - z.reduce((n, bit, s) => n + bit * regions!.values[s]!, regions!.intercept!);
        z.forEach((bit, s) => (slopes[s]! += Math.sqrt(Math.exp(-((far / kernelWidth) ** 2))) * bit * residual));
      }
      near(slopes, regions!.values.map((v) => 2 * v)); // prettier-ignore
    }
  });

  it.each([
    ['its 0', { hide: 'zero' }, () => 0],
    ['a colour', { color: [255, 0, 51] }, (i: number) => [1, -0.25, 0.1][Math.floor(i / area)]!],
    ['a picture', { fill: x.map((v) => v * v) }, (i: number) => x[i]! ** 2],
  ] as const)('hides by %s of the input', async (_, hiding, fill) => {
    const { regions } = await explain(model, x, { ...options, ...hiding, target: 0 } as never);
    near(regions!.values, segmentValues(0, fill));
  });

  it('a batch of masks costs one run, whatever the number of targets, and only scores come back', async () => {
    using explainer = await createExplainer(model, options);
    const run = vi.spyOn(Program.prototype, 'run');
    const maps = await explainer.runEach(x, [2, 0, 1]);
    expect(run).toHaveBeenCalledTimes(Math.ceil(100 / 8));
    const read = await Promise.all(run.mock.results.map((r) => r.value as Promise<Record<string, Float32Array>>));
    for (const outputs of read) expect(Object.values(outputs).map((v) => v.length)).toEqual([8 * classes]);
    run.mockRestore();
    for (const [i, k] of [2, 0, 1].entries()) {
      expect(maps[i]!.target).toBe(k);
      near(maps[i]!.regions!.values, segmentValues(k, meanOf));
    }
  });

  it('hands on the map so far', async () => {
    let clock = 0;
    const now = vi.spyOn(performance, 'now').mockImplementation(() => (clock += 1000));
    const partial: Float32Array[] = [];
    const { map } = await explain(model, x, { ...options, target: 1, onPartial: (soFar) => partial.push(soFar.map) });
    now.mockRestore();
    expect(partial.length).toBe(Math.ceil(100 / 8) - 1);
    expect(compare(partial.at(-1)!, map).relL2).toBeLessThan(0.1);
    expect(compare(partial[0]!, map).relL2).toBeGreaterThan(0);
  });

  it('more segments than the first program holds', async () => {
    const large = tinyModel(await testEngine(), { picture: [1, 9, 9], build: (x) => ({ logits: reshape(x, [x.shape[0]!, -1]) }) }); // prettier-ignore
    const pixels = spread(81, 3);
    const found = await explain(large, pixels, {
      method: 'feature-ablation',
      segmentation: 'grid',
      cells: 9,
      target: 70,
    });
    expect(found.regions!.values).toHaveLength(81);
    near(
      found.map,
      pixels.map((v, i) => (i === 70 ? v : 0)),
    );
  });

  it('segments the picture itself; one seed, one result', async () => {
    const given = { method: 'lime', target: 0, samples: 60, kernelSize: 1, maxDistance: 1.5, segmentSeed: 1 } as const;
    const [a, again, b] = [
      await explain(model, x, given),
      await explain(model, x, given),
      await explain(model, x, { ...given, seed: 1 }),
    ];
    expect(new Set(a.regions!.labels).size).toBeGreaterThan(1);
    expect(a.map).toEqual(again.map);
    expect(a.map).not.toEqual(b.map);
  });

  it.each(['forward', 'highest'] as const)('%s selection of 2: the rest is 0', async (featureSelection) => {
    const { regions } = await explain(model, x, {
      ...options,
      target: 2,
      numFeatures: 2,
      featureSelection,
      samples: 400,
    });
    const values = segmentValues(2, meanOf);
    const order = [...values.keys()].sort((a, b) => Math.abs(values[b]!) - Math.abs(values[a]!));
    const chosen = [...regions!.values.keys()].filter((s) => regions!.values[s] !== 0);
    expect(chosen).toEqual(order.slice(0, 2).sort((a, b) => a - b));
  });

  it('refuses one segment, equal masks, masks that hide at first, NaN, and options of another way', async () => {
    const refused = async (given: object, code: string) => {
      await expect(explain(model, x, { ...options, ...given } as never)).rejects.toMatchObject({ code });
    };
    await refused({ labels: new Int32Array(area) }, 'invalid-argument');
    await refused({ masks: new Uint8Array(4 * segments).fill(1) }, 'invalid-argument');
    await refused({ masks: new Uint8Array(4 * segments) }, 'invalid-argument');
    await refused({ masks: new Uint8Array(5) }, 'shape');
    await refused({ kernelSize: 3 }, 'invalid-argument');
    await refused({ color: [1, 2, 3], fill: x }, 'invalid-argument');
    await expect(
      explain(
        model,
        x.map(() => NaN),
        options,
      ),
    ).rejects.toMatchObject({ code: 'not-finite' });
  });
});

describe('feature ablation and permutation', () => {
  it('each segment has what it adds', async () => {
    const result = await explain(model, x, { method: 'feature-ablation', labels, target: 1, batch: 4 });
    near(
      result.regions!.values,
      segmentValues(1, () => 0),
    );
  });

  it('permutation: the mean over other pictures, with its spread', async () => {
    const others = [2, 3, 4].map((seed) => spread(size, seed + 10));
    const pictures = Float32Array.from(others.flatMap((p) => [...p]));
    const result = await explain(model, x, { method: 'feature-permutation', labels, target: 1, pictures });
    near(
      result.regions!.values,
      segmentValues(1, (i) => others.reduce((n, p) => n + p[i]! / 3, 0)),
    );
    // Its spread, segment by segment: (sum of squares - n mean^2) / (n (n - 1)).
    const each = others.map((p) => segmentValues(1, (i) => p[i]!));
    const means = segmentValues(1, (i) => others.reduce((n, p) => n + p[i]! / 3, 0));
    const variance = means.reduce((n, mean, s) => n + each.reduce((t, v) => t + (v[s]! - mean) ** 2, 0) / 6, 0);
    const relative = Math.sqrt(variance / means.reduce((n, mean) => n + mean ** 2, 0));
    expect(result.error).toEqual({ kind: 'standard-error', samples: 3, relative: expect.closeTo(relative, 4) });
    await expect(explain(model, x, { method: 'feature-permutation', labels })).rejects.toMatchObject({
      code: 'invalid-argument',
    });
  });
});

describe('pictures of regions', () => {
  const regions = { labels: Int32Array.of(0, 1, 2, 3), values: Float64Array.of(0.5, -1, 2, 0) };
  const image = { width: 2, height: 2, data: Uint8Array.from({ length: 12 }, (_, i) => 10 + i) };

  it('both signs: the largest, tinted', () => {
    const shown = imageAndMask(image, regions, { positiveOnly: false, numFeatures: 2 });
    expect([...shown.mask]).toEqual([0, -1, 1, 0]);
    expect([...shown.image.data]).toEqual([10, 11, 12, 21, 14, 15, 16, 21, 18, 19, 20, 21]);
  });

  it('one sign, the rest hidden; a smallest weight', () => {
    const shown = imageAndMask(image, regions, { hideRest: true });
    expect([...shown.mask]).toEqual([1, 0, 1, 0]);
    expect([...shown.image.data]).toEqual([10, 11, 12, 0, 0, 0, 16, 17, 18, 0, 0, 0]);
    expect([...imageAndMask(image, regions, { minWeight: 0.6 }).mask]).toEqual([0, 0, 1, 0]);
    expect([...imageAndMask(image, regions, { negativeOnly: true }).mask]).toEqual([0, 1, 0, 0]);
  });

  it('borders in colour', () => {
    const labels = Int32Array.of(0, 0, 1);
    expect([...markBoundaries(blank(3, 1), labels).data]).toEqual([0, 0, 0, 255, 255, 0, 255, 255, 0]);
    expect(() => markBoundaries(blank(2, 1), labels)).toThrow(expect.objectContaining({ code: 'shape' }));
  });
});
