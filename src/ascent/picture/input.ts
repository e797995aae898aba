/** The network's input itself, as keras-vis draws: its units, kept to what pixels of [0, 1] can give, or free. */
import { constant, Variable } from '../../graph/leaves.ts';
import { boundUpdate } from '../../ops/effects.ts';
import { broadcastTo } from '../../ops/broadcast.ts';
import { flag, nonNegative, readOptions } from '../../options.ts';
import { sgd } from '../../train/optimizers.ts';
import { inputOf, inputRange, noisyGrey, toPixels } from './space.ts';
import type { Parametrization } from './types.ts';

/** Steps as a share of the pixel range, in the root mean square over the picture. */
const STEP = 0.005;

/** Options of {@link inputSpace}. */
export interface InputOptions {
  /** Standard deviation of the noise that it starts from, in pixel values; default 0.05. */
  noise?: number;
  /** Pixels may leave [0, 1]; default false. Always so where the model does not say what its pixels are. */
  free?: boolean;
}

const table = {
  noise: nonNegative(0.05, 'standard deviation of the noise at the start'),
  free: flag(false, 'pixels may leave [0, 1]'),
};

/**
 * The network's input as parameters, as keras-vis has it: no colour model, kept within the pixel range.
 * @throws WgradError 'invalid-argument'.
 */
export function inputSpace(options: InputOptions = {}): Parametrization {
  const { noise, free } = readOptions('inputSpace', table, { ...options });
  return {
    name: 'input',
    build({ shape, space, randoms, start }) {
      const [, , h, w] = shape;
      const values = start
        ? inputOf(start, space, h * w)
        : Float32Array.from(randoms.flatMap((random) => [...noisyGrey(space, [h, w], random, noise)]));
      const variable = new Variable('picture', shape, values);
      const x = variable.tensor;
      const bound = (edge: readonly number[]) => broadcastTo(constant(edge, [edge.length, 1, 1]), shape);
      return {
        variables: [variable],
        input: x,
        pixels: toPixels(x, space),
        project() {
          const [low, high] = inputRange(space);
          return free || !space.known ? [] : [boundUpdate(variable, bound(low), bound(high))];
        },
      };
    },
    climb: ({ shape: [, c, h, w], space }) => ({
      optimizer: sgd({ lr: STEP * space.span * Math.sqrt(c * h * w) }),
      gradient: ['normalize'],
    }),
  };
}
