/** Random erasing. */
import { WgradError } from '../errors.ts';
import { constant, input } from '../graph/leaves.ts';
import { where } from '../ops/where.ts';
import type { Random } from '../random.ts';
import { edgesOf, inBoxes, NO_BOX, type Box } from './box.ts';
import { sourceOf, type ValueTransform } from './transform.ts';

/** Options of {@link erase}. */
export interface EraseOptions {
  /** Probability; default 0.5. */
  p?: number;
  /** Share of the picture's area, uniform; default [0.02, 0.33]. */
  area?: readonly [number, number];
  /** Width over height, its logarithm uniform; default [0.3, 3.3]. */
  ratio?: readonly [number, number];
  /** What is put in its place; default 0. */
  value?: number;
}

/** Random erasing (Zhong et al. 2017, arXiv:1708.04896): a rectangle takes one value. */
export function erase(options: EraseOptions = {}): ValueTransform {
  const { p = 0.5, area = [0.02, 0.33], ratio = [0.3, 3.3], value = 0 } = options;
  if (!(p >= 0 && p <= 1)) throw new WgradError('invalid-argument', `erase: a probability p is needed`);
  const box = (random: Random, h: number, w: number): Box => {
    if (random.uniform() >= p) return NO_BOX;
    const target = h * w * random.uniform(...area);
    const aspect = Math.exp(random.uniform(Math.log(ratio[0]), Math.log(ratio[1])));
    const height = Math.min(h, Math.max(1, Math.round(Math.sqrt(target / aspect))));
    const width = Math.min(w, Math.max(1, Math.round(Math.sqrt(target * aspect))));
    const [top, left] = [random.int(h - height + 1), random.int(w - width + 1)];
    return [top, top + height - 1, left, left + width - 1];
  };
  return {
    name: `erase(${[p, ...area, ...ratio, value].join(', ')})`,
    build(x, id) {
      const [n, , h, w] = x.shape as [number, number, number, number];
      return {
        y: where(inBoxes(input(id, [4, n]), h, w), constant([value], [1, 1, 1, 1]), x),
        draw: (from) => ({ [id]: edgesOf(Array.from({ length: n }, (_, i) => box(sourceOf(from, i), h, w))) }),
      };
    },
  };
}
