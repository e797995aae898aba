/** Random erasing. */
import { WgradError } from '../errors.ts';
import { constant, input } from '../graph/leaves.ts';
import { greaterOrEqual, lessOrEqual, mul } from '../ops/binary.ts';
import { reshape } from '../ops/reshape.ts';
import { slice } from '../ops/slice.ts';
import { where } from '../ops/where.ts';
import type { ValueTransform } from './transform.ts';

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
  return {
    name: 'erase',
    build(x, id) {
      const [n, , h, w] = x.shape as [number, number, number, number];
      const edges = input(id, [4, n]);
      const edge = (i: number) => reshape(slice(edges, [i, 0], [1, n]), [n, 1, 1, 1]);
      const along = (extent: number, shape: number[]) => constant(Float32Array.from({ length: extent }, (_, i) => i), shape); // prettier-ignore
      const [rows, columns] = [along(h, [1, 1, h, 1]), along(w, [1, 1, 1, w])];
      const inRows = mul(greaterOrEqual(rows, edge(0)), lessOrEqual(rows, edge(1)));
      const inColumns = mul(greaterOrEqual(columns, edge(2)), lessOrEqual(columns, edge(3)));
      return {
        y: where(mul(inRows, inColumns), constant([value], [1, 1, 1, 1]), x),
        draw(random) {
          const data = new Float32Array(4 * n).fill(-1);
          for (let i = 0; i < n; i++) {
            if (random.uniform() >= p) continue;
            const target = h * w * random.uniform(...area);
            const aspect = Math.exp(random.uniform(Math.log(ratio[0]), Math.log(ratio[1])));
            const height = Math.min(h, Math.max(1, Math.round(Math.sqrt(target / aspect))));
            const width = Math.min(w, Math.max(1, Math.round(Math.sqrt(target * aspect))));
            const [top, left] = [random.int(h - height + 1), random.int(w - width + 1)];
            [top, top + height - 1, left, left + width - 1].forEach((v, k) => (data[k * n + i] = v));
          }
          return { [id]: data };
        },
      };
    },
  };
}
