/** `wgrad ascend`: draws what channels, neurons, layers and classes respond to. */
import { join } from 'node:path';
import {
  ascend,
  expressionUsage,
  fourier,
  inputSpace,
  lucidTransforms,
  pixels,
  type Ascent,
  type Frame,
  type Parametrization,
} from '../ascent/index.ts';
import type { Image } from '../image/image.ts';
import { encodePng } from '../image/png.ts';
import { preprocess } from '../image/preprocess.ts';
import type { Model } from '../model/model.ts';
import { animationFormats, encodeAnimation } from '../node/animation.ts';
import { decodeImage } from '../node/image.ts';
import { writeWhole } from '../node/write.ts';
import { atMost, choice, count, finite, name, positive } from '../options.ts';
import { percent, short } from '../report/index.ts';
import { writeSheet, type Drawn } from './ascend_sheet.ts';
import { comparesWith, layersOf, unitsOf, type Unit } from './ascend_units.ts';
import { defineCommand, type Context } from './command.ts';
import { onSwitch, outFolder, shownAs } from './kinds.ts';
import { imageOf, preprocessOf } from '../model/image_space.ts';
import { modelOptions, networkOf, pictureModelOf } from './model.ts';
import { fileName, numbered } from './names.ts';

const pictures: Readonly<Record<string, () => Parametrization>> = { fourier, pixels, input: inputSpace };

/** Frames of an animation. */
const FRAMES = 40;

interface Choices {
  steps: number;
  seed: number;
  picture: string;
  transforms: string;
  relu: 'plain' | 'guided' | 'rectified';
  lr: number | undefined;
  animate: string;
  out: string;
}

export const ascendCommand = defineCommand({
  summary: 'draw what units respond to',
  usage: '[--model FILE.onnx] UNIT...   (LAYER:3, LAYER:0-15, LAYER:*, LAYER:3@Y,X, logit:CLASS, or an expression)',
  arity: [1, Infinity],
  options: {
    ...modelOptions,
    steps: atMost(100_000, count(256, 'ascent steps')),
    seed: finite(0, 'of the noise and the transforms'),
    batch: atMost(256, count(8, 'units drawn at once')),
    picture: choice(['fourier', 'pixels', 'input'], 'fourier', 'what is climbed on: a spectrum, pixels, the input'),
    transforms: choice(['lucid', 'none'], 'lucid', 'what the network sees: the picture moved a little, or as it is'),
    relu: choice(['plain', 'guided', 'rectified'], 'plain', 'how gradients pass ReLUs'),
    lr: positive(undefined, "learning rate (default: the picture's)"),
    image: shownAs('FILE', name('a photograph to start from; for caricature, difference, style: to compare with')),
    animate: choice(['none', ...animationFormats], 'none', 'an animation of the steps beside each picture'),
    sheet: onSwitch('a page and one picture with all of them'),
    out: outFolder('out/ascend', 'folder to write'),
  },
  more: () =>
    `An expression: "channel(layer3,7) - 0.01*l1", "logit('pug, pug-dog') + 2*neuron(layer4,3)"; of ${expressionUsage.join(', ')}.`,
  async run(c, o) {
    const network = await networkOf(c, o);
    for (const text of c.positionals) for (const layer of layersOf(text)) network.resolve(layer);
    const photo = o.image === undefined ? undefined : await decodeImage(o.image);
    const model = await pictureModelOf(c, network);
    const [, height, width] = model.pictureShape;
    const given = photo && preprocess(photo, preprocessOf(model), { width, height });
    const units = c.positionals.flatMap((text) => unitsOf(model, text, { reference: given }));
    const files = numbered(units.map(({ text }) => fileName(text)));
    const drawn: Drawn[] = [];
    try {
      for (let at = 0; at < units.length; at += o.batch) {
        const some = units.slice(at, at + o.batch);
        const start = some.some(({ text }) => comparesWith(text)) ? undefined : given;
        await drawSome(c, model, some, files.slice(at), start, o, drawn);
      }
    } finally {
      if (o.sheet && drawn.length > 0) await c.hold(() => writeSheet(c, o.out, drawn, o.steps));
    }
    c.result(drawn.map(({ image: _, ...row }) => row));
  },
});

/** Draws units together, and writes them: the best so far too, where it is interrupted. */
async function drawSome(
  c: Context,
  model: Model,
  units: readonly Unit[],
  files: readonly string[],
  image: Float32Array | undefined,
  o: Choices,
  drawn: Drawn[],
): Promise<void> {
  const side = Math.min(model.pictureShape[1], model.pictureShape[2]);
  const run = ascend(model, {
    objective: units.map((u) => u.objective),
    steps: o.steps,
    seed: o.seed,
    picture: pictures[o.picture]!(),
    transforms: o.transforms === 'none' ? [] : lucidTransforms(side),
    relu: o.relu,
    every: Math.max(1, Math.floor(o.steps / FRAMES)),
    signal: c.signal,
    ...(o.lr !== undefined && { lr: o.lr }),
    ...(image && { image }),
  });
  const films: Image[][] = units.map(() => []);
  const label = units.length === 1 ? units[0]!.text : `${units[0]!.text} to ${units.at(-1)!.text}`;
  let [first, last]: (Frame | undefined)[] = [];
  try {
    for await (const frame of run) {
      first ??= frame;
      last = frame;
      c.progress(label, frame.step, o.steps);
      if (o.animate === 'none') continue;
      for (const [i, film] of films.entries()) film.push(imageOf(model, await frame.image(i)));
    }
  } finally {
    if (first && last) await c.hold(() => write(c, model, units, files, run, first!, last!, films, o, drawn));
  }
}

async function write(
  c: Context,
  model: Model,
  units: readonly Unit[],
  files: readonly string[],
  run: Ascent,
  first: Frame,
  last: Frame,
  films: readonly Image[][],
  o: Choices,
  drawn: Drawn[],
): Promise<void> {
  const isWhole = last.step === o.steps;
  for (const [i, { text, objective }] of units.entries()) {
    // What was interrupted leaves its best picture; a whole run its last, which has settled.
    const image = imageOf(model, isWhole ? await last.image(i) : (await run.best(i)).image);
    const file = join(o.out, `${files[i]}.png`);
    await writeWhole(file, await encodePng(image));
    if (films[i]!.length > 1) {
      const format = o.animate as (typeof animationFormats)[number];
      await writeWhole(join(o.out, `${files[i]}.${format}`), await encodeAnimation(films[i]!, { format }));
    }
    const [start, end, dead] = [first.objectives[i]!, last.objectives[i]!, last.dead[i]!];
    const off = Number.isNaN(dead) || dead === 0 ? '' : `, off at ${percent(dead)} of its positions`;
    c.print(`${file}: ${objective.name} from ${short(start)} to ${short(end)}${off}`);
    drawn.push({ unit: text, name: objective.name, file, start, end, dead: Number.isNaN(dead) ? null : dead, steps: last.step, image }); // prettier-ignore
  }
}
