/** The same network on two drivers in one process: logits, an input gradient and a training step agree. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { shapesDataset } from '../../src/data/dataset.ts';
import type { Engine } from '../../src/engine.ts';
import { createExplainer } from '../../src/explain/index.ts';
import { Model } from '../../src/model/model.ts';
import { createEngine } from '../../src/node/index.ts';
import { packageFolder } from '../../src/node/package.ts';
import { importOnnx } from '../../src/onnx/network.ts';
import { loadBatch } from '../../src/train/dataset.ts';
import { sgd } from '../../src/train/optimizers.ts';
import { TrainStep } from '../../src/train/step.ts';
import { compare, tolerance } from '../tolerance.ts';

const open = (adapter: string) => createEngine({ adapter }).catch(() => undefined);
const other = (await open('gpu')) ?? (await open('lavapipe'));
if (!other) console.log('skipped: SwiftShader has nothing to be compared with (no GPU, no Mesa lavapipe 23 or newer)');

async function measure(engine: Engine) {
  const model = new Model(engine, await importOnnx(readFileSync(`${packageFolder}weights/shapes.onnx`)));
  const data = shapesDataset('two adapters', 4, model.preprocess!);
  const { pictures, targets } = await loadBatch(model, data, [0, 1, 2, 3], 4);
  const { input } = await data.get(0);
  const logits = (await model.run(input))[model.network.outputs[0]!]!;
  const explainer = await createExplainer(model, { method: 'gradient' });
  const { map } = await explainer.run(input, { target: 0 });
  explainer.dispose();
  model.freeze().unfreeze('layer4', 'fc').batchNorm('auto');
  const step = await TrainStep.create(model, { optimizer: sgd({ lr: 0.01, momentum: 0.9 }), batch: 4 });
  const { loss } = await step.run(pictures, targets);
  step.dispose();
  const parameters = await model.state();
  model.dispose();
  return { logits, map, loss, parameters };
}

describe.skipIf(!other)('SwiftShader and this machine’s other adapter', () => {
  let software: Engine;
  beforeAll(async () => void (software = await createEngine({ adapter: 'swiftshader' })));
  afterAll(() => {
    software.dispose();
    other?.dispose();
  });

  test('agree', async () => {
    expect(other!.description).not.toBe(software.description);
    const a = await measure(software);
    const b = await measure(other!);
    expect(compare(a.logits, b.logits).maxAbs).toBeLessThan(tolerance.logits);
    expect(compare(a.map, b.map).relL2).toBeLessThan(tolerance.miniGradient);
    expect(Math.abs(a.loss - b.loss)).toBeLessThan(tolerance.logits);
    for (const [name, value] of a.parameters) {
      expect(compare(value, b.parameters.get(name)!).maxRel, name).toBeLessThan(tolerance.longSum);
    }
  });
});
