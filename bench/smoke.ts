/**
 * npm run bench:smoke: ResNet-50 at 224 x 224, batch 1, warm: forward, input gradient, planned memory; and six layer
 * shapes beside tfjs-webgpu on the same adapter in the same process. Writes out/bench/smoke.json.
 */
import { execSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { grad } from '../src/autograd/grad.ts';
import { Model } from '../src/model/model.ts';
import { resnetGraph } from '../scripts/resnet.ts';
import { createEngine } from '../src/node/index.ts';
import { readOnnxFile } from '../src/node/onnx.ts';
import { importOnnx, OnnxNetwork } from '../src/onnx/network.ts';
import { sum } from '../src/ops/reduce.ts';
import { slice } from '../src/ops/slice.ts';
import { Random } from '../src/random.ts';
import { benchLayers } from './layers.ts';
import { median } from '../src/median.ts';
import { interleaved } from './measure.ts';
import { openPeer } from './peer.ts';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' } } });
const rounds = Number(values.rounds);
const data = process.env['WGRAD_DATA'] ?? fileURLToPath(new URL('../../shared/data', import.meta.url));
const file = `${data}/models/resnet50-coarse.onnx`;
const engine = await createEngine({ log: console.log });

async function resnet50(): Promise<[string, Model]> {
  if (existsSync(file)) {
    const { bytes, ...rest } = await readOnnxFile(file);
    return ['resnet50-coarse.onnx', new Model(engine, await importOnnx(bytes, rest))];
  }
  // Without the reference weights: the same stages on a 3x3 stem of stride 2, fresh weights.
  const shape = { widths: [64, 128, 256, 512], blocks: [3, 4, 6, 3], strides: [2, 2, 2, 2], stem: 64, side: 224 };
  const classes = Array.from({ length: 20 }, (_, i) => `class ${i}`);
  const graph = resnetGraph({ ...shape, classes, mean: [0, 0, 0], std: [1, 1, 1], seed: 0 });
  return ['a fresh ResNet-50 with a 3x3 stem', new Model(engine, new OnnxNetwork(graph))];
}

const [name, model] = await resnet50();
const random = new Random('bench');
const pixels = Float32Array.from({ length: 3 * 224 * 224 }, () => random.normal());
const graph = model.graph();
const forward = await engine.compile({ outputs: { logits: graph.logits } });
const [dx] = grad(sum(slice(graph.logits, [0, 0], [1, 1])), [graph.input]);
const backward = await engine.compile({ outputs: { dx: dx! } });
const feeds = { [model.inputName]: pixels };
const network = await interleaved(
  [
    { name: 'forward', run: () => forward.run(feeds) },
    { name: 'gradient', run: () => backward.run(feeds) },
  ],
  rounds,
);
const [f, g] = [median(network['forward']!), median(network['gradient']!)];
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
console.log(`${name}, 224 x 224, batch 1, median of ${rounds} interleaved rounds`);
console.log(`  forward                     ${f.toFixed(0)} ms, ${(forward.stats.flops / f / 1e6).toFixed(1)} GFLOP/s`);
console.log(`  gradient of a logit w.r.t. the input  ${g.toFixed(0)} ms, ${(g / f).toFixed(2)} forwards`);
console.log(
  `  planned activation memory   ${megabytes(forward.stats.plannedBytes)} forward, ${megabytes(backward.stats.plannedBytes)} gradient`,
);
const memory = { forward: forward.stats.plannedBytes, gradient: backward.stats.plannedBytes };
forward.dispose();
backward.dispose();
model.dispose();

const rows = await benchLayers(engine, await openPeer(), rounds);
console.log(
  `\n${'layer'.padEnd(24)} ${'pass'.padEnd(16)} ${'wgrad ms'.padStart(9)} ${'tfjs ms'.padStart(9)} ${'ratio'.padStart(6)} ${'error'.padStart(8)}`,
);
for (const r of rows) {
  const cells = [r.ours.toFixed(1).padStart(9), r.tfjs.toFixed(1).padStart(9), r.ratio.toFixed(1).padStart(6)];
  console.log(`${r.layer.padEnd(24)} ${r.pass.padEnd(16)} ${cells.join(' ')} ${r.error.toExponential(0).padStart(8)}`);
}
const slower = rows.filter((r) => r.ratio <= 1);
console.log(
  slower.length ? `slower than tfjs on ${slower.length} of ${rows.length}` : `faster than tfjs on all ${rows.length}`,
);
mkdirSync('out/bench', { recursive: true });
const commit = execSync('git rev-parse --short HEAD').toString().trim();
const report = {
  adapter: engine.description,
  node: process.version,
  commit,
  model: name,
  network,
  memory,
  layers: rows,
};
writeFileSync('out/bench/smoke.json', JSON.stringify(report, null, 1));
process.exit(0);
