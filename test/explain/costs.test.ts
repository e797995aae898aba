/** What methods say that they cost, and what they cost: every run of every program, counted in its plan's FLOPs. */
import { readFileSync } from 'node:fs';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { shapesDataset } from '../../src/data/dataset.ts';
import { SIDE } from '../../src/data/shapes.ts';
import { costOf, createExplainer, type MethodName, type MethodOptions } from '../../src/explain/index.ts';
import type { Model } from '../../src/model/model.ts';
import { loadOnnx } from '../../src/onnx/index.ts';
import { Instance } from '../../src/plan/instance.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { testEngine } from '../support/engine.ts';

/** Few passes, which fill whole batches. Of methods that share their code, one stands for all. */
const settings: Partial<Record<MethodName, object>> = {
  gradient: {},
  smoothgrad: { samples: 7 },
  'integrated-gradients': { steps: 6 },
  'blur-ig': { steps: 6 },
  'guided-ig': { steps: 6 },
  'expected-gradients': { samples: 7 },
  'grad-cam': {},
  'guided-grad-cam': {},
  'full-grad': {},
  'ablation-cam': {},
  'deep-shap': {},
  lrp: {},
  xrai: { steps: 2, regions: [Int32Array.from({ length: SIDE * SIDE }, (_, i) => Number(i < 2048))] },
  'layer-activation': {},
  'layer-gradient-x-activation': {},
  'internal-influence': { steps: 6 },
  conductance: { steps: 6 },
  'layer-integrated-gradients': { steps: 6 },
  'neuron-conductance': { neuron: 'layer3[:,7,3,3]', steps: 6 },
  lime: { samples: 32, segmentation: 'grid' },
  'feature-ablation': { segmentation: 'grid', cells: 6, batch: 37 },
  'kernel-shap': { samples: 30, cells: 4 },
  'exact-shap': { cells: 2 },
  'permutation-shap': { permutations: 1, cells: 4 },
  'sampling-shap': { samples: 1, cells: 2, batch: 2 },
  'meaningful-perturbation': { steps: 4 },
  occlusion: { window: 16, stride: 16, batch: 17 },
  rise: { samples: 31 },
};

/** How far the count may be from the claim. */
const ratio = { least: 0.6, most: 1.1 } as const;

/** Blurring by matrices is next to nothing at 224 pixels of ResNet-50, not at 64 of this network. */
const blurs: readonly MethodName[] = ['blur-ig'];

describe('costs', () => {
  let model: Model;
  let picture: Float32Array;
  let forward: number;
  let size: number;

  beforeAll(async () => {
    model = await loadOnnx(await testEngine(), readFileSync('weights/shapes.onnx'));
    size = model.pictureShape.reduce((a, b) => a * b);
    picture = (await shapesDataset('costs', 1, model.preprocess!).get(0)).input;
    using program = await model.engine.compile({ outputs: { logits: model.graph({ batch: 1 }).logits } });
    forward = program.stats.flops;
  });
  afterEach(() => vi.restoreAllMocks());

  async function counted(method: MethodName, options: object): Promise<{ forwards: number; read: Set<number> }> {
    const runs: Plan[] = [];
    const read = new Set<number>();
    vi.spyOn(Instance, 'create').mockImplementation(uncomputed(runs, read));
    using explainer = await createExplainer(model, { method, ...options } as MethodOptions);
    await explainer.run(picture, { target: 1 });
    return { forwards: runs.reduce((n, { stats }) => n + stats.flops, 0) / forward, read };
  }

  it.each(Object.entries(settings) as [MethodName, object][])('%s', async (method, options) => {
    const { forwards } = await counted(method, options);
    const claimed = costOf(method, { ...options }, size)!;
    expect(forwards / claimed, `${forwards} counted, ${claimed} claimed`).toBeGreaterThan(ratio.least);
    expect(forwards / claimed, `${forwards} counted, ${claimed} claimed`).toBeLessThan(blurs.includes(method) ? 1.5 : ratio.most); // prettier-ignore
  });

  it.each([
    ['lime', 64, { samples: 64, segmentation: 'grid', batch: 8 }],
    ['kernel-shap', 64, { samples: 64, cells: 4, batch: 8 }],
    ['rise', 64, { samples: 64, batch: 8 }],
  ] as const)(
    '%s with %d masks: no more than one further batch of forward passes, and only scores are read',
    async (method, masks, options) => {
      const { forwards, read } = await counted(method, options);
      expect(forwards).toBeGreaterThan(masks);
      // What is beside the masks is once, whatever their number: the whole picture, the hidden one, a last batch.
      expect(forwards).toBeLessThan(masks + 8.3);
      expect(costOf(method, { ...options, samples: 1000 }, size)).toBeLessThanOrEqual(1002);
      expect(Math.max(...read)).toBeLessThanOrEqual(options.batch * model.classes);
    },
  );
});

/** Instances that give each output values without computing them: the FLOPs of a run stand in its plan. */
const uncomputed = (runs: Plan[], read: Set<number>) => (plan: Plan) => {
  const submit = async () => {
    runs.push(plan);
    const outputs = [...plan.outputs].map(([name, { tensor }]) => [name, wave(tensor.size)] as const);
    for (const [, values] of outputs) read.add(values.length);
    return Object.fromEntries(outputs);
  };
  return Promise.resolve({ submit, destroy: () => undefined } as unknown as Instance);
};
const wave = (length: number) => Float32Array.from({ length }, (_, i) => 1.5 + Math.sin(i));
