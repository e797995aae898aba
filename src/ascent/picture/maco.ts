/**
 * MaCo, magnitude-constrained optimisation (Fel, Boissin, Boutin, Picard, Novello, Colin, Linsley, Rousseau, Cadene,
 * Gardes, Serre 2023, arXiv:2306.06805): only the phases of the spectrum are climbed on, its magnitudes r stay those of
 * photographs.
 *
 *   rgb = range(M irfft2(r (cos p + i sin p)))
 *
 * r is the mean magnitude over a set of pictures ({@link magnitudes}), of the numbers that colours and range make them of:
 * so a picture of the set is drawn by its own phases. Of the columns v = 0 and v = w / 2 the transform takes what a real
 * picture can have, as irfft does: there the magnitudes are at most r.
 */
import { WgradError } from '../../errors.ts';
import { constant, Variable } from '../../graph/leaves.ts';
import { concat } from '../../ops/concat.ts';
import { mul } from '../../ops/binary.ts';
import { pad } from '../../ops/pad.ts';
import { reshape } from '../../ops/reshape.ts';
import { cos, sin } from '../../ops/unary.ts';
import { readOptions } from '../../options.ts';
import { adam } from '../../train/optimizers.ts';
import { colourOptions, fromRgb, toRgb, type ColourOptions } from './colours.ts';
import { columnsOf, inverseRealFft, realFft, spectrumIndex, storedColumns } from './fft.ts';
import { drawn, type Parametrization } from './types.ts';

/** Of the spectra of pictures of one size. */
export interface Magnitudes {
  /** [C, columns, rows], of the orthonormal transform. */
  values: Float32Array;
  channels: number;
  size: readonly [height: number, width: number];
}

/** Magnitude and phase of each frequency of a plane, in the order of {@link Magnitudes}. */
function polar(
  plane: Float32Array,
  [h, w]: readonly [number, number],
): { magnitude: Float64Array; phase: Float64Array } {
  const spectrum = realFft(plane, [h, w]);
  const [magnitude, phase] = [new Float64Array(columnsOf(w) * h), new Float64Array(columnsOf(w) * h)];
  for (let v = 0; v < columnsOf(w); v++) {
    for (let u = 0; u < h; u++) {
      const [re, im] = [spectrum[spectrumIndex(u, v, 0, h)]!, spectrum[spectrumIndex(u, v, 1, h)]!];
      magnitude[v * h + u] = Math.hypot(re, im);
      phase[v * h + u] = Math.atan2(im, re);
    }
  }
  return { magnitude, phase };
}

/**
 * Mean magnitudes of the spectra of given pictures.
 * @param pictures pixel values [C,H,W] in [0, 1], all of one size. @param options those of the {@link maco} to draw with.
 * @throws WgradError 'invalid-argument' without pictures; 'shape'.
 */
export function magnitudes(
  pictures: readonly Float32Array[],
  size: readonly [number, number],
  options: ColourOptions = {},
): Magnitudes {
  const [h, w] = size;
  const first = pictures[0];
  if (!first) throw new WgradError('invalid-argument', 'magnitudes: no pictures were given');
  const channels = first.length / (h * w);
  if (!Number.isInteger(channels) || pictures.some((p) => p.length !== first.length)) {
    throw new WgradError('shape', `magnitudes: pictures of ${first.length} values, not all of ${h} x ${w} pixels`, {
      remedy: 'Bring them to one size',
    });
  }
  const values = new Float32Array(channels * columnsOf(w) * h);
  for (const picture of pictures) {
    const raw = fromRgb(picture, channels, h * w, options);
    for (let c = 0; c < channels; c++) {
      const { magnitude } = polar(raw.subarray(c * h * w, (c + 1) * h * w), size);
      magnitude.forEach((m, i) => (values[c * magnitude.length + i]! += m / pictures.length));
    }
  }
  return { values, channels, size };
}

/** Phases as parameters, the magnitudes given. @throws WgradError (at build) 'shape' where the magnitudes are of another size than the pictures. */
export function maco(given: Magnitudes, options: ColourOptions = {}): Parametrization {
  const colours = readOptions('maco', colourOptions, { ...options });
  return {
    name: 'maco',
    build(request) {
      const [n, c, h, w] = request.shape;
      if (given.channels !== c || given.size[0] !== h || given.size[1] !== w) {
        throw new WgradError('shape', `maco: magnitudes of ${[given.channels, ...given.size].join(' x ')} for pictures of ${c} x ${h} x ${w}`, {
          remedy: 'Make them of pictures of the size that is drawn',
        }); // prettier-ignore
      }
      const columns = columnsOf(w);
      const size = c * columns * h;
      const values = request.start
        ? phasesOf(fromRgb(request.start, c, h * w, colours), n * c, [h, w])
        : drawn(request, size, (random) => random.uniform(-Math.PI, Math.PI));
      const phase = new Variable('phase', [n, c, columns, 1, h], values);
      const r = constant(given.values, [1, c, columns, 1, h]);
      const parts = [mul(cos(phase.tensor), r), mul(sin(phase.tensor), r)];
      // In the order of storage: columns, real and imaginary, rows; then columns of nothing up to the stored count.
      const own = reshape(concat(parts, 3), [n * c, columns, 2, h]);
      const spectrum = pad(own, [0, 0, 0, 0], [0, storedColumns(w) - columns, 0, 0]);
      const raw = inverseRealFft(reshape(spectrum, [n * c, storedColumns(w) * 2 * h]), [h, w]);
      return { variables: [phase], pixels: toRgb(reshape(raw, request.shape), colours) };
    },
    climb: () => ({ optimizer: adam({ lr: 0.1 }), gradient: [] }),
  };
}

function phasesOf(raw: Float32Array, planes: number, size: readonly [number, number]): Float32Array {
  const area = size[0] * size[1];
  return Float32Array.from(
    Array.from({ length: planes }, (_, i) => [...polar(raw.subarray(i * area, (i + 1) * area), size).phase]).flat(),
  );
}
