/** Animations are read back by sharp: their frames, their delays, that they play for ever. */
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { blank } from '../../src/image/image.ts';
import { encodeAnimation } from '../../src/node/animation.ts';

const frames = [blank(6, 4, [255, 0, 0]), blank(6, 4, [0, 0, 255]), blank(6, 4, [0, 255, 0])];

it.each(['webp', 'gif'] as const)('%s', async (format) => {
  const bytes = await encodeAnimation(frames, { format, delay: 120 });
  const read = sharp(bytes, { animated: true });
  expect(await read.metadata()).toMatchObject({ format, pages: 3, pageHeight: 4, width: 6, delay: [120, 120, 1000], loop: 0 }); // prettier-ignore
  const data = await read.removeAlpha().raw().toBuffer();
  const middle = (frame: number) => [...data.subarray((frame * 4 + 2) * 18 + 9, (frame * 4 + 2) * 18 + 12)];
  [[255, 0, 0], [0, 0, 255], [0, 255, 0]].forEach((colour, i) => colour.forEach((v, c) => expect(Math.abs(middle(i)[c]! - v)).toBeLessThan(12))); // prettier-ignore
});

it('no frames, and frames of two sizes, are refused', async () => {
  await expect(encodeAnimation([])).rejects.toMatchObject({ code: 'invalid-argument' });
  await expect(encodeAnimation([...frames, blank(4, 6)])).rejects.toMatchObject({ code: 'invalid-argument' });
});
