/** `wgrad trust MODEL`: how far the maps of each method are to be trusted, as a page and as JSON that shards merge into. */
import { basename, join } from 'node:path';
import { shapeInput } from '../data/dataset.ts';
import { shapePictures, SIDE } from '../data/shapes.ts';
import { WgradError } from '../errors.ts';
import {
  asTrustResult,
  defaultMeasures,
  measureNames,
  measureTrust,
  mergeTrust,
  methodNames,
  methodOf,
  type MethodName,
  type Randomized,
  type Trust,
  type TrustResult,
  type TrustSample,
} from '../explain/index.ts';
import { luma, type Image } from '../image/image.ts';
import { resizeAndCrop } from '../image/preprocess.ts';
import type { Model } from '../model/model.ts';
import { decodeImage } from '../node/image.ts';
import { readText } from '../node/read.ts';
import { writeWhole } from '../node/write.ts';
import { choice, count, custom, name, whole, type OptionKind } from '../options.ts';
import { defineCommand, type Context } from './command.ts';
import { methodOptions, settingsOf } from './explain_options.ts';
import { slim } from './explain_page.ts';
import { list, outFolder, shownAs } from './kinds.ts';
import { imageOf, preprocessOf } from '../model/image_space.ts';
import { modelFirst, modelOptions, networkOf, pictureModelOf } from './model.ts';
import { pictureOptions, Pictures } from './pictures.ts';
import { twinOf } from './trust_twin.ts';
import { trustPage, type TrustFigures, type TrustPage } from './trust_page.ts';

/** `2/8`: the second of eight parts. */
const shard: OptionKind<{ part: number; of: number }> = {
  ...custom<{ part: number; of: number }>(
    'does only this part of the pictures, such as 1/4; merge the parts with --merge',
    'a part such as 1/4',
    (v) => typeof v === 'object' && v !== null && 'part' in v && 'of' in v && Number(v.part) >= 0 && Number(v.part) < Number(v.of),
  ),
  placeholder: 'I/N',
  parse(text) {
    const [, part, of] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
    return part === undefined ? undefined : { part: Number(part) - 1, of: Number(of) };
  },
}; // prettier-ignore

/** Methods whose maps are of the picture, and that go without options of their own. */
const pictureMethods = methodNames.filter((method) => {
  const { options } = methodOf(method);
  const ofLayer = /^(layer-(activation|gradient|integrated)|internal-influence|conductance|neuron-)/.test(method);
  return !ofLayer && method !== 'shap-interactions' && !Object.values(options).some((kind) => kind.required);
});

interface Sample extends TrustSample {
  image: Image;
}

/** Pictures of the generated set: the truth is known. */
function generated(model: Model, seed: number, total: number): Sample[] {
  const [channels, height, width] = model.pictureShape;
  if (channels !== 3 || height !== SIDE || width !== SIDE) {
    throw new WgradError('invalid-argument', `trust: the generated pictures are 3 x ${SIDE} x ${SIDE}, the model's ${model.pictureShape.join(' x ')}`, {
      remedy: 'Give pictures: --images DIR',
    }); // prettier-ignore
  }
  const spec = preprocessOf(model);
  return shapePictures(`trust ${seed}`, total).map((picture, i) => ({
    id: `seed ${seed}, shape ${i}`,
    pixels: shapeInput(picture, spec),
    image: { width: SIDE, height: SIDE, data: picture.pixels },
    mask: Float32Array.from(picture.mask, (v) => v / 255),
  }));
}

/** Pictures of folders, with masks of the same names where a folder of them is given. */
async function photographs(
  c: Context,
  model: Model,
  o: { images: string; masks?: string | undefined; 'max-pixels': number },
): Promise<{ samples: Sample[]; pictures: Pictures }> {
  const pictures = await Pictures.find(c, o, [o.images]);
  const samples: Sample[] = [];
  const [, height, width] = model.pictureShape;
  await pictures.each(c, model, async ({ path, input }) => {
    let mask: Float32Array | undefined;
    if (o.masks !== undefined) {
      const file = join(o.masks, `${basename(path).replace(/\.[^.]*$/, '')}.png`);
      const drawn = resizeAndCrop(await decodeImage(file), preprocessOf(model), { width, height });
      mask = Float32Array.from(luma(drawn), (v) => v / 255);
    }
    samples.push({ id: path, pixels: input, image: imageOf(model, input), mask });
  });
  return { samples, pictures };
}

async function readResult(path: string): Promise<TrustResult> {
  let data: unknown;
  try {
    data = JSON.parse(await readText(path));
  } catch (cause) {
    if (cause instanceof WgradError) throw cause;
    throw new WgradError('file-format', `${path} is not JSON`, { cause });
  }
  return asTrustResult(data, path);
}

export const trustCommand = defineCommand({
  summary: 'measure how far maps are to be trusted: metrics with confidence intervals, costs, sanity checks',
  usage: '[MODEL.onnx] [--images DIR | --shapes N] [--methods NAME[,NAME...]] | --merge trust.json,...',
  arity: [0, 1],
  options: {
    ...modelOptions,
    ...pictureOptions,
    images: shownAs('DIR', name('folder of pictures (default: generated ones, whose objects are known)')),
    masks: shownAs('DIR', name('folder of masks, NAME.png for each picture, white on the object')),
    shapes: count(24, 'generated pictures, where no folder is given'),
    methods: list(choice([...methodNames, 'all'], 'all', 'one or several, or all that explain pictures (default all)'), 'NAMES'), // prettier-ignore
    measures: list(
      choice(measureNames, 'insertion', `of ${measureNames.join(', ')} (default: all but sensitivity)`),
      'NAMES',
    ),
    neighbours: count(3, 'of the measure sensitivity: pictures beside each'),
    randomize: whole(1, 'pictures on which parameters are made random, stage by stage'),
    sanity: list(choice(['parameters', 'data'], 'parameters', 'what is made random: the parameters, or the labels that a network of the same architecture learns, trained once and kept (default parameters)'), 'NAMES'), // prettier-ignore
    twin: shownAs('FILE', name('that network, where the model is not the embedded one')),
    mode: choice(
      ['cascading', 'independent'],
      'cascading',
      'stages made random on top of each other, or one at a time',
    ),
    pictures: whole(4, 'pictures that the page shows'),
    'draw-seed': whole(0, 'of generated pictures, neighbours, random parameters and intervals'),
    shard,
    merge: list(shownAs('FILE', name('results of shards, merged into one report; nothing is computed')), 'FILES'),
    beside: shownAs('FILE', name('another result that stands beside this one, such as that of another library')),
    ...methodOptions,
    out: outFolder('out/trust', 'folder for the page and trust.json'),
  },
  more: () => "Options of the methods are those of 'wgrad explain --help', of all that have it or of one: --lime.samples 500.", // prettier-ignore
  async run(c, o) {
    const beside = o.beside === undefined ? undefined : await readResult(o.beside);
    if (o.merge.length > 0) {
      const results = [];
      for (const path of o.merge) results.push(await readResult(path));
      return leave(c, o.out, mergeTrust(results), { beside });
    }
    const { choice: chosen, others } = modelFirst(c, o);
    if (others.length > 0) throw new WgradError('usage', `trust: '${others[0]}' is one argument too many`, { remedy: 'Pictures are given by --images DIR' }); // prettier-ignore
    if (o.masks !== undefined && o.images === undefined) throw new WgradError('usage', 'trust: --masks is for --images DIR'); // prettier-ignore
    const all = o.methods.length === 0 || o.methods.includes('all');
    const settings = settingsOf(all ? pictureMethods : ([...new Set(o.methods)] as MethodName[]), o as never);
    const model = await pictureModelOf(c, await networkOf(c, chosen));
    const seed = o['draw-seed'];
    const found = o.images === undefined ? undefined : await photographs(c, model, { ...o, images: o.images });
    const whole = found?.samples ?? generated(model, seed, o.shapes);
    const { part, of } = o.shard ?? { part: 0, of: 1 };
    const samples = whole.filter((_, i) => i % of === part);
    if (samples.length === 0) {
      throw new WgradError('dataset-empty', `trust: part ${part + 1} of ${of} of ${whole.length} pictures is empty`);
    }
    const maps: TrustFigures['maps'] = samples.slice(0, o.pictures).map(() => []);
    const stages: Record<string, readonly Randomized[]> = {};
    const order = settings.map((s) => s.method);
    const checksData = o.sanity.includes('data') || o.twin !== undefined;
    const twin = checksData && o.randomize > 0 ? await twinOf(c, model, chosen.model === undefined, o.twin, seed) : undefined; // prettier-ignore
    const measured = o.measures.length > 0 ? o.measures : defaultMeasures;
    const resultOf = ({ targets, forwardSeconds, methods, failed }: Trust, adapter: string): TrustResult => ({
      kind: 'wgrad-trust',
      model: chosen.model === undefined ? 'shapes.onnx' : basename(chosen.model),
      adapter,
      settings: {
        pictures: o.images === undefined ? `${o.shapes} generated, seed ${seed}` : `${whole.length} of ${basename(o.images)}`, // prettier-ignore
        methods: settings.map((s) => JSON.stringify(s)),
        measures: measured,
        seed,
        mode: o.mode,
        ...(twin && { sanity: o.sanity, twin: o.twin ?? 'trained here' }),
      },
      shard: { part, of },
      pictures: samples.map(({ id }, i) => ({ id, target: targets[i]!, label: model.labelOf(targets[i]!) })),
      forwardSeconds,
      methods,
      failed,
    });
    const figures = { samples, maps, methods: order, stages, shape: model.pictureShape };
    const { description } = await c.engine();
    const soFar: Trust = { targets: [], forwardSeconds: 0, methods: {}, failed: {} };
    // Ctrl-C waits for the page of what is done.
    const done = await c.hold(async () => {
      try {
        return await measureTrust(model, samples, settings, {
          signal: c.signal,
          seed,
          neighbours: o.neighbours,
          randomize: o.randomize,
          mode: o.mode,
          parameters: o.sanity.length === 0 || o.sanity.includes('parameters'),
          twin,
          ...(o.measures.length > 0 && { measures: o.measures }),
          onProgress: ({ method, done, total }) => c.progress(`${order.indexOf(method as MethodName) + 1}/${order.length} ${method}`, done, total), // prettier-ignore
          onMap(method, i, map) {
            if (i < maps.length) maps[i]![order.indexOf(method as MethodName)] = slim(map, {});
          },
          onRandomized(method, i, found) {
            if (i === 0) stages[method] = found;
          },
          onMethod(method, one, all) {
            Object.assign(soFar, all);
            soFar.methods[method] = one;
          },
          onFailure(method, error) {
            soFar.failed[method] = error.message;
            c.note(`${method}: ${error.message}`);
          },
        });
      } catch (error) {
        const count = Object.keys(soFar.methods).length;
        if (c.signal.aborted && count > 0) {
          const warning = `Interrupted: ${count} of ${order.length} methods are done.`;
          const page = await write(o.out, resultOf(soFar, description), { beside, figures, warning }, c.line);
          c.note(`${page} has what was done`);
        }
        throw error;
      }
    });
    await leave(c, o.out, resultOf(done, description), { beside, figures });
    found?.pictures.finish(c);
    if (Object.keys(done.methods).length === 0) {
      throw new WgradError('invalid-argument', `trust: no method worked: ${Object.values(done.failed)[0]}`);
    }
  },
});

type More = Omit<TrustPage, 'command'>;

/** @returns the page. */
async function write(folder: string, result: TrustResult, more: More, command: string): Promise<string> {
  await writeWhole(dataOf(folder), `${JSON.stringify(result, undefined, 1)}\n`);
  const page = join(folder, 'index.html');
  await writeWhole(page, await trustPage(result, { ...more, command }));
  return page;
}

const dataOf = (folder: string) => join(folder, 'trust.json');

async function leave(c: Context, folder: string, result: TrustResult, more: More): Promise<void> {
  c.print(await write(folder, result, more, c.line));
  c.print(dataOf(folder));
  c.result(result);
}
