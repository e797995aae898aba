/**
 * What units of a real ResNet respond to, drawn by Fourier spectra with Lucid's transforms and by bare pixels, and how
 * much of the activation is left when the pictures are moved a little: the table and the sheet of docs/visualize.md.
 *
 *     npx tsx scripts/see-units.ts MODEL.onnx [--units layer3:7,layer3:101,logit:dog] [--size 160] [--steps 256]
 *       [--decay 1] [--batch 4] [--sheet docs/units.webp] [--columns 7] [--out out/see-units]
 *
 * Units of a layer are drawn in one program, `batch` at a time; of those of layer3, what lies above it is not computed.
 * Pictures that are in the output folder are not drawn again: an interrupted run goes on with the batch it was at.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import * as ascent from '../src/ascent/index.ts';
import { frequency, realFft, spectrumIndex } from '../src/ascent/picture/fft.ts';
import { toInput } from '../src/ascent/picture/space.ts';
import { sceneOf } from '../src/ascent/scene.ts';
import { input } from '../src/graph/leaves.ts';
import { Model } from '../src/model/model.ts';
import { createEngine } from '../src/node/index.ts';
import { importOnnxFile } from '../src/node/onnx.ts';
import { Random } from '../src/random.ts';
import { fit, transformed } from '../src/transforms/index.ts';

const { values: o, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    units: {
      type: 'string',
      default:
        'layer3:7,layer3:101,layer3:245,layer3:378,layer3:55,layer3:412,layer3:633,layer3:902,' +
        'logit:dog,logit:bird,logit:arthropod,logit:road_rail_vehicle,logit:building_structure,logit:clothing',
    },
    size: { type: 'string', default: '160' },
    steps: { type: 'string', default: '256' },
    decay: { type: 'string', default: '1' },
    batch: { type: 'string', default: '4' },
    sheet: { type: 'string' },
    columns: { type: 'string', default: '7' },
    out: { type: 'string', default: 'out/see-units' },
  },
});
const [size, steps] = [Number(o.size), Number(o.steps)];
/** Moved copies of each picture. */
const COPIES = 16;
/** Units beside one another on the sheet. */
const COLUMNS = Number(o.columns);

const ways = {
  fourier: { picture: ascent.fourier({ decay: Number(o.decay) }), transforms: ascent.lucidTransforms(size) },
  pixels: { picture: ascent.pixels({ colours: 'none' }), transforms: [] },
};
type Way = keyof typeof ways;

interface Result {
  unit: string;
  way: Way;
  start: number;
  end: number;
  /** Mean over moved copies. */
  robust: number;
  /** Of the logarithm of the power over that of the frequency; photographs have about -2. */
  slope: number;
  seconds: number;
}

const engine = await createEngine();
const model = new Model(engine, await importOnnxFile(positionals[0]!, { size: [size, size] }));
mkdirSync(o.out, { recursive: true });

const objectiveOf = (unit: string): ascent.Objective => {
  const [layer, what] = unit.split(':') as [string, string];
  return layer === 'logit' ? ascent.logit(what) : ascent.channel(layer, Number(what));
};

async function robustActivation(objective: ascent.Objective, pixels: Float32Array): Promise<number> {
  const batch = 4;
  const given = input('pixels', [batch, 3, size, size]);
  const moved = transformed(given, [...ascent.lucidTransforms(size), fit([size, size])], { fill: 0.5 });
  const seen = toInput(moved.y, ascent.pixelSpace(model));
  const scene = sceneOf(model, model.graph({ input: seen }), { pixels: given, input: seen });
  const program = await engine.compile({ outputs: { score: objective.build(scene) } });
  const random = new Random('moved copies');
  const copies = Float32Array.from({ length: batch * pixels.length }, (_, i) => pixels[i % pixels.length]!);
  let sum = 0;
  for (let i = 0; i < COPIES; i += batch) {
    const { score } = await program.run({ pixels: copies, ...moved.draw(random) });
    sum += score.reduce((a, b) => a + b, 0);
  }
  program.dispose();
  return sum / COPIES;
}

/** Least squares of log power over log frequency, each octave of frequencies with the same weight. */
function spectrumSlope(pixels: Float32Array): number {
  const rings = new Map<number, { power: number; count: number }>();
  for (let c = 0; c < 3; c++) {
    const spectrum = realFft(pixels.subarray(c * size * size, (c + 1) * size * size), [size, size]);
    for (let v = 0; v < size / 2; v++) {
      for (let u = 0; u < size; u++) {
        const f = frequency(u, v, size, size);
        if (f < 2 / size || f > 0.5) continue;
        const ring = Math.round(2 * Math.log2(f * size));
        const power = [0, 1].reduce((s, part) => s + spectrum[spectrumIndex(u, v, part as 0 | 1, size)]! ** 2, 0);
        const at = rings.get(ring) ?? { power: 0, count: 0 };
        rings.set(ring, { power: at.power + power, count: at.count + 1 });
      }
    }
  }
  const points = [...rings].map(([ring, { power, count }]) => [ring / 2, Math.log2(power / count)] as const);
  const mean = (k: 0 | 1) => points.reduce((s, p) => s + p[k], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  return points.reduce((s, p) => s + (p[0] - x) * (p[1] - y), 0) / points.reduce((s, p) => s + (p[0] - x) ** 2, 0);
}

const raw = (pixels: Float32Array) => {
  const data = new Uint8Array(pixels.length);
  const area = size * size;
  for (let i = 0; i < data.length; i++) data[i] = Math.round(255 * pixels[(i % 3) * area + Math.floor(i / 3)]!);
  return sharp(data, { raw: { width: size, height: size, channels: 3 } });
};

const fileOf = (unit: string, way: Way) =>
  `${o.out}/${unit.replace(':', '-')}-${way}${o.decay === '1' ? '' : o.decay}-${size}-${steps}`;
const isDrawn = (unit: string, way: Way) => existsSync(`${fileOf(unit, way)}.json`);
const resultOf = (unit: string, way: Way) => JSON.parse(readFileSync(`${fileOf(unit, way)}.json`, 'utf8')) as Result;

/** Draws units of one layer in one program, each as it would be drawn alone. */
async function draw(units: readonly string[], way: Way): Promise<void> {
  const objective = units.map(objectiveOf);
  const started = performance.now();
  let [start, end]: Float32Array[] = [];
  const run = ascent.ascend(model, { objective, steps, every: 32, ...ways[way] });
  const pictures: Float32Array[] = [];
  for await (const frame of run) {
    if (frame.step === 0) start = frame.objectives;
    const seconds = Math.round((performance.now() - started) / 1000);
    console.error(
      `${units.join(' ')} ${way} ${frame.step}: ${[...frame.objectives].map(short).join(' ')}; ${seconds} s`,
    );
    if (frame.step < steps) continue;
    end = frame.objectives;
    for (let i = 0; i < units.length; i++) pictures.push(await frame.pixels(i));
  }
  const seconds = (performance.now() - started) / 1000 / units.length;
  for (const [i, unit] of units.entries()) {
    const pixels = pictures[i]!;
    await raw(pixels)
      .png()
      .toFile(`${fileOf(unit, way)}.png`);
    const robust = await robustActivation(objective[i]!, pixels);
    const result: Result = {
      unit,
      way,
      start: start![i]!,
      end: end![i]!,
      robust,
      slope: spectrumSlope(pixels),
      seconds,
    };
    writeFileSync(`${fileOf(unit, way)}.json`, JSON.stringify(result));
    console.error(`${unit} ${way}: robust ${short(robust)}, slope ${short(result.slope)}`);
  }
}

const short = (v: number) => v.toFixed(2);
const units = o.units.split(',');
const layers = new Set(units.map((unit) => unit.split(':')[0]!));
for (const layer of layers) {
  const own = units.filter((unit) => unit.startsWith(`${layer}:`));
  for (let at = 0; at < own.length; at += Number(o.batch)) {
    for (const way of Object.keys(ways) as Way[]) {
      const missing = own.slice(at, at + Number(o.batch)).filter((unit) => !isDrawn(unit, way));
      if (missing.length > 0) await draw(missing, way);
    }
  }
}
const rows = units.map((unit) => [resultOf(unit, 'fourier'), resultOf(unit, 'pixels')] as const);

console.log(
  `| unit | robust: Fourier | pixels | ratio | slope: Fourier | pixels |\n| --- | --- | --- | --- | --- | --- |`,
);
for (const [f, p] of rows) {
  const cells = [f.unit, short(f.robust), short(p.robust), short(f.robust / p.robust), short(f.slope), short(p.slope)];
  console.log(`| ${cells.join(' | ')} |`);
}
console.log(`${engine.description}; ${size} pixels, ${steps} steps, ${COPIES} moved copies`);

if (o.sheet) {
  const tiles = await Promise.all(
    rows.flatMap((row, i) =>
      row.map(async ({ unit, way }, y) => ({
        input: await sharp(`${fileOf(unit, way)}.png`)
          .png()
          .toBuffer(),
        left: (i % COLUMNS) * (size + 4),
        top: (2 * Math.floor(i / COLUMNS) + y) * (size + 4),
      })),
    ),
  );
  const [width, height] = [
    Math.min(COLUMNS, rows.length) * (size + 4) - 4,
    2 * Math.ceil(rows.length / COLUMNS) * (size + 4) - 4,
  ];
  await sharp({ create: { width, height, channels: 3, background: '#ffffff' } })
    .composite(tiles)
    .webp({ quality: 88 })
    .toFile(o.sheet);
}
await engine.dispose();
