/**
 * The recipe of docs/train.md on the reference photographs, in code: a fresh head on the frozen ResNet-50 first, then
 * layer4 with it. Draws the curve and prints the table of the classes.
 *
 *     npx tsx scripts/recipe.ts ../shared/data [--epochs 30,2] [--cache FOLDER] [--out docs/train]
 *
 * With a folder for the cache a second run finds the features of the first.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { preprocessOf } from '../src/model/image_space.ts';
import { byteFolder, createEngine, folderDataset, loadOnnxFile, writeWhole } from '../src/node/index.ts';
import { chartFile, lineChart, percent } from '../src/report/index.ts';
import { classReport, fit, sgd, type Evaluation, type FitOptions } from '../src/train/index.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    epochs: { type: 'string', default: '30,2' },
    cache: { type: 'string' },
    out: { type: 'string', default: 'docs/train' },
  },
});
const data = positionals[0] ?? '../shared/data';
const [first, second] = values.epochs.split(',').map(Number) as [number, number];
await using engine = await createEngine();
const model = await loadOnnxFile(engine, join(data, 'models/resnet50-coarse.onnx'));
const { train, validation } = await folderDataset(join(data, 'images'), preprocessOf(model), { width: 224, height: 224 }); // prettier-ignore
model.replaceHead('fc', { classes: train.classes, seed: 0 }).freeze().unfreeze('fc');
const store = values.cache === undefined ? undefined : await byteFolder(values.cache);

type Point = [epoch: number, accuracy: number];
const [trained, held]: [Point[], Point[]] = [[], []];
let evaluation: Evaluation | undefined;
const clock = () => ({ seconds: performance.now() / 1000, cpu: (process.cpuUsage().user + process.cpuUsage().system) / 1e6 }); // prettier-ignore

async function part(name: string, lr: number, epochs: number): Promise<void> {
  const before = held.length;
  const options: FitOptions = {
    optimizer: sgd({ lr, momentum: 0.9, weightDecay: 1e-3 }),
    ...{ epochs, batchSize: 16, schedule: 'cosine', labelSmoothing: 0.1, validation },
    cache: { memory: 800e6, ...(store && { store }) },
  };
  const start = clock();
  for await (const e of fit(model, train, options)) {
    if (e.type === 'step' && process.stderr.isTTY) process.stderr.write(`\r${name} ${e.step}/${e.steps}`);
    if (e.type !== 'epoch') continue;
    evaluation = e.validation!;
    trained.push([before + e.epoch, e.accuracy]);
    held.push([before + e.epoch, evaluation.accuracy]);
    const { seconds, cpu } = clock();
    console.log(`${name}, epoch ${e.epoch}: loss ${e.loss.toFixed(3)}, held out ${percent(evaluation.accuracy)}; ${e.seconds.toFixed(1)} s, frozen part for ${e.computed ?? 0}; ${(seconds - start.seconds).toFixed(0)} s and ${(cpu - start.cpu).toFixed(0)} CPU s so far`); // prettier-ignore
  }
}

await part('fc', 0.003, first);
if (second > 0) {
  model.unfreeze('layer4');
  await part('layer4 and fc', 0.0003, second);
}
const chart = lineChart({
  title: second > 0 ? `Right answers; from epoch ${first + 1} on layer4 is trained too` : 'Right answers',
  x: { label: 'epoch', isWhole: true },
  y: { label: 'right', domain: [0, 1], format: (v) => percent(v, 0) },
  series: [
    { name: 'training', points: trained, color: 'var(--trained)' },
    { name: 'held out', points: held, color: 'var(--series-1)', dashed: true },
  ],
});
await writeWhole(join(values.out, 'recipe.svg'), chartFile(chart, 640));
const { perClass, macro } = classReport(evaluation!.confusion);
console.log('\n| class | precision | recall | F1 | photographs |\n| --- | ---: | ---: | ---: | ---: |');
for (const [c, m] of perClass.entries()) console.log(`| ${train.classes[c]} | ${percent(m.precision, 0)} | ${percent(m.recall, 0)} | ${percent(m.f1, 0)} | ${m.support} |`); // prettier-ignore
console.log(`| mean over classes | ${percent(macro.precision, 0)} | ${percent(macro.recall, 0)} | ${percent(macro.f1, 0)} | ${validation.length} |`); // prettier-ignore
