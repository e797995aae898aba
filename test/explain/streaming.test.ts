/** Maps so far, progress, and aborts of every method that adds many passes up. */
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createExplainer, explain, type MethodName, type MethodOptions } from '../../src/explain/index.ts';
import type { Model } from '../../src/model/model.ts';
import { testEngine } from '../support/engine.ts';
import { spread } from '../support/gradcheck.ts';
import { compare } from '../tolerance.ts';
import { optionsOf } from './quick.ts';
import { pictureLike, residualModel } from './residual_network.ts';

const x = pictureLike(3);
let model: Model;
beforeAll(async () => {
  model = residualModel(await testEngine());
});
afterEach(() => vi.restoreAllMocks());

/** By engine; the games of Shapley values and LIME are in files of their own. Baselines and pictures that differ. */
const several = Float32Array.from({ length: 4 * x.length }, (_, i) => spread(x.length, 5 + Math.floor(i / x.length))[i % x.length]!); // prettier-ignore
const streaming: [engine: string, method: MethodName, options: object][] = [
  ['sums', 'smoothgrad', { samples: 9, batch: 2 }],
  ['sums', 'integrated-gradients', { steps: 8, batch: 2 }],
  ['sums', 'expected-gradients', { samples: 8, batch: 2 }],
  ['sums', 'rise', { samples: 20, batch: 4 }],
  ['sums', 'conductance', { steps: 8, batch: 2 }],
  ['sums', 'blur-ig', { steps: 6, batch: 2 }],
  ['rules', 'deep-shap', { baselines: several, batch: 1 }],
  ['masks', 'occlusion', { batch: 2 }],
  ['masks', 'score-cam', { batch: 2, layer: 'layer1', relu: false }],
  ['masks', 'feature-ablation', { batch: 2 }],
  ['masks', 'feature-permutation', { pictures: several }],
  ['own', 'ablation-cam', { batch: 2, layer: 'layer1', relu: false }],
  ['own', 'guided-ig', { steps: 8 }],
  ['own', 'meaningful-perturbation', { steps: 6 }],
  ['own', 'extremal-perturbation', { steps: 6 }],
];

/** The segment that is ablated last is the largest; a descent of six steps moves far in its last one. */
const farthest: Partial<Record<MethodName, number>> = { 'feature-ablation': 0.8, 'extremal-perturbation': 0.8 };

describe.each(streaming)('%s: %s', (_, method, more) => {
  const options = { ...optionsOf(method), ...more } as MethodOptions;

  it('hands on maps so far that come nearer, counts its progress, hears an abort and goes on afterwards', async () => {
    using explainer = await createExplainer(model, options);
    let clock = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => (clock += 1000));
    const [maps, counts]: [Float32Array[], number[]] = [[], []];
    const last = await explainer.run(x, {
      target: 1,
      onPartial: ({ map }) => maps.push(map),
      onProgress: ({ done, total }) => counts.push(done / total),
    });
    expect(maps.length).toBeGreaterThan(1);
    for (const map of maps) expect(map.length).toBe(last.map.length);
    const off = maps.map((map) => compare(map, last.map).relL2);
    expect(off[0]).toBeGreaterThan(1e-4);
    // What is still to come is a part of the whole; a map of another size would be off by more.
    expect(off.at(-1)).toBeLessThan(farthest[method] ?? 0.45);
    expect(counts).toEqual(counts.slice().sort((a, b) => a - b));
    expect(counts.at(-1)).toBe(1);

    const control = new AbortController();
    const reason = new Error('enough');
    const stopped = explainer.run(x, { target: 1, signal: control.signal, onProgress: () => control.abort(reason) });
    await expect(stopped).rejects.toBe(reason);
    expect((await explainer.run(x, { target: 1 })).map).toEqual(last.map);
  });
});

it('a variance so far is none: VarGrad hands on no map', async () => {
  let clock = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => (clock += 1000));
  const onPartial = vi.fn();
  await explain(model, x, { method: 'smoothgrad', statistic: 'variance', samples: 6, batch: 2, onPartial });
  expect(onPartial).not.toHaveBeenCalled();
});
