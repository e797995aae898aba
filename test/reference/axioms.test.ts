/** What the methods promise, on ResNet-50 and photographs: additivity, conservation, invariance under fusion, Shapley's. */
import { readFileSync, readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createExplainer, explain, type Completeness, type MethodOptions } from '../../src/explain/index.ts';
import { preprocess } from '../../src/image/preprocess.ts';
import { Model } from '../../src/model/model.ts';
import { decodeImage } from '../../src/node/index.ts';
import { unfused } from '../explain/residual_network.ts';
import { dataFolder } from '../support/data.ts';
import { testEngine } from '../support/engine.ts';
import { golden, goldenModel } from '../support/golden.ts';
import { compare, tolerance } from '../tolerance.ts';

const SIZE = 3 * 224 * 224;
const timeout = 30 * 60_000;

describe.skipIf(!dataFolder)('axioms on resnet50-coarse', () => {
  let model: Model;
  let x: Float32Array;
  beforeAll(async () => {
    model = await goldenModel(await testEngine(), 'resnet50-coarse');
    x = golden('resnet50-coarse-forward').tensor('input').subarray(0, SIZE);
  });
  afterAll(() => model.dispose());

  /** The first photograph of each of the first eight classes. */
  async function eight() {
    const folder = `${dataFolder}/images/val`;
    const files = readdirSync(folder).sort().slice(0, 8).map((kind) => `${folder}/${kind}/${readdirSync(`${folder}/${kind}`).sort()[0]}`); // prettier-ignore
    const pictures = [];
    for (const file of files) pictures.push(preprocess(await decodeImage(readFileSync(file)), model.preprocess!));
    return { files, pictures };
  }

  it(
    'DeepSHAP of eight photographs, two baselines: additive within 1e-3 of the score difference on each',
    async () => {
      const { files, pictures } = await eight();
      const baselines = golden('resnet50-coarse-attributions')
        .tensor('baselines')
        .subarray(0, 2 * SIZE);
      const maps = await explain(model, pictures, { method: 'deep-shap', baselines });
      for (const [i, { error, score, label }] of maps.entries()) {
        const { sum, difference, relativeGap } = error as Completeness;
        const name = files[i]!.split('/').slice(-2).join('/');
        console.log(
          `${name} (${label}): f(x) ${score.toFixed(4)}, f(x) - mean f(r) ${difference.toFixed(5)}, sum ${sum.toFixed(5)}, relative gap ${relativeGap.toExponential(1)}`,
        );
        expect(relativeGap, name).toBeLessThan(1e-3);
      }
    },
    timeout,
  );

  it(
    'relevance is conserved at every stage, residual joins included',
    async () => {
      const rules = { rule: 'z-plus', first: 'box', head: 'z-plus', join: 'positive' } as const;
      for (const layer of ['layer4', 'layer3', 'layer2', 'layer1', undefined]) {
        const { map, score } = await explain(model, x, { method: 'lrp', ...rules, ...(layer && { layer }) });
        const total = map.reduce((a, b) => a + b, 0);
        console.log(`LRP z-plus, sum at ${layer ?? 'the pixels'}: ${total.toFixed(5)} of ${score.toFixed(5)}`);
        expect(Math.abs(total - score) / Math.abs(score), layer ?? 'pixels').toBeLessThan(1e-3);
      }
    },
    timeout,
  );

  it('by default relevance loses the share of the classifier\'s bias alone', async () => {
    const { error } = await explain(model, x, { method: 'lrp' });
    const { sum, difference, relativeGap } = error as Completeness;
    console.log(`LRP by default: ${sum.toFixed(5)} of ${difference.toFixed(5)}, gap ${relativeGap.toExponential(1)}`);
    expect(relativeGap).toBeLessThan(1e-2);
  }, timeout); // prettier-ignore

  it.each<MethodOptions>([
    { method: 'gradient' },
    { method: 'deep-shap' },
    { method: 'lrp' },
    { method: 'grad-cam', layer: 'layer3', relu: false },
  ])(
    'fused and unfused graphs give one map: %o',
    async (options) => {
      const single = new Model(unfused(model.engine), model.network);
      const [a, b] = [await explain(model, x, options), await explain(single, x, options)];
      const { relL2 } = compare(b.map, a.map);
      console.log(`${options.method}: fused against unfused, relative L2 ${relL2.toExponential(1)}`);
      expect(relL2).toBeLessThan(tolerance.resnetGradient);
    },
    timeout,
  );

  it(
    "Shapley's: a hidden-alike cell is a dummy, sampled and exact values agree where all coalitions are there",
    async () => {
      // The mean colour hides nothing of a cell that has one colour.
      const grey = x.slice();
      for (let i = 0; i < SIZE; i++) {
        const [row, column] = [Math.floor(i / 224) % 224, i % 224];
        if (row < 112 && column < 112) grey[i] = 20;
      }
      const values = async (options: MethodOptions) => {
        using explainer = await createExplainer(model, options);
        const [a] = await explainer.runEach(grey, { top: 1 });
        expect((a!.error as Completeness).relativeGap).toBeLessThan(1e-4);
        return a!.regions!.values;
      };
      const exact = await values({ method: 'exact-shap', cells: 2 });
      const kernel = await values({ method: 'kernel-shap', cells: 2 });
      expect(exact[0]).toBe(0);
      expect(compare(kernel, exact).relL2).toBeLessThan(tolerance.longSum);
    },
    timeout,
  );
});
