/**
 * The picture of README, from a real ResNet: above, what units of its layer3 and of its classes look for; below, what a
 * photograph excites at layer3, in groups of channels (dark where a group is not).
 *
 *     npx tsx scripts/see-units.ts resnet50-coarse.onnx
 *     npx tsx scripts/readme-picture.ts resnet50-coarse.onnx photo.jpg
 *
 * The first makes the drawings in out/see-units that are shown, and takes an hour on two idle cores.
 */
import sharp from 'sharp';
import { activationGroups } from '../src/ascent/index.ts';
import { lit } from '../src/cli/activation_grid.ts';
import type { Image } from '../src/image/image.ts';
import { encodePng } from '../src/image/png.ts';
import { imageOf } from '../src/model/image_space.ts';
import { createEngine, loadOnnxFile } from '../src/node/index.ts';

const [modelFile, photoFile] = process.argv.slice(2) as [string, string];
const drawings = ['layer3-7', 'layer3-55', 'logit-dog', 'logit-bird', 'logit-arthropod', 'logit-road_rail_vehicle'];
const [side, gap] = [160, 6];

const engine = await createEngine();
const model = await loadOnnxFile(engine, modelFile);
const input = await model.pixels(photoFile);
const photo = imageOf(model, input);
const { groups, size } = await activationGroups(model, input, { layer: 'layer3', groups: drawings.length - 1 });
const tile = async (picture: Image | string) =>
  sharp(typeof picture === 'string' ? picture : Buffer.from(await encodePng(picture)))
    .resize(side, side)
    .png()
    .toBuffer();
const rows = [
  drawings.map((name) => `out/see-units/${name}-fourier-160-256.png`),
  [photo, ...groups.map((group) => lit(photo, group, size))],
];
const tiles = await Promise.all(
  rows.flatMap((row, y) =>
    row.map(async (picture, x) => ({ input: await tile(picture), left: x * (side + gap), top: y * (side + gap) })),
  ),
);
const [width, height] = [drawings.length * (side + gap) - gap, 2 * side + gap];
await sharp({ create: { width, height, channels: 3, background: '#ffffff' } })
  .composite(tiles)
  .webp({ quality: 86 })
  .toFile('docs/seen.webp');
await engine.dispose();
