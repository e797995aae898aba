/**
 * The smallest ball in which PGD finds another class, by bisection. An upper bound on how near the nearest such picture
 * is: a stronger attack may find a nearer one.
 */
import type { Model } from '../../model/model.ts';
import { count, positive, readOptions, share, without, type OptionsOf } from '../../options.ts';
import { attackOptions, compileAttack, type Adversarial } from './attack.ts';

const options = {
  ...without(attackOptions, 'epsilon', 'stepSize', 'earlyStop'),
  maxEpsilon: positive(undefined, 'radius at which the search gives up (default: 64/255; for l2 times the root of the number of values)'), // prettier-ignore
  tolerance: share(0.02, 'where the bisection ends: distance of its bounds over the upper one'),
  rounds: count(20, 'radii that are tried at most'),
};
/** Options of `smallestPerturbation`. */
export type SmallestOptions = OptionsOf<typeof options>;

/** The nearest picture found that the model takes for another class. */
export interface Smallest extends Adversarial {
  /** The largest radius at which the attack failed. */
  failedAt: number;
  /** Radii tried. */
  rounds: number;
}

/**
 * @returns the nearest picture found, `epsilon` its own distance; `flipped` is false where there is none at `maxEpsilon`.
 * @throws as `pgd`.
 */
export async function smallestPerturbation(
  model: Model,
  pixels: Float32Array,
  given: SmallestOptions = {},
): Promise<Smallest> {
  const { maxEpsilon, tolerance, rounds: limit, ...rest } = readOptions('smallestPerturbation', options, { ...given });
  using attack = await compileAttack('smallestPerturbation', model, rest);
  let gradients = 0;
  const at = async (epsilon: number) => {
    const found = await attack.run(pixels, { ...rest, epsilon, stepSize: undefined, earlyStop: true });
    gradients += found.gradients;
    // PGD may stop well inside of its ball.
    return { ...found, epsilon: found.flipped ? found.norms[rest.norm] : epsilon };
  };
  let best = await at(maxEpsilon ?? 8 * attack.defaultEpsilon);
  let [low, rounds] = [best.flipped ? 0 : best.epsilon, 1];
  while (best.flipped && rounds < limit && best.epsilon - low > tolerance * best.epsilon) {
    const middle = (low + best.epsilon) / 2;
    const found = await at(middle);
    rounds++;
    if (found.flipped) best = found;
    else low = middle;
  }
  return { ...best, gradients, failedAt: low, rounds };
}
