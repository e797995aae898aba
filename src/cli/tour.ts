/** `wgrad tour`, the main job: classify, explain, fine-tune, draw; one page that shows all of it. */
import { join } from 'node:path';
import { adam, ascend, channel, logit, type AscentOptimizer, type Objective } from '../ascent/index.ts';
import { WgradError } from '../errors.ts';
import {
  comparison,
  createExplainer,
  gridCss,
  gridHtml,
  maskScore,
  valuesOf,
  type Attribution,
  type MethodName,
  type MethodOptions,
} from '../explain/index.ts';
import { encodePng } from '../image/png.ts';
import type { Image } from '../image/image.ts';
import type { Model } from '../model/model.ts';
import { classFolders } from '../node/folder_dataset.ts';
import { writeWhole } from '../node/write.ts';
import { atMost, count, name } from '../options.ts';
import { gallery, percent, raw, renderPage, table, type Picture, type Section } from '../report/index.ts';
import { evaluate } from '../train/evaluate.ts';
import { fit } from '../train/fit.ts';
import { sgd } from '../train/optimizers.ts';
import { defineCommand, type Context } from './command.ts';
import { mapPng } from './explain_page.ts';
import { outFolder, shownAs } from './kinds.ts';
import { imageOf, modelOptions, networkOf, pictureModelOf } from './model.ts';
import { fileName } from './names.ts';
import { pictureOptions } from './pictures.ts';
import { photosTour, shapesTour, type TourData, type TourSample } from './tour_data.ts';

const methods: readonly MethodName[] = ['gradient', 'smoothgrad', 'integrated-gradients', 'grad-cam'];

/** Photographs at 224 pixels get fewer points. */
function fewer(method: MethodName): MethodOptions {
  if (method === 'smoothgrad') return { method, samples: 6, batch: 1 };
  if (method === 'integrated-gradients') return { method, steps: 24, batch: 1 };
  return { method } as MethodOptions;
}

/** Everything that a step of the tour works with. */
interface Tour {
  c: Context;
  model: Model;
  data: TourData;
  /** The folder that is written to. */
  out: string;
  /** Writes a PNG into the folder and returns it as a figure. */
  figure(name: string, image: Image, caption: string): Promise<Picture>;
}

async function classify({ model, data, figure, c }: Tour): Promise<Section> {
  const figures: Picture[] = [];
  let right = 0;
  for (const s of data.samples) {
    const top = await model.classify(s.input, { top: 3 });
    if (top[0]!.label === s.label) right++;
    const guesses = top.map(({ label, probability }) => `${label} ${percent(probability)}`).join(', ');
    c.note(`  ${s.label}: ${guesses}`);
    figures.push(await figure(`input-${s.name}`, imageOf(model, s.input), `${s.label}: ${guesses}`));
  }
  return {
    title: 'Classify',
    text: `${right} of ${data.samples.length} pictures are recognised.`,
    body: gallery(figures),
  };
}

async function explainSamples({ model, data, out, c }: Tour, light: boolean): Promise<Section> {
  const shown: TourSample[] = data.samples.slice(0, light ? 3 : 2);
  const rowsOfMaps: Attribution[][] = shown.map(() => []);
  const scores = new Map<MethodName, number[]>();
  for (const method of methods) {
    const explainer = await createExplainer(model, light ? ({ method } as MethodOptions) : fewer(method));
    for (const [i, s] of shown.entries()) {
      const a = await explainer.run(s.input, { signal: c.signal });
      if (s.mask) {
        const { share } = maskScore(valuesOf(a, {}, imageOf(model, s.input)).values, s.mask);
        scores.set(method, [...(scores.get(method) ?? []), share]);
      }
      rowsOfMaps[i]!.push(a);
      const file = join(out, `${fileName(`explain-${s.name}-${method}`)}.png`);
      await writeWhole(file, await mapPng(imageOf(model, s.input), a, {}));
      c.progress(`  ${method}`, i + 1, shown.length);
    }
    explainer.dispose();
  }
  const area = (s: TourSample) => s.mask!.reduce((n, v) => n + (v ? 1 : 0), 0) / s.mask!.length;
  const mean = (list: readonly number[]) => list.reduce((a, b) => a + b, 0) / list.length;
  const pictures = shown.map((s, i) => {
    const maps = rowsOfMaps[i]!;
    return {
      image: imageOf(model, s.input),
      title: s.name,
      text: [`Explained: ${model.labelOf(maps[0]!.target!)}.`],
      maps,
    };
  });
  const rows = [...scores].map(([method, list]) => [method, percent(mean(list))]);
  return {
    title: 'Explain',
    text: scores.size
      ? `Share of each map that lies on the object; the objects cover ${percent(mean(shown.map(area)))} of these pictures.`
      : 'Which pixels speak for the predicted class.',
    body: [
      rows.length > 0 && table({ columns: ['method', { title: 'on the object', align: 'end' }], rows }),
      raw(await gridHtml(comparison(pictures, methods))),
    ],
  };
}

/** Bold steps and a little smoothing: patterns show after few steps. */
const boldly: AscentOptimizer = (x, gradient, space) => adam({ lr: 0.02 * space.span })(x, gradient, space);
const drawing = { optimizer: boldly, totalVariation: 0.005, jitter: 4 } as const;

async function draw({ model, figure, c }: Tour, steps: number, channels: readonly number[]): Promise<Section> {
  const graph = model.graph();
  const stages = ['layer2', 'layer3', 'layer4'].filter((name) => hasLayer(() => graph.value(name)));
  const units: [string, Objective][] = [
    ...stages.flatMap((s) => channels.map((k): [string, Objective] => [`${s} channel ${k}`, channel(s, k)])),
    [`logit ${model.labelOf(0)}`, logit(0)],
    [`logit ${model.labelOf(1)}`, logit(1)],
  ];
  const figures: Picture[] = [];
  for (const [i, [name, objective]] of units.entries()) {
    const first: number[] = [];
    for await (const frame of ascend(model, { ...drawing, objective, steps, signal: c.signal })) {
      first.push(frame.objective);
      if (frame.step < steps) continue;
      const caption = `${name}: ${first[0]!.toFixed(2)} to ${frame.objective.toFixed(2)}`;
      figures.push(await figure(`unit-${name.replaceAll(' ', '-')}`, imageOf(model, await frame.image()), caption));
    }
    c.progress('  units', i + 1, units.length);
  }
  return {
    title: 'Draw',
    text: `What units respond to: ${steps} steps of activation ascent from noise.`,
    body: gallery(figures),
  };
}

function hasLayer(find: () => unknown): boolean {
  try {
    find();
    return true;
  } catch (error) {
    if (error instanceof WgradError && error.code === 'unknown-name') return false;
    throw error;
  }
}

async function finetune({ model, data, c }: Tour): Promise<{ section: Section; before: number; after: number }> {
  const { unfreeze, epochs, lr, batch } = data.tuning;
  const { train, validation } = data;
  model
    .replaceHead('fc', { classes: train.classes, seed: 1 })
    .freeze()
    .unfreeze(...unfreeze);
  const options = { batchSize: Math.min(batch, validation.length), signal: c.signal };
  const before = (await evaluate(model, validation, options)).accuracy;
  c.note(`  before: held-out accuracy ${percent(before)}`);
  const rows = [['0', '', percent(before)]];
  let after = before;
  const optimizer = sgd({ lr, momentum: 0.9 });
  for await (const e of fit(model, train, {
    optimizer,
    epochs,
    batchSize: batch,
    schedule: 'cosine',
    validation,
    signal: c.signal,
  })) {
    if (e.type === 'step') c.progress(`  loss ${e.loss.toFixed(3)}`, e.step, e.steps);
    else {
      after = e.validation!.accuracy;
      c.note(`  epoch ${e.epoch}: loss ${e.loss.toFixed(3)}, held-out accuracy ${percent(after)}`);
      rows.push([String(e.epoch), e.loss.toFixed(3), percent(after)]);
    }
  }
  const text =
    `A fresh head for ${train.classes.join(', ')}; trained: ${unfreeze.join(', ')}. ${train.length} training pictures, ` +
    `${validation.length} held out: accuracy ${percent(before)} before, ${percent(after)} after.`;
  return {
    section: {
      title: 'Fine-tune',
      text,
      body: table({
        columns: ['epoch', { title: 'training loss', align: 'end' }, { title: 'held-out accuracy', align: 'end' }],
        rows,
      }),
    },
    before,
    after,
  };
}

export const tourCommand = defineCommand({
  summary: 'classify, explain, draw and fine-tune; writes a page that shows all of it',
  usage: '[--model FILE.onnx --images DIR] [--out DIR]',
  arity: [0, 0],
  options: {
    ...modelOptions,
    ...pictureOptions,
    images: shownAs('DIR', name('photographs: DIR/CLASS/*.jpg, or DIR/train and DIR/val')),
    classes: count(5, 'with --images: classes to fine-tune on'),
    'per-class': count(8, 'with --images: training pictures a class'),
    steps: atMost(100_000, count(undefined, 'ascent steps for each unit (default 64, with --images 16)')),
    out: outFolder('out/tour', 'folder to write'),
  },
  async run(c, o) {
    const { images, out } = o;
    if ((o.model === undefined) !== (images === undefined)) {
      throw new WgradError('usage', 'tour: --model and --images go together', { remedy: 'See: wgrad tour --help' });
    }
    if (images !== undefined) await classFolders(images);
    const started = performance.now();
    const model = await pictureModelOf(c, await networkOf(c, o));
    const data = images ? await photosTour(c, model, images, o) : await shapesTour(model);
    const figure = async (name: string, image: Image, caption: string) => {
      const png = await encodePng(image);
      await writeWhole(join(out, `${fileName(name)}.png`), png);
      return { source: png, alt: caption, caption };
    };
    const tour: Tour = { c, model, data, out, figure };
    const steps = o.steps ?? (images ? 16 : 64);
    c.note('classify');
    const sections = [await classify(tour)];
    c.note('explain');
    sections.push(await explainSamples(tour, !images));
    c.note('draw');
    sections.push(await draw(tour, steps, images ? [3] : [3, 11]));
    c.note('fine-tune');
    const tuned = await finetune(tour);
    sections.push(tuned.section);
    await writeWhole(join(out, 'tuned.onnx'), await model.saveOnnx());
    const seconds = ((performance.now() - started) / 1000).toFixed(0);
    const intro = `${o.model ?? 'The embedded model'} on ${(await c.engine()).description}, ${seconds} s.`;
    const page = join(out, 'index.html');
    await writeWhole(
      page,
      renderPage({ title: 'A tour of wgrad', intro: [intro], sections, command: c.line, css: gridCss }),
    );
    c.print(`${page} written after ${seconds} s`);
    c.result({ page, accuracyBefore: tuned.before, accuracyAfter: tuned.after, seconds: Number(seconds) });
  },
});
