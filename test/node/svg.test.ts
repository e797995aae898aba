/** SVG as PNG: as large as asked for, colours and text drawn. */
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { svgToPng } from '../../src/node/index.ts';

const svg = (inside: string) => `<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20">${inside}</svg>`;

it('has so many pixels for each px, in the colours of the SVG', async () => {
  const png = await svgToPng(svg('<rect width="20" height="20" fill="#ff0000"/>'), { scale: 3 });
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  expect([info.width, info.height, info.channels]).toEqual([120, 60, 4]);
  expect([...data.subarray(0, 4)]).toEqual([255, 0, 0, 255]);
  expect(data[4 * 119 + 3]).toBe(0);
});

it('refuses what is no SVG', async () => {
  await expect(svgToPng('<p>no')).rejects.toMatchObject({ code: 'image-decode' });
});
