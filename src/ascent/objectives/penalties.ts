/**
 * Penalties on the picture as it is drawn, before transforms: positive, to be taken away:
 * `channel('layer3', 7).minus(totalVariation().times(10))`. On pixel values, unless `of: 'input'` asks for the network's
 * units. Formulas: total variation and Lp of keras-vis, L1, L2 and blur of Lucid.
 */
import { stopGradient } from '../../ops/stop_gradient.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { add, pow, sub } from '../../ops/binary.ts';
import { sum } from '../../ops/reduce.ts';
import { slice } from '../../ops/slice.ts';
import { abs, affine, sqrt, square } from '../../ops/unary.ts';
import { blur as blurred, transformed } from '../../transforms/index.ts';
import type { Scene } from '../scene.ts';
import { objective, type Objective } from './objective.ts';

/** Of which values a penalty is taken. */
export interface PenaltyOptions {
  /** 'pixels' (default): values in [0, 1]; 'input': as the network takes them. */
  of?: 'pixels' | 'input';
}

const picture = (s: Scene, { of = 'pixels' }: PenaltyOptions): Tensor => (of === 'input' ? s.input : s.pixels);

const eachPicture = [1, 2, 3];

/** p moved by one along an axis, minus p, on what is left of it after `other` rows or columns are dropped. */
function steps(p: Tensor, axis: 2 | 3, other: 0 | 1): Tensor {
  const sizes = p.shape.map((d, i) => (i === axis ? d - 1 : i > 1 ? d - other : d));
  const origin = p.shape.map(() => 0);
  return sub(slice(p, origin.map((_, i) => (i === axis ? 1 : 0)), sizes), slice(p, origin, sizes)); // prettier-ignore
}

/**
 * keras-vis's total variation: sum over the (H-1)(W-1) inner cells of (dy^2 + dx^2)^(beta/2), over C H W. (Mahendran and
 * Vedaldi 2015, arXiv:1412.0035.)
 * @param options.beta default 2. keras-vis weighs it by 10.
 */
export const totalVariation = (options: PenaltyOptions & { beta?: number } = {}): Objective =>
  objective(options.beta === undefined ? 'tv' : `tv(${options.beta})`, (s) => {
    const { beta = 2 } = options;
    const p = picture(s, options);
    const cells = add(square(steps(p, 2, 1)), square(steps(p, 3, 1)));
    // The root has no slope at 0: nothing is added where beta is 2.
    const powers = beta === 2 ? cells : pow(affine(cells, 1, 1e-12), beta / 2);
    return affine(sum(powers, eachPicture), s.pictures / p.size);
  });

/** TensorFlow's total variation, as Lucid's examples use it: sum of |dy| and |dx|. Lucid weighs it by about 1e-3. */
export const edges = (options: PenaltyOptions = {}): Objective =>
  objective('edges', (s) => {
    const p = picture(s, options);
    return add(sum(abs(steps(p, 2, 0)), eachPicture), sum(abs(steps(p, 3, 0)), eachPicture));
  });

/** Sum of |p - centre|. @param options.centre default 0.5, mid grey. */
export const l1 = (options: PenaltyOptions & { centre?: number } = {}): Objective =>
  objective('l1', (s) => sum(abs(affine(picture(s, options), 1, -(options.centre ?? 0.5))), eachPicture));

/** Length of p - centre: the root of 1e-6 plus the sum of squares. @param options.centre default 0.5. */
export const l2 = (options: PenaltyOptions & { centre?: number } = {}): Objective =>
  objective('l2', (s) => {
    const squares = square(affine(picture(s, options), 1, -(options.centre ?? 0.5)));
    return sqrt(affine(sum(squares, eachPicture), 1, 1e-6));
  });

/** keras-vis's Lp norm: (sum of |p|^power)^(1/power) / (C H W). @param power default 6. keras-vis weighs it by 10. */
export const lp = (power = 6, options: PenaltyOptions = {}): Objective =>
  objective(`lp(${power})`, (s) => {
    const p = picture(s, options);
    const length = pow(affine(sum(pow(abs(p), power), eachPicture), 1, 1e-30), 1 / power);
    return affine(length, s.pictures / p.size);
  });

/** Half the squared distance from the picture's own blur, which is held fixed: high frequencies. */
export const blur = (sigma = 1): Objective =>
  objective(`blur(${sigma})`, (s) => {
    const smooth = stopGradient(transformed(s.pixels, [blurred(sigma)]).y);
    return affine(sum(square(sub(s.pixels, smooth)), eachPicture), 0.5);
  });
