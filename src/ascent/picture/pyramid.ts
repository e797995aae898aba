/**
 * Lucid's Laplacian pyramid: rgb = range(M sum over k < levels of up(t_k)), t_k a picture of 2^-k the size, up the linear
 * interpolation to the full size. Coarse levels move much of the picture by few numbers.
 */
import { Variable } from '../../graph/leaves.ts';
import { addN } from '../../ops/binary.ts';
import { count, nonNegative, readOptions } from '../../options.ts';
import { adam } from '../../train/optimizers.ts';
import { coarser, spreadOver } from './coarse.ts';
import { colourOptions, fromRgb, toRgb, type ColourOptions } from './colours.ts';
import { drawn, type Parametrization } from './types.ts';

/** Options of {@link pyramid}. */
export interface PyramidOptions extends ColourOptions {
  /** Default 4: grids of 1, 1/2, 1/4 and 1/8 of the size. */
  levels?: number;
  /** Standard deviation of each level at the start; default 0.01. */
  deviation?: number;
}

const table = {
  ...colourOptions,
  levels: count(4, 'grids'),
  deviation: nonNegative(0.01, 'standard deviation at the start'),
};

/** Grids from coarse to fine as parameters (Lucid's `laplacian_pyramid`). @throws WgradError 'invalid-argument'. */
export function pyramid(options: PyramidOptions = {}): Parametrization {
  const { levels, deviation, ...colours } = readOptions('pyramid', table, { ...options });
  return {
    name: 'pyramid',
    build(request) {
      const [n, c, h, w] = request.shape;
      // A picture to start from is in the finest level, and the others are 0.
      const start = request.start && fromRgb(request.start, c, h * w, colours);
      const variables = Array.from({ length: levels }, (_, k) => {
        const [rows, columns] = [coarser(h, 2 ** k), coarser(w, 2 ** k)];
        const size = c * rows * columns;
        const values = start
          ? k === 0 ? start : new Float32Array(n * size)
          : drawn(request, size, (random) => deviation * random.normal()); // prettier-ignore
        return new Variable(`level${k}`, [n, c, rows, columns], values);
      });
      const raw = addN(variables.map((v) => spreadOver(v.tensor, request.shape)));
      return { variables, pixels: toRgb(raw, colours) };
    },
    climb: () => ({ optimizer: adam({ lr: 0.05 }), gradient: [] }),
  };
}
