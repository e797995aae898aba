/** Random changes of colour: one 3 x 3 matrix a picture, and a share of its mean colour. */
import { WgradError } from '../errors.ts';
import { input } from '../graph/leaves.ts';
import { add } from '../ops/binary.ts';
import { matmul } from '../ops/matmul.ts';
import { mean } from '../ops/reduce.ts';
import { reshape } from '../ops/reshape.ts';
import type { Random } from '../random.ts';
import { sourceOf, type ValueTransform } from './transform.ts';

/** Options of `colourJitter`. */
export interface ColourJitterOptions {
  /** Values are multiplied by a factor that is uniform in [1 - b, 1 + b]; default 0. */
  brightness?: number;
  /** Distances from the picture's mean grey are; default 0. */
  contrast?: number;
  /** Distances from each pixel's own grey are; default 0. */
  saturation?: number;
  /** Hues turn by a share of the colour circle that is uniform in [-h, h], about the grey axis; default 0, at most 0.5. */
  hue?: number;
}

const GREY = [0.299, 0.587, 0.114];

type Matrix = readonly number[];

const product = (a: Matrix, b: Matrix): number[] =>
  Array.from({ length: 9 }, (_, i) => {
    const [row, column] = [3 * Math.floor(i / 3), i % 3];
    return a[row]! * b[column]! + a[row + 1]! * b[3 + column]! + a[row + 2]! * b[6 + column]!;
  });

/** s I + (1 - s) (grey in every channel). */
const saturated = (s: number): Matrix => Array.from({ length: 9 }, (_, i) => (i % 4 === 0 ? s : 0) + (1 - s) * GREY[i % 3]!); // prettier-ignore

/** A turn about the axis (1, 1, 1) by an angle (Rodrigues). */
function turned(angle: number): Matrix {
  const [c, s] = [Math.cos(angle), Math.sin(angle) / Math.sqrt(3)];
  const [diagonal, up, down] = [(1 + 2 * c) / 3, (1 - c) / 3 - s, (1 - c) / 3 + s];
  return [diagonal, up, down, down, diagonal, up, up, down, diagonal];
}

/**
 * Changes brightness, contrast, saturation and hue, in this order, of pictures [N,3,H,W] whose values are brightness (of
 * any range whose black is 0). Values are not clipped.
 */
export function colourJitter(options: ColourJitterOptions): ValueTransform {
  const { brightness = 0, contrast = 0, saturation = 0, hue = 0 } = options;
  const amounts = { brightness, contrast, saturation, hue };
  const name = `colourJitter(${Object.values(amounts).join(', ')})`;
  for (const [key, v] of Object.entries(amounts))
    if (!(v >= 0 && v <= (key === 'hue' ? 0.5 : 1)))
      throw new WgradError('invalid-argument', `${name}: ${key} of 0 to ${key === 'hue' ? 0.5 : 1} is needed`);
  const about = (random: Random, amount: number) => random.uniform(1 - amount, 1 + amount);
  return {
    name,
    build(x, id) {
      const [n, c, h, w] = x.shape as [number, number, number, number];
      if (c !== 3) throw new WgradError('shape', `colourJitter: ${x} has ${c} channels, not 3`);
      const [matrix, keep] = [input(`${id}.matrix`, [n, 3, 3]), input(`${id}.grey`, [n, 3, 3])];
      const flat = reshape(x, [n, 3, h * w]);
      // What contrast adds is a part of the mean colour: the same for all pixels of a picture.
      const centre = matmul(keep, mean(flat, [2], true));
      return {
        y: reshape(add(matmul(matrix, flat), centre), x.shape),
        draw(from) {
          const [all, rest] = [new Float32Array(9 * n), new Float32Array(9 * n)];
          for (let i = 0; i < n; i++) {
            const random = sourceOf(from, i);
            const [b, k] = [about(random, brightness), about(random, contrast)];
            const colour = product(
              turned(2 * Math.PI * random.uniform(-hue, hue)),
              saturated(about(random, saturation)),
            );
            all.set(colour.map((v) => v * b * k), 9 * i); // prettier-ignore
            rest.set(product(colour, saturated(0)).map((v) => v * b * (1 - k)), 9 * i); // prettier-ignore
          }
          return { [`${id}.matrix`]: all, [`${id}.grey`]: rest };
        },
      };
    },
  };
}
