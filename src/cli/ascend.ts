/** `wgrad ascend`: draws what channels, neurons, layers and classes respond to. */
import { join } from 'node:path';
import {
  aligned,
  ascend,
  expressionUsage,
  fourier,
  inputSpace,
  lucidTransforms,
  opacity,
  pixels,
  pyramid,
  transparent,
  type Ascent,
  type Frame,
  type Parametrization,
} from '../ascent/index.ts';
import { WgradError } from '../errors.ts';
import type { Image, RgbaImage } from '../image/image.ts';
import { encodePng } from '../image/png.ts';
import { preprocess } from '../image/preprocess.ts';
import type { Model } from '../model/model.ts';
import { animationFormats, encodeAnimation } from '../node/animation.ts';
import { decodeImage } from '../node/image.ts';
import { writeWhole } from '../node/write.ts';
import { atMost, choice, count, finite, name, positive, whole } from '../options.ts';
import { percent, short } from '../report/index.ts';
import { dreamOf } from './ascend_dream.ts';
import { writeSheet, type Drawn } from './ascend_sheet.ts';
import { comparesWith, layersOf, unitsOf, type Unit } from './ascend_units.ts';
import { defineCommand, type Context } from './command.ts';
import { onSwitch, outFolder, shownAs } from './kinds.ts';
import { imageOf, preprocessOf } from '../model/image_space.ts';
import { modelOptions, networkOf, pictureModelOf } from './model.ts';
import { fileName, numbered } from './names.ts';

/** Spectra fall as fast as they are told to; the others have none. */
const spectra: Readonly<Record<string, (options: { decay: number }) => Parametrization>> = {
  ...{ fourier, aligned },
  transparent: (options) => transparent(fourier(options)),
};
const others: Readonly<Record<string, () => Parametrization>> = { pixels, input: inputSpace, pyramid };

/** Frames of an animation. */
const FRAMES = 40;

interface Choices {
  steps: number;
  seed: number;
  picture: Parametrization;
  pictures: number;
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
    picture: choice(
      ['fourier', 'pixels', 'input', 'pyramid', 'aligned', 'transparent'],
      'fourier',
      'what is climbed on: a spectrum, pixels, the input, grids from coarse to fine, spectra that share low frequencies, a spectrum with opacity',
    ),
    decay: finite(
      undefined,
      'power of the frequency by which the amplitudes of a spectrum fall (default 1; 1.5 is coarser)',
    ),
    pictures: atMost(256, count(1, 'pictures of each unit, drawn together: for diversity, alignment, interpolated')),
    transforms: choice(['lucid', 'none'], 'lucid', 'what the network sees: the picture moved a little, or as it is'),
    relu: choice(['plain', 'guided', 'rectified'], 'plain', 'how gradients pass ReLUs'),
    lr: positive(undefined, "learning rate (default: the picture's)"),
    image: shownAs('FILE', name('a photograph to start from; for caricature, difference, style: to compare with')),
    octaves: atMost(
      16,
      whole(0, 'with --image: deep dream at the size of the photograph, in so many sizes that share --steps'),
    ),
    animate: choice(['none', ...animationFormats], 'none', 'an animation of the steps beside each picture'),
    sheet: onSwitch('a page and one picture with all of them'),
    out: outFolder('out/ascend', 'folder to write'),
  },
  more: () =>
    `An expression: "channel(layer3,7) - 0.01*l1", "logit('pug, pug-dog') + 2*neuron(layer4,3)"; of ${expressionUsage.join(', ')}.`,
  async run(c, o) {
    const choices = { ...o, picture: pictureOf(o) };
    const network = await networkOf(c, o);
    for (const text of c.positionals) for (const layer of layersOf(text)) network.resolve(layer);
    const photo = o.image === undefined ? undefined : await decodeImage(o.image);
    const model = await pictureModelOf(c, network);
    const [, height, width] = model.pictureShape;
    const given = photo && preprocess(photo, preprocessOf(model), { width, height });
    const units = c.positionals.flatMap((text) => unitsOf(model, text, { reference: given }));
    const clear = o.picture === 'transparent' ? units.map(costly) : units;
    const files = numbered(units.flatMap(({ text }) => Array<string>(o.pictures).fill(fileName(text))));
    const drawn: Drawn[] = [];
    if (o.octaves > 0) {
      if (!photo || units.some(({ text }) => comparesWith(text)))
        throw new WgradError('usage', '--octaves is for --image and what does not compare with it', { remedy: "Write for instance: 'layer(layer3)' --image photo.jpg --octaves 4" }); // prettier-ignore
      c.result((await dreamOf(c, model, photo, units, files, o)).map(({ image: _, ...row }) => row));
      return;
    }
    try {
      const batch = o.pictures > 1 ? 1 : o.batch;
      for (let at = 0; at < units.length; at += batch) {
        const some = clear.slice(at, at + batch).flatMap((unit) => Array<Unit>(o.pictures).fill(unit));
        const start = some.some(({ text }) => comparesWith(text)) ? undefined : given;
        await drawSome(c, model, some, files.slice(at * o.pictures), start, choices, drawn);
      }
    } finally {
      if (o.sheet && drawn.length > 0) await c.hold(() => writeSheet(c, o.out, drawn, o.steps));
    }
    c.result(drawn.map(({ image: _, ...row }) => row));
  },
});

/** @throws WgradError 'usage' where there is no spectrum to fall. */
function pictureOf({ picture, decay }: { picture: string; decay: number | undefined }): Parametrization {
  const spectrum = spectra[picture];
  if (spectrum) return spectrum({ decay: decay ?? 1 });
  if (decay === undefined) return others[picture]!();
  throw new WgradError('usage', `--decay is for spectra, which --picture ${picture} has none of`, {
    remedy: `Take --picture ${Object.keys(spectra).join(', ')}`,
  });
}

/** A unit whose picture is no more opaque than it needs to be. */
const costly = ({ text, objective }: Unit): Unit => ({ text, objective: objective.times(opacity().negated().plus(1)) });

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
    objective: o.pictures > 1 ? units[0]!.objective : units.map((u) => u.objective),
    pictures: units.length,
    steps: o.steps,
    seed: o.seed,
    picture: o.picture,
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
    const best = isWhole ? undefined : await run.best(i);
    const image = imageOf(model, best ? best.image : await last.image(i));
    const file = join(o.out, `${files[i]}.png`);
    const opaque = withOpacity(image, best ? best.pixels : await last.pixels(i));
    await writeWhole(file, await encodePng(opaque));
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

/** RGBA where there is a plane more than the colours. @param pixels as of a frame. */
function withOpacity(image: Image, pixels: Float32Array): Image | RgbaImage {
  const { width, height, data } = image;
  const area = width * height;
  // One channel is shown as grey: there the plane after it is the opacity.
  const planes = pixels.length / area;
  if (planes !== 2 && planes !== 4) return image;
  const at = (planes - 1) * area;
  const rgba = new Uint8ClampedArray(4 * area);
  for (let i = 0; i < area; i++)
    rgba.set([data[3 * i]!, data[3 * i + 1]!, data[3 * i + 2]!, 255 * pixels[at + i]!], 4 * i);
  return { width, height, data: rgba };
}
