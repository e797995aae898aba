/** `wgrad explain IMAGE...`: pictures by methods, as PNG and SVG files and one page. */
import { basename, join } from 'node:path';
import { WgradError, type ErrorCode } from '../errors.ts';
import {
  costOf,
  createExplainer,
  figureOptions,
  methodNames,
  printError,
  printForwards,
  smallestPerturbation,
  targetInWords,
  type Explainer,
  type FigureOptions,
  type MethodName,
  type MethodOptions,
  type Target,
} from '../explain/index.ts';
import type { Image } from '../image/image.ts';
import { imageOf } from '../model/image_space.ts';
import type { ClassScore, Model } from '../model/model.ts';
import { writeWhole } from '../node/write.ts';
import { choice, count, name } from '../options.ts';
import { defineCommand, type Context } from './command.ts';
import { methodHelp, methodOptions, settingsOf } from './explain_options.ts';
import { fileNames, mapPng, slim, writeReport, type Entry } from './explain_page.ts';
import { targetsFor, targetsOf } from './explain_targets.ts';
import { list, onSwitch, outFolder, repeated, shownAs } from './kinds.ts';
import { modelFirst, modelOptions, networkOf, pictureModelOf } from './model.ts';
import { uniqueNames } from './names.ts';
import { pictureOptions, Pictures } from './pictures.ts';

type Setting = MethodOptions & { method: MethodName };

const counted = (n: number, what: string) => `${n} ${what}${n === 1 ? '' : 's'}`;

/** Faults of one method or map: the others go on. What is wrong with the machine or the disk ends the work. */
const oneMethods: readonly ErrorCode[] = [
  'invalid-argument', 'unknown-name', 'shape', 'not-finite', 'not-differentiable', 'limit-exceeded', 'out-of-memory',
]; // prettier-ignore

const isOneMethods = (error: unknown): error is WgradError =>
  error instanceof WgradError && oneMethods.includes(error.code);

/** Methods of `all`: those within the budget, and in words what they cost and which are left out. */
function withinBudget(settings: readonly Setting[], size: number, budget: number): { kept: Setting[]; words: string } {
  const costs = settings.map(({ method, ...options }) => costOf(method, options, size));
  const isKept = (i: number) => costs[i] !== undefined && costs[i] <= budget;
  const left = settings.flatMap((s, i) => (isKept(i) ? [] : [`${s.method} (${printForwards(costs[i])})`]));
  const kept = settings.filter((_, i) => isKept(i));
  return { kept, words: left.length > 0 ? `; left out, as they cost more than --budget ${budget}: ${left.join(', ')}` : '' }; // prettier-ignore
}

/** Says what the work costs before it starts. */
function choose(c: Context, model: Model, settings: readonly Setting[], all: boolean, budget: number, maps: number) {
  const size = model.pictureShape.reduce((a, b) => a * b);
  const { kept, words } = all ? withinBudget(settings, size, budget) : { kept: [...settings], words: '' };
  const each = kept.reduce((n, { method, ...options }) => n + (costOf(method, options, size) ?? 0), 0);
  if (kept.length > 1 || all) {
    c.note(`${counted(kept.length, 'method')} for ${counted(maps, 'map')} each: about ${printForwards(each * maps)} forward passes${words}`); // prettier-ignore
  }
  return kept;
}

interface Work {
  c: Context;
  model: Model;
  entries: Entry[];
  /** By entry. */
  inputs: Float32Array[];
  settings: readonly Setting[];
  names: ReturnType<typeof fileNames>;
  figure: FigureOptions;
  out: string;
  results: object[];
  /** Of methods that did not work, in words. */
  faults: string[];
}

/** One method for every picture and target. */
async function explainBy(work: Work, k: number): Promise<void> {
  const { c, model, entries, settings, faults } = work;
  const setting = settings[k]!;
  const { method } = setting;
  const alone = settings.length === 1 && entries.length === 1;
  let explainer: Explainer;
  try {
    explainer = await createExplainer(model, setting, { signal: c.signal });
  } catch (error) {
    if (settings.length === 1 || !isOneMethods(error)) throw error;
    faults.push(error.message);
    c.note(error.message);
    for (const e of entries) for (const row of e.maps) row[k] = error.message;
    return;
  }
  try {
    for (const [i, entry] of entries.entries()) {
      for (const [t, target] of entry.targets.entries()) {
        c.signal.throwIfAborted();
        try {
          await explainOne(work, explainer, [i, t, k], target);
        } catch (error) {
          if (alone || !isOneMethods(error)) throw error;
          faults.push(`${entry.path}, ${method}: ${error.message}`);
          c.note(`${entry.path}, ${method}: ${error.message}`);
          entry.maps[t]![k] = error.message;
        }
      }
    }
  } finally {
    explainer.dispose();
  }
}

async function explainOne(
  { c, model, entries, inputs, settings, names, figure, out, results }: Work,
  explainer: Explainer,
  [i, t, k]: readonly [number, number, number],
  target: Target,
): Promise<void> {
  const { path, image, maps } = entries[i]!;
  const { method } = settings[k]!;
  const full = await explainer.run(inputs[i]!, {
    target,
    signal: c.signal,
    onProgress: ({ done, total }) => c.progress(`${results.length + 1}: ${method}, ${path}`, done, total),
  });
  const a = slim(full, figure);
  const file = join(out, `${names.maps[i]![t]![k]}.png`);
  await writeWhole(file, await mapPng(image, a, figure));
  maps[t]![k] = a;
  const what = a.label === undefined && a.target === null ? 'sum of all classes' : targetInWords(a);
  c.print(`${file}: ${path}, ${method} for ${what}, score ${a.score.toFixed(3)}, ${printError(a.error)}`);
  const label = a.target === null ? a.label : model.labelOf(a.target);
  results.push({ path, file, method, target: a.target, ...(label !== undefined && { label }), score: a.score, error: a.error }); // prettier-ignore
}

/** The nearest picture that the model takes for another class; undefined where none was found. */
async function flipped(c: Context, model: Model, path: string, input: Float32Array) {
  const found = await smallestPerturbation(model, input, { signal: c.signal });
  const far = `${(255 * found.epsilon).toPrecision(2)} of 255 levels`;
  if (!found.flipped) {
    c.note(`${path}: no picture was found within ${far} that is taken for another class`);
    return undefined;
  }
  const ranked = await model.classify(found.picture, { top: model.classes, signal: c.signal });
  const image = imageOf(model, found.picture);
  return { path: `${path}, changed by at most ${far}`, image, ranked, picture: found.picture };
}

/** What is to be explained: the pictures that can be read, with their targets and the names of their files. */
async function readEntries(c: Context, model: Model, pictures: Pictures, texts: readonly string[], flip: boolean) {
  const wanted = targetsOf(model, texts);
  const stems = uniqueNames(pictures.paths);
  const entries: Entry[] = [];
  const inputs: Float32Array[] = [];
  const own: string[] = [];
  await pictures.each(c, model, async ({ path, input, image }, i) => {
    const ranked = await model.classify(input, { top: model.classes, signal: c.signal });
    const order = ranked.map((guess) => guess.index);
    const near = flip ? await flipped(c, model, path, input) : undefined;
    // Beside a picture that is taken for another class: both classes, of both.
    const targets = near && !wanted ? [order[0]!, near.ranked[0]!.index] : targetsFor(wanted, order);
    const add = (path: string, image: Image, guesses: readonly ClassScore[], input: Float32Array, stem: string) => {
      entries.push({ path, image, guesses: guesses.slice(0, 3), targets, maps: targets.map(() => []) });
      inputs.push(input);
      own.push(stem);
    };
    add(path, image, ranked, input, stems[i]!);
    if (near) add(near.path, near.image, near.ranked, near.picture, `${stems[i]!}-flipped`);
  });
  return { entries, inputs, stems: own };
}

export const explainCommand = defineCommand({
  summary: 'show which pixels speak for a class: maps by one method or several, as files and as one page',
  usage: '[MODEL.onnx] [--methods NAME[,NAME...]|all] [--target CLASS|UNIT|topN]... IMAGE|FOLDER...',
  arity: [1, Infinity],
  options: {
    ...modelOptions,
    ...pictureOptions,
    methods: list(
      choice([...methodNames, 'all'], 'grad-cam', 'one or several of those below, or all (default grad-cam)'),
      'NAMES',
    ),
    budget: count(128, 'of all methods, those that cost so many forward passes a map at most'),
    target: repeated(
      shownAs(
        'NAMES',
        name("class by index or label, unit such as 'layer3.5[:,7]', or top3; several by commas (default: the predicted class)"), // prettier-ignore
      ),
    ),
    flip: onSwitch('below each picture the nearest one that the model takes for another class, with the maps of both classes'), // prettier-ignore
    ...figureOptions,
    ...methodOptions,
    out: outFolder('out/explain', 'folder for the page and its pictures'),
  },
  more: methodHelp,
  async run(c, o) {
    const all = o.methods.includes('all');
    const chosen = all ? methodNames : ([...new Set(o.methods)] as MethodName[]);
    const given = o as Readonly<Record<string, unknown>>;
    const known = settingsOf(chosen.length > 0 ? chosen : ['grad-cam'], given);
    const figure = Object.fromEntries(Object.keys(figureOptions).map((key) => [key, given[key]])) as FigureOptions;
    const { choice: modelChoice, others } = modelFirst(c, o);
    const pictures = await Pictures.find(c, o, others);
    const network = await networkOf(c, modelChoice);
    if (typeof given['layer'] === 'string') network.resolve(given['layer']);
    const model = await pictureModelOf(c, network);
    const { entries, inputs, stems } = await readEntries(c, model, pictures, o.target, o.flip);
    const maps = entries.reduce((n, e) => n + e.targets.length, 0);
    const settings = choose(c, model, known, all, o.budget, maps);
    const methods = settings.map((s) => s.method);
    const words = (t: Target) => (typeof t === 'number' ? model.labelOf(t) : String(t));
    const targets = entries.map((e) => e.targets.map(words));
    const names = fileNames(stems, targets, methods);
    const work: Work = { c, model, entries, inputs, settings, names, figure, out: o.out, results: [], faults: [] };
    const adapter = (await c.engine()).description;
    const leave = (warning?: string) => {
      const intro = [
        `${counted(work.results.length, 'map')} of ${counted(entries.length, 'picture')} by ${counted(methods.length, 'method')}. ` +
          `${modelChoice.model === undefined ? 'The embedded model' : basename(modelChoice.model)} on ${adapter}.`,
      ];
      const what = { folder: o.out, model, entries, methods, options: figure, names, command: c.line };
      return writeReport({ ...what, intro, warning });
    };
    // Ctrl-C waits for the page of what is done.
    const page = await c.hold(async () => {
      try {
        for (const k of settings.keys()) await explainBy(work, k);
      } catch (error) {
        if (c.signal.aborted && work.results.length > 0) {
          const total = maps * methods.length;
          c.note(`${await leave(`Interrupted: ${work.results.length} of ${total} maps are done.`)} has what was done`);
        }
        throw error;
      }
      return work.results.length > 0 ? leave() : undefined;
    });
    if (page !== undefined) c.print(page);
    c.result([...work.results, ...pictures.failures()]);
    pictures.finish(c);
    if (work.faults.length > 0 && !all) {
      throw new WgradError('invalid-argument', `${work.faults.length} of the methods' runs failed: ${work.faults[0]}`);
    }
  },
});
