/**
 * npm run bench:explain [-- --model MODEL.onnx --masks 256 --batch 8 --rounds 5]: what methods of many masks cost beside
 * as many forward passes of the same batch size, by time; test/explain/costs.test.ts counts the passes themselves. Writes
 * out/bench/explain.json.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { createExplainer, type MethodOptions } from '../src/explain/index.ts';
import { median } from '../src/median.ts';
import { createEngine, loadOnnxFile } from '../src/node/index.ts';
import { Random } from '../src/random.ts';
import { interleaved } from './measure.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'weights/shapes.onnx' },
    masks: { type: 'string', default: '256' },
    batch: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '5' },
  },
});
const [masks, batch, rounds] = [Number(values.masks), Number(values.batch), Number(values.rounds)];

const engine = await createEngine({ log: console.log });
const model = await loadOnnxFile(engine, values.model);
const random = new Random('bench explain');
const size = model.pictureShape.reduce((a, b) => a * b);
const pictures = Float32Array.from({ length: batch * size }, () => random.normal());
const forward = await engine.compile({ outputs: { logits: model.graph({ batch }).logits } });

const methods: readonly MethodOptions[] = [
  { method: 'lime', samples: masks, batch, segmentation: 'grid' },
  { method: 'kernel-shap', samples: masks, batch, cells: 4 },
  { method: 'rise', samples: masks, batch },
];
const contenders = [
  {
    name: 'forward',
    async run() {
      for (let i = 0; i < masks; i += batch) await forward.run({ [model.inputName]: pictures });
    },
  },
];
for (const options of methods) {
  const explainer = await createExplainer(model, options);
  const run = () => explainer.run(pictures.subarray(0, size), { target: 0 }) as Promise<unknown>;
  contenders.push({ name: options.method, run: run as () => Promise<void> });
}
const samples = await interleaved(contenders, rounds);
const base = median(samples['forward']!);
console.log(`${values.model}, ${masks} masks in batches of ${batch}, median of ${rounds} interleaved rounds`);
console.log(`  ${'forward passes'.padEnd(16)} ${base.toFixed(0).padStart(7)} ms`);
const ratios: Record<string, number> = {};
for (const { method } of methods) {
  const ms = median(samples[method]!);
  ratios[method] = Number((ms / base).toFixed(3));
  console.log(`  ${method.padEnd(16)} ${ms.toFixed(0).padStart(7)} ms, ${(ms / base).toFixed(2)} of them`);
}
mkdirSync('out/bench', { recursive: true });
writeFileSync('out/bench/explain.json', `${JSON.stringify({ model: values.model, masks, batch, rounds, adapter: engine.description, forwardMs: base, ratios }, null, 2)}\n`); // prettier-ignore
engine.dispose();
process.exit(0);
