/** DeepSHAP of the mini models, the embedded model and ResNet-50 against float64, beside the peer's own error. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { explain, type Completeness } from '../../src/explain/index.ts';
import type { Model } from '../../src/model/model.ts';
import { dataFolder } from '../support/data.ts';
import { testEngine } from '../support/engine.ts';
import { shapesModel, golden, golden2, goldenModel, type Golden } from '../support/golden.ts';
import { report } from '../support/report.ts';
import { compare, tolerance } from '../tolerance.ts';

const timeout = 30 * 60_000;

describe.skipIf(!dataFolder)('DeepSHAP', () => {
  const check = report('DeepSHAP');
  let reference: Golden;
  beforeAll(() => {
    reference = golden2('shap');
  });

  it.each(['mini', 'shapes'])('%s: each of three baselines, and their mean', async (name) => {
    const engine = await testEngine();
    const model = name === 'mini' ? await goldenModel(engine, 'mini-legacy') : await shapesModel(engine);
    const x = reference.tensor(`${name}.input`);
    const all = reference.tensor(`${name}.baselines`);
    for (let k = 0; k < 3; k++) {
      const baselines = all.subarray(k * x.length, (k + 1) * x.length);
      const { map, error } = await explain(model, x, { method: 'deep-shap', baselines });
      check(`${name} baseline ${k}`, map, reference.tensor(`${name}.deep.baseline${k}`), {
        relL2: tolerance.miniGradient,
      });
      expect((error as Completeness).relativeGap).toBeLessThan(1e-3);
    }
    const { map } = await explain(model, x, { method: 'deep-shap', baselines: all });
    const mean = reference.tensor(`${name}.deep.mean`);
    check(`${name} mean`, map, mean, { relL2: tolerance.miniGradient });
    const peer = compare(reference.tensor(`${name}.deep.peer`), mean);
    console.log(`${name}: shap.DeepExplainer itself is off by ${peer.relL2.toExponential(2)} (relative L2)`);
    model.dispose();
  });

  describe('resnet50-coarse', () => {
    let model: Model;
    beforeAll(async () => {
      model = await goldenModel(await testEngine(), 'resnet50-coarse');
    });
    afterAll(() => model.dispose());

    it(
      'two photographs, two baselines',
      async () => {
        const attributions = golden('resnet50-coarse-attributions');
        const pictures = golden('resnet50-coarse-forward').tensor('input');
        const size = 3 * 224 * 224;
        for (const p of [0, 1]) {
          const x = pictures.subarray(p * size, (p + 1) * size);
          const baselines = attributions.tensor('baselines').subarray(0, 2 * size);
          const { map, error } = await explain(model, x, { method: 'deep-shap', baselines });
          check(`p${p} mean of 2`, map, attributions.tensor(`p${p}.deepshap.mean`), {
            relL2: tolerance.resnetGradient,
          });
          check(`p${p} additivity`, [(error as Completeness).relativeGap], [0], { maxAbs: 1e-3 });
        }
      },
      timeout,
    );
  });
});
