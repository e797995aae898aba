/** Joins pictures of `out/tour` (npm start) into docs/tour.png: a row of explanations, a row of units. */
import sharp from 'sharp';

const rows = [
  [
    'input-ring',
    'explain-ring-integrated-gradients',
    'explain-ring-deep-shap',
    'explain-ring-grad-cam',
    'explain-ring-lime',
  ],
  ['unit-layer2-channel-3', 'unit-layer3-channel-11', 'unit-layer4-channel-3', 'unit-logit-disc', 'unit-logit-ring'],
];
const side = 200;
const cells = await Promise.all(
  rows.flatMap((names, y) =>
    names.map(async (name, x) => ({
      input: await sharp(`out/tour/${name}.png`)
        .resize(side - 8, side - 8, { kernel: 'nearest', fit: 'contain', background: '#ffffff' })
        .png()
        .toBuffer(),
      left: x * side + 4,
      top: y * side + 4,
    })),
  ),
);
await sharp({ create: { width: 5 * side, height: 2 * side, channels: 3, background: '#ffffff' } })
  .composite(cells)
  .png({ palette: true })
  .toFile('docs/tour.png');
