/**
 * Trains the embedded model from scratch with wgrad itself and writes weights/shapes.onnx and weights/shapes.json.
 *
 *   npx tsx scripts/train-shapes.ts [--epochs 20] [--pictures 3072] [--out weights/shapes.onnx]
 *   npx tsx scripts/train-shapes.ts --evaluate weights/shapes.onnx
 *
 * Seeded: the same kernels on the same adapter give the same file. The second form trains nothing and counts how many
 * of the same 800 held-out pictures a model recognises.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { shapesDataset } from '../src/data/dataset.ts';
import { shapeClasses, SIDE } from '../src/data/shapes.ts';
import { Model } from '../src/model/model.ts';
import { resnetGraph } from './resnet.ts';
import { createEngine } from '../src/node/index.ts';
import { encodeOnnx } from '../src/onnx/export.ts';
import { importOnnx } from '../src/onnx/network.ts';
import { evaluate } from '../src/train/evaluate.ts';
import { fit } from '../src/train/fit.ts';
import { adamw } from '../src/train/optimizers.ts';

const { values } = parseArgs({
  options: {
    epochs: { type: 'string', default: '20' },
    pictures: { type: 'string', default: '3072' },
    lr: { type: 'string', default: '3e-3' },
    out: { type: 'string', default: 'weights/shapes.onnx' },
    evaluate: { type: 'string' },
  },
});
const [epochs, pictures] = [Number(values.epochs), Number(values.pictures)];
const seed = 1;

const engine = await createEngine({ log: console.log });
const preprocess = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };
const heldOut = shapesDataset(`held out ${seed}`, 800, preprocess);

if (values.evaluate) {
  const trained = new Model(engine, await importOnnx(readFileSync(values.evaluate)));
  const { accuracy: share } = await evaluate(trained, heldOut, { batchSize: 32 });
  console.log(`${values.evaluate}: held-out accuracy ${(100 * share).toFixed(1)} % of ${heldOut.length} pictures`);
  process.exit(0);
}

const fresh = resnetGraph({
  widths: [12, 20, 32, 48],
  blocks: [1, 1, 2, 1],
  strides: [2, 2, 1, 1],
  stem: 16,
  side: SIDE,
  classes: shapeClasses,
  seed,
  ...preprocess,
});
const model = new Model(engine, await importOnnx(encodeOnnx(fresh)));
model.unfreeze().batchNorm('train');

const started = performance.now();
const seconds = () => Math.round((performance.now() - started) / 1000);
let accuracy = 0;
const events = fit(model, shapesDataset(`train ${seed}`, pictures, preprocess), {
  optimizer: adamw({ lr: Number(values.lr), weightDecay: 0.02 }),
  schedule: (p) => Math.min(1, p * 20) * 0.5 * (1 + Math.cos(Math.PI * p)),
  epochs,
  batchSize: 32,
  labelSmoothing: 0.05,
  validation: heldOut,
  seed,
});
for await (const event of events) {
  if (event.type === 'step' && event.step % 32 === 0) {
    console.log(`step ${event.step}/${event.steps} loss ${event.loss.toFixed(3)} ${seconds()} s`);
  } else if (event.type === 'epoch') {
    accuracy = event.validation!.accuracy;
    console.log(
      `epoch ${event.epoch}: loss ${event.loss.toFixed(3)}, held-out accuracy ${(100 * accuracy).toFixed(1)} %`,
    );
    // After every epoch, so that an interrupted run leaves a usable model.
    writeFileSync(values.out, await model.saveOnnx());
  }
}
const report = {
  about:
    'Embedded model: a bottleneck ResNet trained from scratch by wgrad on generated pictures (src/data/shapes.ts).',
  command: `npx tsx scripts/train-shapes.ts --epochs ${epochs} --pictures ${pictures}`,
  adapter: engine.description,
  seconds: seconds(),
  heldOutPictures: heldOut.length,
  heldOutAccuracy: accuracy,
  classes: shapeClasses,
};
writeFileSync(values.out.replace(/\.onnx$/, '.json'), JSON.stringify(report, null, 2) + '\n');
engine.dispose();
process.exit(0);
