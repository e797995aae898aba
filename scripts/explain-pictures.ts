/**
 * The pictures of docs/explain.md: every method on one photograph, by ResNet-50.
 *
 *   npx tsx scripts/explain-pictures.ts MODEL.onnx [--only METHOD,...]
 *
 * Writes docs/explain/METHOD.webp, and what they were made with into docs/explain/maps.json. What is there already is
 * kept; --only makes it anew. A software adapter takes its time, so pictures are of 160 pixels, and methods that
 * sample take fewer samples than their defaults.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import {
  createExplainer,
  drawMap,
  methodNames,
  printError,
  type MethodName,
  type MethodOptions,
} from '../src/explain/index.ts';
import { fileName } from '../src/cli/names.ts';
import { imageOf, preprocessOf } from '../src/model/image_space.ts';
import { preprocess } from '../src/image/preprocess.ts';
import type { Image, RgbaImage } from '../src/image/image.ts';
import { createEngine, decodeImage, loadOnnxFile } from '../src/node/index.ts';
import { writeWhole } from '../src/node/write.ts';

const SIDE = 160;
const folder = 'docs/explain';
const photograph = `${folder}/chelsea.jpg`;

const { values, positionals } = parseArgs({ options: { only: { type: 'string' } }, allowPositionals: true });
const [file] = positionals;
if (!file) throw new Error('explain-pictures: which model? npx tsx scripts/explain-pictures.ts MODEL.onnx');

const engine = await createEngine();
const model = await loadOnnxFile(engine, file, { size: [SIDE, SIDE] });

const read = async (path: string) =>
  preprocess(await decodeImage(path), preprocessOf(model), { width: SIDE, height: SIDE });
const pixels = await read(photograph);
const image = imageOf(model, pixels);

/** Where the defaults take more than some dozens of passes. */
const fewer: { [N in MethodName]?: object } = {
  smoothgrad: { samples: 16 },
  'integrated-gradients': { steps: 24 },
  'blur-ig': { steps: 10 },
  'guided-ig': { steps: 14 },
  'expected-gradients': { samples: 15 },
  xrai: { steps: 8 },
  // At the last map, before a mean, every place has the same slope.
  'internal-influence': { layer: 'layer3', steps: 10 },
  conductance: { steps: 10 },
  'layer-integrated-gradients': { steps: 10 },
  'neuron-conductance': { neuron: 'layer3[:,:,4,2]', steps: 10 },
  lime: { samples: 96 },
  'kernel-shap': { cells: 4, samples: 64 },
  'exact-shap': { segmentation: 'slic', segmentCount: 7 },
  'permutation-shap': { cells: 4, permutations: 2 },
  'sampling-shap': { cells: 4, samples: 1 },
  'partition-shap': { maxEvals: 64 },
  'shap-interactions': { segmentation: 'slic', segmentCount: 7 },
  'feature-permutation': { pictures: await read(`${folder}/coffee.jpg`) },
  'meaningful-perturbation': { steps: 30 },
  'extremal-perturbation': { steps: 60, area: 0.2 },
  occlusion: { window: 40, stride: 20 },
  rise: { samples: 95 },
  // 256 channels instead of 2,048: as many passes.
  'score-cam': { layer: 'layer1' },
};

async function write(name: string, picture: Image | RgbaImage): Promise<void> {
  const channels = picture.data.length / (picture.width * picture.height);
  const raw = { width: picture.width, height: picture.height, channels: channels as 3 | 4 };
  const webp = sharp(Buffer.from(picture.data), { raw }).removeAlpha().webp({ quality: 82, effort: 6 });
  await writeWhole(`${folder}/${fileName(name)}.webp`, await webp.toBuffer());
}

const known = (() => {
  try {
    return JSON.parse(readFileSync(`${folder}/maps.json`, 'utf8')) as Record<string, object>;
  } catch {
    return {};
  }
})();

const [guess] = await model.classify(pixels);
console.log(`${photograph}: ${guess!.label} ${(100 * guess!.probability).toFixed(1)} %`);
await write('input', image);
const only = values.only?.split(',');
// The dearest last.
const order = methodNames.toSorted((a, b) => Number(a === 'score-cam') - Number(b === 'score-cam'));
for (const method of order) {
  if (only ? !only.includes(method) : method in known) continue;
  const started = performance.now();
  const options = fewer[method] ?? {};
  const explainer = await createExplainer(model, { method, ...options } as MethodOptions);
  const a = await explainer.run(pixels);
  explainer.dispose();
  await write(method, drawMap(image, a).picture);
  const seconds = Number(((performance.now() - started) / 1000).toFixed(1));
  // What is a number or a word can be told; the pictures cannot.
  const told = Object.fromEntries(Object.entries(options).filter(([, v]) => typeof v !== 'object'));
  known[method] = {
    options: told,
    explained: a.label ?? a.target,
    score: Number(a.score.toFixed(3)),
    error: printError(a.error),
  };
  const sorted = Object.fromEntries(methodNames.flatMap((n) => (n in known ? [[n, known[n]]] : [])));
  await writeWhole(`${folder}/maps.json`, `${JSON.stringify(sorted, null, 2)}\n`);
  console.log(`${method}: ${printError(a.error)}, ${seconds} s`);
}
engine.dispose();
process.exit(0);
