/** The CAM family at layer3 and layer4 of the mini models, the embedded model and ResNet-50 against float64. */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { explain, type MethodName, type MethodOptions } from '../../src/explain/index.ts';
import type { Model } from '../../src/model/model.ts';
import { dataFolder } from '../support/data.ts';
import { testEngine } from '../support/engine.ts';
import { shapesModel, golden, golden2, goldenModel, type Golden } from '../support/golden.ts';
import { report } from '../support/report.ts';
import { tolerance } from '../tolerance.ts';

const timeout = 30 * 60_000;

const onePass: [entry: string, method: MethodName][] = [
  ['gradcam', 'grad-cam'],
  ['gradcam++', 'grad-cam++'],
  ['hirescam', 'hires-cam'],
  ['layercam', 'layer-cam'],
  ['elementwise', 'elementwise-cam'],
  ['xgradcam', 'xgrad-cam'],
  ['eigencam', 'eigen-cam'],
  ['eigengradcam', 'eigengrad-cam'],
];

/** A principal component has no sign: the reference's is its library's. */
const alike = (map: Float32Array, expected: Float32Array) =>
  map.reduce((n, v, i) => n + v * expected[i]!, 0) < 0 ? map.map((v) => -v) : map;

describe.skipIf(!dataFolder)('class activation maps', () => {
  const check = report('CAM family');

  async function compareAll(
    model: Model,
    reference: Golden,
    name: string,
    x: Float32Array,
    limit: number,
    more: [string, MethodName][],
  ) {
    // prettier-ignore
    const target = reference.values[`${name}.target`] as number;
    for (const layer of ['layer3', 'layer4'])
      for (const [entry, method] of [...onePass, ...more]) {
        const key = `${name}.${layer}.${entry}.raw`;
        if (!reference.has(key)) continue;
        const { map } = await explain(model, x, { method, layer, relu: false, target } as MethodOptions & {
          target: number;
        });
        const expected = reference.tensor(key);
        const signed = method.startsWith('eigen') ? alike(map, expected) : map;
        // The G^3 in the denominator of Grad-CAM++ may pass near 0.
        check(key, signed, expected, { relL2: entry === 'gradcam++' ? 10 * limit : limit });
      }
  }

  it.each(['mini', 'shapes'])('%s', async (name) => {
    const engine = await testEngine();
    const model = name === 'mini' ? await goldenModel(engine, 'mini-legacy') : await shapesModel(engine);
    const reference = golden2('cam');
    const x = reference.tensor(`${name}.input`);
    const target = reference.values[`${name}.target`] as number;
    await compareAll(model, reference, name, x, tolerance.miniGradient, [
      ['scorecam', 'score-cam'],
      ['ablationcam', 'ablation-cam'],
    ]);
    const limit = { relL2: tolerance.miniGradient };
    for (const layer of ['layer3', 'layer4'])
      for (const [key, interpolation] of [['captum', 'nearest'], ['bilinear', 'bilinear']] as const) { // prettier-ignore
        const { map } = await explain(model, x, { method: 'guided-grad-cam', layer, interpolation, target });
        check(`${name}.${layer}.guided ${key}`, map, reference.tensor(`${name}.${layer}.guided_gradcam.${key}`), limit);
      }
    const guided = await explain(model, x, { method: 'guided-backprop', target });
    check(`${name}.guided_backprop`, guided.map, reference.tensor(`${name}.guided_backprop`), limit);
    const full = await explain(model, x, { method: 'full-grad', target });
    check(`${name}.fullgrad`, full.map, reference.tensor(`${name}.fullgrad.paper`), limit);
    model.dispose();
  }, timeout); // prettier-ignore

  describe('resnet50-coarse', () => {
    let model: Model;
    beforeAll(async () => {
      model = await goldenModel(await testEngine(), 'resnet50-coarse');
    });
    afterAll(() => model.dispose());

    it('photograph 0: one-pass maps, ablation at layer4, FullGrad, guided methods', async () => {
      const reference = golden2('cam-resnet');
      const x = golden('resnet50-coarse-forward').tensor('input').subarray(0, 3 * 224 * 224);
      await compareAll(model, reference, 'p0', x, tolerance.resnetCam, []);
      const target = reference.values['p0.target'] as number;
      const ablation = await explain(model, x, { method: 'ablation-cam', layer: 'layer4', relu: false, target });
      check('p0.layer4.ablationcam', ablation.map, reference.tensor('p0.layer4.ablationcam.raw'), { relL2: tolerance.resnetGradient }); // prettier-ignore
      const full = await explain(model, x, { method: 'full-grad', target });
      check('p0.fullgrad', full.map, reference.tensor('p0.fullgrad.paper'), { relL2: tolerance.resnetGradient });
      const attributions = golden('resnet50-coarse-attributions');
      for (const [method, key] of [['guided-backprop', 'guided_backprop'], ['deconvnet', 'deconvnet']] as const) { // prettier-ignore
        const { map } = await explain(model, x, { method, target });
        check(`p0.${key}`, map, attributions.tensor(`p0.${key}`), { relL2: tolerance.resnetGradient });
      }
    }, timeout); // prettier-ignore
  });
});
