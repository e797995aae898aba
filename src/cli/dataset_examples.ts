/** `wgrad dataset-examples`: the pictures that excite units most, cropped to what the units see, and the units drawn. */
import { join } from 'node:path';
import { ascend, channel, datasetExamples, type PictureSet, type UnitExamples } from '../ascent/index.ts';
import { WgradError } from '../errors.ts';
import { blank, paste, type Box, type Image } from '../image/image.ts';
import { encodePng } from '../image/png.ts';
import { preprocess } from '../image/preprocess.ts';
import { resize } from '../image/resize.ts';
import { imageOf, preprocessOf } from '../model/image_space.ts';
import type { Model } from '../model/model.ts';
import { decodeImage } from '../node/image.ts';
import { listPictures, skippedLine } from '../node/pictures.ts';
import { writeWhole } from '../node/write.ts';
import { atMost, count, finite, name, required, whole } from '../options.ts';
import { gallery, percent, renderPage, short, type Section } from '../report/index.ts';
import { defineCommand, type Context } from './command.ts';
import { outFolder, shownAs } from './kinds.ts';
import { modelOptions, networkOf, pictureModelOf } from './model.ts';
import { pictureOptions } from './pictures.ts';
import { channelsOf, unitRange } from './ascend_units.ts';

/** Units drawn in one program. */
const AT_ONCE = 8;
/** Pictures of a row of the sheet, pixels. */
const CELL = 112;

export const datasetExamplesCommand = defineCommand({
  summary: 'the pictures that excite units most, and what the units look for in them',
  usage: '[MODEL] --images DIR --layer LAYER [--units 0-7]',
  arity: [0, 1],
  options: {
    ...modelOptions,
    ...pictureOptions,
    images: required(shownAs('DIR', name('a folder of pictures, with those below it'))),
    layer: required(name('whose units; `wgrad info MODEL` lists the layers')),
    units: shownAs('RANGE', name('0-7, 3,9,12 or * for all of the layer (default: the first eight)')),
    top: atMost(100, count(9, 'pictures for each unit')),
    batch: atMost(4096, count(16, 'pictures a run')),
    steps: atMost(100_000, whole(256, 'ascent steps of the picture of a unit; 0: none is drawn')),
    seed: finite(0, 'of the noise and the transforms'),
    out: outFolder('out/dataset-examples', 'folder to write'),
  },
  async run(c, o) {
    const network = await networkOf(c, { ...o, model: c.positionals[0] ?? o.model });
    network.resolve(o.layer);
    const { pictures, skipped } = await listPictures(o.images, true);
    if (pictures.length === 0) throw new WgradError('dataset-empty', `there is no picture in ${o.images}`);
    const model = await pictureModelOf(c, network);
    const units = unitRange(o.layer, o.units ?? `0-${Math.min(7, channelsOf(model, o.layer) - 1)}`, channelsOf(model, o.layer)); // prettier-ignore
    const set = folderSet(model, pictures, o['max-pixels']);
    const found = await datasetExamples(model, set, {
      ...{ layer: o.layer, units, top: o.top, batchSize: o.batch, signal: c.signal },
      onProgress: (done, total) => c.progress('pictures', done, total),
    });
    const line = skippedLine(skipped);
    if (line) c.note(line);
    const drawn = o.steps === 0 ? [] : await drawUnits(c, model, o.layer, units, o);
    const shown = await Promise.all(found.map((unit, i) => rowOf(model, set, pictures, unit, drawn[i])));
    await writeWhole(join(o.out, 'sheet.png'), await encodePng(sheet(shown, drawn.length > 0)));
    const page = join(o.out, 'index.html');
    await writeWhole(page, await pageOf(c, o.layer, pictures.length, shown));
    c.print(`${page}: ${found.length} units of ${o.layer}, the first ${o.top} of ${pictures.length} pictures`);
    c.result(found.map(({ unit, active, examples }) => ({
      unit,
      active,
      examples: examples.map(({ index, ...rest }) => ({ file: pictures[index], ...rest })),
    }))); // prettier-ignore
  },
});

/** Pictures as the network takes them, read again each time: a set may be larger than memory. */
function folderSet(model: Model, paths: readonly string[], maxPixels: number): PictureSet {
  const [, height, width] = model.pictureShape;
  return {
    length: paths.length,
    get: async (i) => ({
      input: preprocess(await decodeImage(paths[i]!, { maxPixels }), preprocessOf(model), { width, height }),
    }),
  };
}

interface Shown {
  unit: number;
  active: number;
  /** The unit's own picture, where it was drawn. */
  drawn: { image: Image; score: number } | undefined;
  crops: { image: Image; file: string; value: number }[];
}

async function rowOf(
  model: Model,
  set: PictureSet,
  paths: readonly string[],
  { unit, active, examples }: UnitExamples,
  drawn: Shown['drawn'],
): Promise<Shown> {
  const crops = await Promise.all(
    examples.map(async ({ index, value, field }) => {
      const image = imageOf(model, (await set.get(index)).input);
      return { image: cut(image, field), file: paths[index]!, value };
    }),
  );
  return { unit, active, drawn, crops };
}

/** What a unit sees, its longer side {@link CELL} pixels. */
export function cut(image: Image, field: Box): Image {
  const factor = CELL / Math.max(field.width, field.height);
  const side = (pixels: number) => Math.max(1, Math.round(pixels * factor));
  // At its own size a window is a crop.
  const part = resize(image, image.width, image.height, field);
  return resize(part, side(field.width), side(field.height));
}

/** A dead unit has no picture, and does not end the others'. */
async function drawUnits(
  c: Context,
  model: Model,
  layer: string,
  units: readonly number[],
  { steps, seed }: { steps: number; seed: number },
): Promise<Shown['drawn'][]> {
  const drawn: Shown['drawn'][] = [];
  for (let at = 0; at < units.length; at += AT_ONCE) {
    const some = units.slice(at, at + AT_ONCE);
    const run = ascend(model, { objective: some.map((k) => channel(layer, k)), steps, seed, every: Math.min(steps, 16), signal: c.signal }); // prettier-ignore
    try {
      for await (const { step, objectives, image } of run) {
        c.progress(`drawing ${layer}:${some[0]} to ${some.at(-1)}`, step, steps);
        if (step < steps) continue;
        for (const [i] of some.entries()) drawn.push({ image: imageOf(model, await image(i)), score: objectives[i]! });
      }
    } catch (error) {
      if (!(error instanceof WgradError) || error.code !== 'dead-unit') throw error;
      c.note(error.message);
      drawn.push(...some.map(() => undefined));
    }
  }
  return drawn;
}

/** A row a unit: its picture, then what excites it. */
function sheet(rows: readonly Shown[], isDrawn: boolean): Image {
  const gap = 4;
  const first = isDrawn ? 1 : 0;
  const columns = first + Math.max(...rows.map((r) => r.crops.length));
  const image = blank(columns * (CELL + gap) - gap, rows.length * (CELL + gap) - gap, [255, 255, 255]);
  const put = (tile: Image, x: number, y: number) => {
    const middle = (side: number) => Math.floor((CELL - side) / 2);
    paste(image, tile, x * (CELL + gap) + middle(tile.width), y * (CELL + gap) + middle(tile.height));
  };
  rows.forEach(({ drawn, crops }, y) => {
    if (drawn) put(resize(drawn.image, CELL, CELL), 0, y);
    crops.forEach((crop, x) => put(crop.image, x + first, y));
  });
  return image;
}

async function pageOf(c: Context, layer: string, count: number, rows: readonly Shown[]): Promise<string> {
  const section = async ({ unit, active, drawn, crops }: Shown): Promise<Section> => {
    const own = drawn
      ? [{ source: await encodePng(drawn.image), alt: `what ${layer}:${unit} responds to`, caption: `drawn: ${short(drawn.score)}` }] // prettier-ignore
      : [];
    const seen = crops.map(async ({ image, file, value }) => ({
      source: await encodePng(image),
      alt: file,
      caption: `${file.split(/[\\/]/).slice(-2).join('/')}: ${short(value)}`,
    }));
    return {
      title: `${layer}:${unit}`,
      text: `Positive at ${percent(active)} of the positions of all pictures.`,
      body: gallery([...own, ...(await Promise.all(seen))], { width: CELL }),
    };
  };
  return renderPage({
    title: `What excites units of ${layer}`,
    intro: [
      `Of ${count} pictures those in which a unit is most excited, cropped to the receptive field of the position where it is. The numbers are its activation there.`,
    ],
    sections: await Promise.all(rows.map(section)),
    command: c.line,
    files: [{ path: 'sheet.png', what: 'all of them in rows' }],
  });
}
