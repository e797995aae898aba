/** Attributions of the mini models against PyTorch in float64. */
import { describe, expect, it } from 'vitest';
import { createExplainer } from '../../src/explain/index.ts';
import { dataFolder } from '../support/data.ts';
import { testEngine } from '../support/engine.ts';
import { golden, goldenModel } from '../support/golden.ts';
import { compare, tolerance } from '../tolerance.ts';

const cases = [
  ['mini-legacy', 'mini-bottleneck'],
  ['mini-folded', 'mini-bottleneck'],
  ['mini-dynamo', 'mini-basic'],
  ['mini-dynamo-bn', 'mini-basic'],
  ['mini-identity', 'mini-identity'],
] as const;

describe.skipIf(!dataFolder)('mini models, picture by picture', () => {
  it.each(cases)('%s: gradient of the predicted class, of the sum, and Grad-CAM', async (name, reference) => {
    const model = await goldenModel(await testEngine(), name);
    const { tensor, shape } = golden(reference);
    const pictures = tensor('input');
    const [batch] = shape('input') as [number];
    const size = pictures.length / batch;
    const close = (entry: string, i: number, actual: Float32Array) => {
      const expected = tensor(entry);
      const part = expected.length / batch;
      const { relL2 } = compare(actual, expected.subarray(i * part, (i + 1) * part));
      expect(relL2, `${entry} of picture ${i}`).toBeLessThan(tolerance.miniGradient);
    };
    // The CAM's layer is found, not named: the last stage.
    const gradient = await createExplainer(model, { method: 'gradient' });
    const all = await createExplainer(model, { method: 'sum-of-outputs' });
    const cam = await createExplainer(model, { method: 'grad-cam', relu: false });
    const named = await createExplainer(model, { method: 'grad-cam', relu: false, layer: 'layer4' });
    for (let i = 0; i < batch; i++) {
      const pixels = pictures.subarray(i * size, (i + 1) * size);
      close('grad_input.predicted', i, (await gradient.run(pixels)).map);
      close('grad_input.sum_logits', i, (await all.run(pixels)).map);
      const found = await cam.run(pixels);
      close('gradcam.layer4.raw', i, found.map);
      expect((await named.run(pixels)).map).toEqual(found.map);
    }
    for (const explainer of [gradient, all, cam, named]) explainer.dispose();
    model.dispose();
  });

  it('Grad-CAM does not care what is frozen', async () => {
    const model = await goldenModel(await testEngine(), 'mini-legacy');
    const pixels = golden('mini-bottleneck')
      .tensor('input')
      .subarray(0, 3 * 64 * 64);
    const run = async () => {
      const explainer = await createExplainer(model, { method: 'grad-cam', layer: 'layer3' });
      return (await explainer.run(pixels)).map;
    };
    model.unfreeze();
    const free = await run();
    model.freeze();
    expect(await run()).toEqual(free);
    model.dispose();
  });
});
