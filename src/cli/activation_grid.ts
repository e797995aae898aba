/** `wgrad activation-grid`: what a photograph excites at a layer, place by place and in groups, drawn. */
import { join } from 'node:path';
import { activationGroups, ascend, direction, gridDirections, type ActivationGroup, type Objective } from '../ascent/index.ts'; // prettier-ignore
import { blank, paste, type Image } from '../image/image.ts';
import { encodePng } from '../image/png.ts';
import { preprocess, toImage } from '../image/preprocess.ts';
import { plainPixels } from '../image/preprocess_spec.ts';
import { resize, resizePlanes } from '../image/resize.ts';
import { imageOf, preprocessOf } from '../model/image_space.ts';
import type { Model } from '../model/model.ts';
import { decodeImage } from '../node/image.ts';
import { writeWhole } from '../node/write.ts';
import { atMost, count, finite, name, required, whole } from '../options.ts';
import { gallery, percent, renderPage, type Picture } from '../report/index.ts';
import { spritemap } from './ascend_sheet.ts';
import { defineCommand, type Context } from './command.ts';
import { outFolder } from './kinds.ts';
import { modelOptions, networkOf, pictureModelOf } from './model.ts';
import { pictureOptions } from './pictures.ts';

/** Pictures drawn in one program. */
const AT_ONCE = 8;
/** Power of the cosine in what is drawn: less of what is loud only. */
const POWER = 1;

export const activationGridCommand = defineCommand({
  summary: 'what a photograph excites at a layer: groups of channels and where they are, drawn',
  usage: '[--model FILE.onnx] IMAGE --layer LAYER [--groups 6] [--cells 7]',
  arity: [1, 1],
  options: {
    ...modelOptions,
    ...pictureOptions,
    layer: required(name('whose activations; `wgrad info MODEL` lists the layers')),
    groups: atMost(64, count(6, 'groups of channels, by non-negative factors')),
    cells: atMost(64, whole(0, 'rows and columns of a grid with a picture for each place; 0: none')),
    'cell-size': atMost(1024, count(64, 'side of the pictures of the grid, pixels')),
    steps: atMost(100_000, count(256, 'ascent steps of each picture')),
    seed: finite(0, 'of the factors, the noise and the transforms'),
    out: outFolder('out/activation-grid', 'folder to write'),
  },
  async run(c, o) {
    const network = await networkOf(c, o);
    network.resolve(o.layer);
    const decoded = await decodeImage(c.positionals[0]!, { maxPixels: o['max-pixels'] });
    const model = await pictureModelOf(c, network);
    const [, height, width] = model.pictureShape;
    const input = preprocess(decoded, preprocessOf(model), { width, height });
    const photo = imageOf(model, input);
    const found = await activationGroups(model, input, { layer: o.layer, groups: o.groups, seed: o.seed, signal: c.signal }); // prettier-ignore
    const { groups, size, error } = found;
    const draw = (label: string, directions: readonly Float32Array[], side?: number) =>
      drawAll(c, model, label, directions.map((d) => direction(o.layer, d, POWER)), { ...o, side }); // prettier-ignore
    const drawn = await draw('groups', groups.map((g) => g.direction)); // prettier-ignore
    const rows = groups.map((group, i) => ({ group, drawn: drawn[i]!, where: lit(photo, group, size) }));
    await writeWhole(join(o.out, 'groups.png'), await encodePng(inRows(photo, rows)));
    let grid: Image | undefined;
    if (o.cells > 0) {
      const cells = [Math.min(o.cells, size[0]), Math.min(o.cells, size[1])] as const;
      grid = spritemap(await draw('cells', gridDirections(found, cells), o['cell-size']), cells[1]);
      await writeWhole(join(o.out, 'grid.png'), await encodePng(grid));
    }
    const pictures: Picture[] = [{ source: await encodePng(photo), alt: 'the photograph', caption: 'the photograph' }];
    for (const [i, { group, drawn, where }] of rows.entries()) {
      const caption = `group ${i + 1}, ${percent(group.share)}: channels ${strongest(group).join(', ')}`;
      pictures.push({ source: await encodePng(drawn), alt: `what group ${i + 1} looks for`, caption });
      pictures.push({ source: await encodePng(where), alt: `where group ${i + 1} is`, caption: 'where it is' });
    }
    const files = [{ path: 'groups.png', what: 'the groups in a row' }];
    if (grid) files.push({ path: 'grid.png', what: 'a picture for each place' });
    await writeWhole(
      join(o.out, 'index.html'),
      renderPage({
        title: `What ${o.layer} sees in ${c.positionals[0]}`,
        intro: [`${o.groups} groups of channels leave ${percent(error)} of the activations unexplained (non-negative factors).`], // prettier-ignore
        sections: [
          { title: 'Groups', body: gallery(pictures, { width: 160 }) },
          ...(grid ? [{ title: 'Place by place', body: gallery([{ source: await encodePng(grid), alt: 'a picture for each place' }], { width: grid.width }) }] : []), // prettier-ignore
        ],
        command: c.line,
        files,
      }),
    );
    c.print(`${join(o.out, 'index.html')}: ${o.groups} groups of ${o.layer}, ${percent(error)} unexplained`);
    c.result({ error, groups: groups.map((g) => ({ share: g.share, channels: strongest(g) })) });
  },
});

async function drawAll(
  c: Context,
  model: Model,
  label: string,
  objectives: readonly Objective[],
  { steps, seed, side }: { steps: number; seed: number; side: number | undefined },
): Promise<Image[]> {
  const drawn: Image[] = [];
  const [channels, h, w] = model.pictureShape;
  const [height, width] = side === undefined ? [h, w] : [side, side];
  for (let at = 0; at < objectives.length; at += AT_ONCE) {
    const objective = objectives.slice(at, at + AT_ONCE);
    const run = ascend(model, { objective, steps, seed, size: [height, width], every: Math.min(16, steps), signal: c.signal }); // prettier-ignore
    for await (const { step, pixels } of run) {
      c.progress(`drawing ${label}`, at * steps + step * objective.length, objectives.length * steps);
      if (step < steps) continue;
      for (const i of objective.keys()) drawn.push(toImage(await pixels(i), { width, height }, plainPixels(channels)));
    }
  }
  return drawn;
}

/** The channels that a group is most of. */
const strongest = ({ direction }: ActivationGroup): number[] =>
  [...direction.keys()].sort((a, b) => direction[b]! - direction[a]!).slice(0, 3);

/** The photograph, dark where the group is not. */
export function lit(photo: Image, { map }: ActivationGroup, [h, w]: readonly [number, number]): Image {
  const most = Math.max(...map) || 1;
  const { width, height } = photo;
  const { data: light } = resizePlanes({ width: w, height: h, channels: 1, data: map.map((v) => v / most) }, width, height); // prettier-ignore
  const data = Uint8ClampedArray.from(photo.data, (v, i) => v * (0.15 + 0.85 * light[Math.floor(i / 3)]!));
  return { width, height, data };
}

/** The photograph, then each group's picture above the places where it is. */
function inRows(photo: Image, rows: readonly { drawn: Image; where: Image }[]): Image {
  const [side, gap] = [160, 4];
  const sheet = blank((rows.length + 1) * (side + gap) - gap, 2 * side + gap, [255, 255, 255]);
  const put = (image: Image, x: number, y: number) =>
    paste(sheet, resize(image, side, side), x * (side + gap), y * (side + gap));
  put(photo, 0, 1);
  rows.forEach(({ drawn, where }, i) => {
    put(drawn, i + 1, 0);
    put(where, i + 1, 1);
  });
  return sheet;
}
