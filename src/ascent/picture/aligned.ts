/**
 * Pictures that share their low frequencies, so that what is drawn at a place is at the same place in the next one:
 * Lucid's aligned interpolation (Mordvintsev, Pezzotti, Schubert, Olah 2018, doi:10.23915/distill.00012).
 *
 *   rgb_n = range(M (fourier_n + sum over the shared grids of up(t)_n))
 *
 * A grid is [m,C,H/divide,W/divide]; with m = 1 it is in all pictures alike, with m = 2 it goes from the first picture to
 * the last one.
 */
import { Variable } from '../../graph/leaves.ts';
import { addN } from '../../ops/binary.ts';
import { custom, readOptions } from '../../options.ts';
import { adam } from '../../train/optimizers.ts';
import { coarser, spreadOver } from './coarse.ts';
import { toRgb } from './colours.ts';
import { climbedSpectra, fourierOptions, type FourierOptions } from './fourier.ts';
import type { Parametrization } from './types.ts';

/** Numbers that several pictures share. */
export interface SharedGrid {
  /** Default 1: the same in all. */
  pictures?: number;
  /** How many times coarser than the picture. */
  divide: number;
}

/** Options of {@link aligned}. */
export interface AlignedOptions extends FourierOptions {
  /** Default Lucid's: 1/2, 1/4, 1/8 and 1/16 of the size in all pictures alike, and pairs of 1/8 and 1/16. */
  shared?: readonly SharedGrid[];
}

const LUCID: readonly SharedGrid[] = [
  { divide: 2 },
  { divide: 4 },
  { divide: 8 },
  { divide: 8, pictures: 2 },
  { divide: 16 },
  { divide: 16, pictures: 2 },
];

const isGrid = ({ pictures = 1, divide }: SharedGrid) =>
  Number.isSafeInteger(pictures) && pictures >= 1 && divide >= 1 && Number.isFinite(divide);

const table = {
  ...fourierOptions,
  shared: custom<readonly SharedGrid[]>('what the pictures share', 'a list of { divide, pictures }', (v) =>
    Array.isArray(v) && v.every((g) => typeof g === 'object' && g !== null && isGrid(g as SharedGrid)),
  ),
}; // prettier-ignore

/**
 * Spectra of each picture and grids of all as parameters. What the grids start as is drawn from the first picture's seed.
 * @throws WgradError 'invalid-argument'.
 */
export function aligned(options: AlignedOptions = {}): Parametrization {
  const { shared = LUCID, ...own } = readOptions('aligned', table, { ...options });
  return {
    name: 'aligned',
    build(request) {
      const [n, c, h, w] = request.shape;
      const { variable, raw } = climbedSpectra(request, own);
      const grids = shared.map(({ divide, pictures = 1 }, k) => {
        const shape = [Math.min(pictures, n), c, coarser(h, divide), coarser(w, divide)] as const;
        const size = shape.reduce((a, b) => a * b, 1);
        const values = request.start
          ? new Float32Array(size)
          : Float32Array.from({ length: size }, () => own.deviation * request.randoms[0]!.normal());
        return new Variable(`shared${k}`, shape, values);
      });
      const all = addN([raw, ...grids.map((grid) => spreadOver(grid.tensor, request.shape))]);
      return { variables: [variable, ...grids], pixels: toRgb(all, own) };
    },
    climb: () => ({ optimizer: adam({ lr: 0.05 }), gradient: [] }),
  };
}
