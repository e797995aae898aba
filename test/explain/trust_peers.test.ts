/** The values of Captum's formulas and of SHAP on the generated pictures (scripts/fixtures/trust_peers.py), and ours. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { shapeInput } from '../../src/data/dataset.ts';
import { shapePictures } from '../../src/data/shapes.ts';
import { asTrustResult, measureTrust, type MethodName, type MethodOptions } from '../../src/explain/index.ts';
import { testEngine } from '../support/engine.ts';
import { embeddedModel } from '../support/golden.ts';
import { tolerance } from '../tolerance.ts';

const path = 'test/fixtures/trust_peers.json';
const peers = asTrustResult(JSON.parse(readFileSync(path, 'utf8')), path);
/** Those that draw nothing at random, but the dearest and those that are others with a factor. */
const certain: MethodName[] = ['gradient', 'grad-cam', 'guided-grad-cam', 'lrp', 'occlusion', 'feature-ablation', 'deep-shap']; // prettier-ignore

it('the same picture by the same method is the same, pixel ranks and the energy on the object', async () => {
  const model = await embeddedModel(await testEngine());
  const samples = shapePictures('trust 0', 1).map((picture, i) => ({
    id: `seed 0, shape ${i}`,
    pixels: shapeInput(picture, model.preprocess!),
    mask: Float32Array.from(picture.mask, (v) => v / 255),
  }));
  const settings = certain.map((method) => ({ method }) as MethodOptions);
  const own = await measureTrust(model, samples, settings, { measures: ['pointing', 'energy', 'auc'], randomize: 0 });
  expect(own.targets).toEqual(peers.pictures.slice(0, 1).map((p) => p.target));
  for (const method of certain) {
    const theirs = peers.methods[method]!.values;
    for (const [name, values] of Object.entries(own.methods[method]!.values)) {
      values.forEach((v, i) => {
        const gap = Math.abs(v! - theirs[name as 'energy']![i]!);
        expect(gap, `${method}, ${name} of ${i}: ${v}, ${theirs[name as 'energy']![i]}`).toBeLessThan(
          tolerance.mapMeasure,
        );
      });
    }
  }
});
