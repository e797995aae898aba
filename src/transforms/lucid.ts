/** The chain of Lucid (Olah, Mordvintsev, Schubert 2017, doi:10.23915/distill.00007), for pictures being drawn. */
import { jitter, pad, rotate, scale } from './geometric.ts';
import type { Transform } from './transform.ts';

/**
 * pad 12, jitter 8, scale 0.9 to 1.1, rotate by up to 10 degrees, jitter 4: made for pictures of 224 pixels.
 * @param size smaller side of the pictures: for other sizes than 224 pixel amounts are in proportion.
 */
export function lucidTransforms(size = 224): Transform[] {
  const pixels = (n: number) => Math.max(1, Math.round((n * size) / 224));
  return [pad(pixels(12)), jitter(pixels(8)), scale(0.9, 1.1), rotate(10), jitter(pixels(4))];
}
