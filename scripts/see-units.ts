/**
 * What units of a real ResNet respond to, drawn by Fourier spectra with Lucid's transforms and by bare pixels, and how
 * much of the activation is left when the pictures are moved a little: the table and the sheet of docs/visualize.md.
 *
 *     npx tsx scripts/see-units.ts MODEL.onnx [--units layer3:7,layer3:101,logit:dog] [--size 160] [--steps 256]
 *       [--sheet docs/units.webp] [--out out/see-units]
 *
 * Pictures that are in the output folder are not drawn again.
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
      default: 'layer3:7,layer3:101,layer3:245,layer3:378,logit:dog,logit:bird,logit:arthropod',
    },
    size: { type: 'string', default: '160' },
    steps: { type: 'string', default: '256' },
    sheet: { type: 'string' },
    out: { type: 'string', default: 'out/see-units' },
  },
});
const [size, steps] = [Number(o.size), Number(o.steps)];
/** Moved copies of each picture. */
const COPIES = 16;

const ways = {
  fourier: { picture: ascent.fourier(), transforms: ascent.lucidTransforms(size) },
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

async function draw(unit: string, way: Way): Promise<Result> {
  const file = `${o.out}/${unit.replace(':', '-')}-${way}-${size}-${steps}`;
  if (existsSync(`${file}.json`)) return JSON.parse(readFileSync(`${file}.json`, 'utf8')) as Result;
  const objective = objectiveOf(unit);
  const started = performance.now();
  let [start, end] = [NaN, NaN];
  let pixels = new Float32Array();
  for await (const frame of ascent.ascend(model, { objective, steps, every: 32, ...ways[way] })) {
    if (frame.step === 0) start = frame.objective;
    end = frame.objective;
    pixels = new Float32Array(await frame.pixels());
    console.error(`${unit} ${way} ${frame.step}: ${frame.objective.toFixed(3)}`);
  }
  const seconds = (performance.now() - started) / 1000;
  await raw(pixels).png().toFile(`${file}.png`);
  const robust = await robustActivation(objective, pixels);
  const result = { unit, way, start, end, robust, slope: spectrumSlope(pixels), seconds };
  writeFileSync(`${file}.json`, JSON.stringify(result));
  return result;
}

const units = o.units.split(',');
const rows: [Result, Result][] = [];
for (const unit of units) rows.push([await draw(unit, 'fourier'), await draw(unit, 'pixels')]);

const short = (v: number) => v.toFixed(2);
console.log(
  `| unit | robust: Fourier | pixels | ratio | slope: Fourier | pixels |\n| --- | --- | --- | --- | --- | --- |`,
);
for (const [f, p] of rows) {
  const cells = [f.unit, short(f.robust), short(p.robust), short(f.robust / p.robust), short(f.slope), short(p.slope)];
  console.log(`| ${cells.join(' | ')} |`);
}
console.log(`${engine.description}; ${size} pixels, ${steps} steps, ${COPIES} moved copies`);

if (o.sheet) {
  const layers = await Promise.all(
    rows.flatMap((row, x) =>
      row.map(async ({ unit, way }, y) => ({
        input: await sharp(`${o.out}/${unit.replace(':', '-')}-${way}-${size}-${steps}.png`)
          .png()
          .toBuffer(),
        left: x * (size + 4),
        top: y * (size + 4),
      })),
    ),
  );
  const [width, height] = [rows.length * (size + 4) - 4, 2 * size + 4];
  await sharp({ create: { width, height, channels: 3, background: '#ffffff' } })
    .composite(layers)
    .webp({ quality: 88 })
    .toFile(o.sheet);
}
await engine.dispose();
