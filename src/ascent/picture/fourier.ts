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
import { fromRgb, toRgb, type ColourOptions } from './colours.ts';
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

/** @param spectrum [N C, spectrumSize] @returns pixel values. */
export function spectrumToPixels(
  spectrum: Tensor,
  [n, c, h, w]: readonly [number, number, number, number],
  options: FourierOptions,
): Tensor {
  const scale = constant(amplitudes([h, w], options.decay ?? 1));
  const raw = inverseRealFft(mul(spectrum, scale), [h, w], 1 / CONTRAST);
  return toRgb(reshape(raw, [n, c, h, w]), options);
}

/**
 * The spectrum of the picture as parameters, each frequency scaled by 1 / f (Olah et al. 2017, Lucid's `fft_image`).
 */
export function fourier(options: FourierOptions = {}): Parametrization {
  return {
    name: 'fourier',
    build(request) {
      const [n, c, h, w] = request.shape;
      const size = c * spectrumSize(h, w);
      const values = request.start
        ? spectraOf(request, options)
        : drawn(request, size, (random) => (options.deviation ?? 0.01) * random.normal());
      const spectrum = new Variable('spectrum', [n, size], values);
      const planes = reshape(spectrum.tensor, [n * c, spectrumSize(h, w)]);
      return { variables: [spectrum], pixels: spectrumToPixels(planes, request.shape, options) };
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
