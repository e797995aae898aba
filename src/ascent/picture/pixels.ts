/** Lucid's pixel picture: rgb = range(M t), one t for each pixel. What Fourier pictures are compared with. */
import { Variable } from '../../graph/leaves.ts';
import { adam } from '../../train/optimizers.ts';
import { nonNegative, readOptions } from '../../options.ts';
import { colourOptions, fromRgb, toRgb, type ColourOptions } from './colours.ts';
import { drawn, type Parametrization } from './types.ts';

/** Options of {@link pixels}. */
export interface PixelOptions extends ColourOptions {
  /** Standard deviation at the start; default 0.01. */
  deviation?: number;
}

const table = { ...colourOptions, deviation: nonNegative(0.01, 'standard deviation at the start') };

/** Pixels as parameters (Lucid's `pixel_image`). @throws WgradError 'invalid-argument'. */
export function pixels(given: PixelOptions = {}): Parametrization {
  const options = readOptions('pixels', table, { ...given });
  return {
    name: 'pixels',
    build(request) {
      const [, c, h, w] = request.shape;
      const values = request.start
        ? fromRgb(request.start, c, h * w, options)
        : drawn(request, c * h * w, (random) => options.deviation * random.normal());
      const raw = new Variable('pixels', request.shape, values);
      return { variables: [raw], pixels: toRgb(raw.tensor, options) };
    },
    climb: () => ({ optimizer: adam({ lr: 0.05 }), gradient: [] }),
  };
}
