/**
 * A picture with opacity, as Lucid has it (Mordvintsev, Pezzotti, Schubert, Olah 2018, doi:10.23915/distill.00012): the
 * network sees
 *
 *   a rgb + (1 - a) b,   a = sigmoid(irfft2(t / max(f, 1 / max(h, w))) / 4)
 *
 * with another random picture b at each step. What the objective does not need becomes transparent where its opacity
 * costs something: `channel('layer3', 7).times(opacity().negated().plus(1))`.
 */
import { input, Variable } from '../../graph/leaves.ts';
import { add, mul } from '../../ops/binary.ts';
import { affine, sigmoid } from '../../ops/unary.ts';
import { nonNegative, readOptions } from '../../options.ts';
import { toRgb, type ColourOptions } from './colours.ts';
import { spectrumSize } from './fft.ts';
import { fourier, spectrumToRaw } from './fourier.ts';
import { drawn, type Parametrization } from './types.ts';

/** Options of {@link transparent}. */
export interface TransparentOptions {
  /** Standard deviation of the spectra of the backgrounds; default 0.5, Lucid's. */
  background?: number;
  /** Of the opacity's spectrum at the start; default 0.01: about one half everywhere. */
  deviation?: number;
  /** Colours of the backgrounds; default ImageNet's. */
  colours?: ColourOptions['colours'];
}

const table = {
  background: nonNegative(0.5, 'standard deviation of the backgrounds'),
  deviation: nonNegative(0.01, 'standard deviation of the opacity'),
};

/**
 * A picture and its opacity as parameters, over backgrounds that change.
 * @param picture whose pixels are shown, as opaque as it needs.
 * @throws WgradError 'invalid-argument'.
 */
export function transparent(picture: Parametrization = fourier(), options: TransparentOptions = {}): Parametrization {
  const { colours = 'imagenet', ...rest } = options;
  const { background, deviation } = readOptions('transparent', table, { ...rest });
  return {
    name: `transparent ${picture.name}`,
    build(request) {
      const [n, c, h, w] = request.shape;
      const size = spectrumSize(h, w);
      const inner = picture.build(request);
      const { pixels } = inner;
      const values = drawn(request, size, (random) => deviation * random.normal());
      const opacity = new Variable('opacity', [n, size], values);
      const alpha = sigmoid(spectrumToRaw(opacity.tensor, [n, 1, h, w]));
      const behind = toRgb(spectrumToRaw(input('background', [n * c, size]), request.shape), { colours });
      return {
        ...inner,
        variables: [...inner.variables, opacity],
        alpha,
        seen: add(mul(alpha, pixels), mul(affine(alpha, -1, 1), behind)),
        draw: (random) => ({
          ...inner.draw?.(random),
          background: Float32Array.from({ length: n * c * size }, () => background * random.normal()),
        }),
      };
    },
    climb: (request) => picture.climb(request),
  };
}
