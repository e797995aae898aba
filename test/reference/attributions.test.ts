/** The attribution maps of ResNet-50 against PyTorch in float64. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createExplainer, type MethodOptions } from '../../src/explain/index.ts';
import type { Model } from '../../src/model/model.ts';
import { dataFolder } from '../support/data.ts';
import { testEngine } from '../support/engine.ts';
import { golden, goldenModel, type Golden } from '../support/golden.ts';
import { report, type Limit } from '../support/report.ts';
import { tolerance } from '../tolerance.ts';

const SIZE = 3 * 224 * 224;
/** Integrated gradients are 52 gradients a photograph. */
const timeout = 30 * 60_000;
const gradientLimit: Limit = { relL2: tolerance.resnetGradient, cosine: tolerance.cosine };
const camLimit: Limit = { relL2: tolerance.resnetCam, cosine: tolerance.cosine };

describe.skipIf(!dataFolder)('attributions of resnet50-coarse', () => {
  const check = report('Attributions, resnet50-coarse');
  let model: Model;
  let reference: Golden;
  let pictures: Float32Array;

  beforeAll(async () => {
    model = await goldenModel(await testEngine(), 'resnet50-coarse');
    reference = golden('resnet50-coarse-attributions');
    pictures = golden('resnet50-coarse-forward').tensor('input');
  });
  afterAll(() => model.dispose());

  /** Runs the method on both photographs. */
  async function maps(options: MethodOptions) {
    const explainer = await createExplainer(model, options);
    const results = [];
    for (const p of [0, 1]) results.push(await explainer.run(pictures.subarray(p * SIZE, (p + 1) * SIZE)));
    explainer.dispose();
    return results;
  }

  const methods: [entry: string, options: () => MethodOptions][] = [
    ['saliency', () => ({ method: 'gradient' })],
    ['input_x_gradient', () => ({ method: 'input-x-gradient' })],
    ['smoothgrad', () => ({ method: 'smoothgrad', noise: reference.tensor('noise') })],
    ['smoothgrad_sq', () => ({ method: 'smoothgrad', noise: reference.tensor('noise'), statistic: 'square' })],
    ['integrated_gradients', () => ({ method: 'integrated-gradients', steps: 50 })],
  ];

  it.each(methods)(
    '%s',
    async (entry, options) => {
      const results = await maps(options());
      results.forEach((result, p) => {
        const { target, f_x, f_baseline, sum } = reference.values[`p${p}.ig`];
        expect(result.target).toBe(target);
        check(`p${p}.${entry}`, result.map, reference.tensor(`p${p}.${entry}`), gradientLimit);
        check(`p${p}.${entry} f(x)`, [result.score], [f_x], { maxAbs: tolerance.logits });
        if (result.error.kind !== 'completeness') return;
        const { difference } = result.error;
        check(`p${p}.${entry} f(x) - f(0)`, [difference], [f_x - f_baseline], { maxAbs: 2 * tolerance.logits });
        check(`p${p}.${entry} sum`, [result.error.sum], [sum], { maxRel: tolerance.resnetGradient });
      });
    },
    timeout,
  );

  it.each([
    ['gradcam', 'the last stage, found', {}],
    ['layer3.gradcam', 'layer3', { layer: 'layer3' }],
  ])(
    '%s at %s',
    async (entry, _, layer) => {
      const raw = await maps({ method: 'grad-cam', ...layer, relu: false });
      raw.forEach(({ map }, p) => check(`p${p}.${entry}.raw`, map, reference.tensor(`p${p}.${entry}.raw`), camLimit));
      if (entry !== 'gradcam') return;
      (await maps({ method: 'grad-cam', ...layer })).forEach(({ map, upsampled }, p) => {
        check(`p${p}.gradcam.relu`, map, reference.tensor(`p${p}.gradcam.relu`), camLimit);
        const large = reference.tensor(`p${p}.gradcam.relu.bilinear224`);
        check(`p${p}.gradcam.relu.bilinear224`, upsampled!, large, camLimit);
      });
    },
    timeout,
  );
});
