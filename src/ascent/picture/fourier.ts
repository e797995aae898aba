/**
 * A picture by its Fourier spectrum, as in Lucid (Olah, Mordvintsev, Schubert 2017, doi:10.23915/distill.00007):
 *
 *   rgb = range(M irfft2(spectrum / max(f, 1 / max(h, w))^decay) / 4)
 *
 * f in cycles a pixel, the transform orthonormal. All frequencies then move alike, as photographs have them, where pixels
 * let the high ones run ahead.
 */
import { constant, Variable } from '../../graph/leaves.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { mul } from '../../ops/binary.ts';
import { reshape } from '../../ops/reshape.ts';
import { adam } from '../../train/optimizers.ts';
import { finite, nonNegative, readOptions } from '../../options.ts';
import { colourOptions, fromRgb, toRgb, type ColourOptions } from './colours.ts';
import { columnsOf, frequency, inverseRealFft, realFft, spectrumIndex, spectrumSize } from './fft.ts';
import { drawn, type Parametrization, type PictureRequest } from './types.ts';

/** Lucid divides the picture by it, so that a spectrum of standard deviation 0.01 begins near grey. */
const CONTRAST = 4;

/** Options of {@link fourier}. */
export interface FourierOptions extends ColourOptions {
  /** Power of the frequency by which amplitudes fall; default 1. */
  decay?: number;
  /** Standard deviation of the spectrum at the start; default 0.01. */
  deviation?: number;
}

export const fourierOptions = {
  ...colourOptions,
  decay: finite(1, 'power of the frequency by which amplitudes fall'),
  deviation: nonNegative(0.01, 'standard deviation of the spectrum at the start'),
};

/** 1 / max(f, 1 / max(h, w))^decay in the order of storage; 0 where nothing is. */
export function amplitudes([h, w]: readonly [number, number], decay: number): Float32Array {
  const scale = new Float32Array(spectrumSize(h, w));
  for (let v = 0; v < columnsOf(w); v++) {
    for (let u = 0; u < h; u++) {
      const s = Math.max(frequency(u, v, h, w), 1 / Math.max(h, w)) ** -decay;
      scale[spectrumIndex(u, v, 0, h)] = scale[spectrumIndex(u, v, 1, h)] = s;
    }
  }
  return scale;
}

/** @param spectrum [N C, spectrumSize] @returns what colours and range are applied to, [N,C,H,W]. */
export function spectrumToRaw(
  spectrum: Tensor,
  [n, c, h, w]: readonly [number, number, number, number],
  decay = 1,
): Tensor {
  const scale = constant(amplitudes([h, w], decay));
  return reshape(inverseRealFft(mul(spectrum, scale), [h, w], 1 / CONTRAST), [n, c, h, w]);
}

/** @param spectrum [N C, spectrumSize] @returns pixel values. */
export const spectrumToPixels = (
  spectrum: Tensor,
  shape: readonly [number, number, number, number],
  options: FourierOptions,
): Tensor => toRgb(spectrumToRaw(spectrum, shape, options.decay), options);

/** Spectra to climb on, and the raw numbers [N,C,H,W] that they stand for. */
export function climbedSpectra(request: PictureRequest, options: FourierOptions): { variable: Variable; raw: Tensor } {
  const [n, c, h, w] = request.shape;
  const size = c * spectrumSize(h, w);
  const values = request.start
    ? spectraOf(request, options)
    : drawn(request, size, (random) => (options.deviation ?? 0.01) * random.normal());
  const variable = new Variable('spectrum', [n, size], values);
  const planes = reshape(variable.tensor, [n * c, spectrumSize(h, w)]);
  return { variable, raw: spectrumToRaw(planes, request.shape, options.decay) };
}

/**
 * The spectrum of the picture as parameters, each frequency scaled by 1 / f (Olah et al. 2017, Lucid's `fft_image`).
 * @throws WgradError 'invalid-argument'.
 */
export function fourier(given: FourierOptions = {}): Parametrization {
  const options = readOptions('fourier', fourierOptions, { ...given });
  return {
    name: 'fourier',
    build(request) {
      const { variable, raw } = climbedSpectra(request, options);
      return { variables: [variable], pixels: toRgb(raw, options) };
    },
    climb: () => ({ optimizer: adam({ lr: 0.05 }), gradient: [] }),
  };
}

/** The spectra of pictures to start from. */
function spectraOf({ shape, start }: PictureRequest, options: FourierOptions): Float32Array {
  const [n, c, h, w] = shape;
  const raw = fromRgb(start!, c, h * w, options);
  const scale = amplitudes([h, w], options.decay ?? 1);
  const size = spectrumSize(h, w);
  const spectra = new Float32Array(n * c * size);
  for (let plane = 0; plane < n * c; plane++) {
    realFft(raw.subarray(plane * h * w, (plane + 1) * h * w), [h, w]).forEach((v, i) => {
      spectra[plane * size + i] = scale[i] === 0 ? 0 : (CONTRAST * v) / scale[i]!;
    });
  }
  return spectra;
}
