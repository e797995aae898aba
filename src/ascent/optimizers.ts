/**
 * How the picture climbs. An optimizer is graph code that turns the gradient into the picture's next value; what it
 * remembers between steps are variables.
 */
import { input, Variable } from '../graph/leaves.ts';
import type { Tensor } from '../graph/tensor.ts';
import { assign } from '../ops/effects.ts';
import { add, div, mul } from '../ops/binary.ts';
import { norm } from '../ops/reduce.ts';
import { affine, sqrt, square } from '../ops/unary.ts';
import type { Feeds } from '../plan/program.ts';
import type { PixelSpace } from './pixels.ts';

/** In input units; a function of the step (from 1) makes a schedule. */
export type Rate = number | ((step: number) => number);

export interface Ascent {
  /** The picture after the step. */
  next: Tensor;
  /** The optimizer's own memory, and the effects that change it. */
  state: readonly Variable[];
  updates: readonly Tensor[];
  /** Feeds of step 1, 2, ... */
  feeds(step: number): Feeds;
}

export type AscentOptimizer = (x: Tensor, gradient: Tensor, space: PixelSpace) => Ascent;

/** Steps as a share of the pixel range, in the root mean square over the picture's values. */
export const defaultStep = { normalized: 0.005, adam: 0.01 } as const;

const rateAt = (rate: Rate, step: number) => (typeof rate === 'number' ? rate : rate(step));

/**
 * x <- x + lr g / (||g||_2 + 1e-12): every step is lr long, whatever the objective's scale.
 * @param lr default: the length of a step that moves pixels by 0.5 % of their range, in the root mean square.
 */
export const normalizedAscent =
  (options: { lr?: Rate } = {}): AscentOptimizer =>
  (x, gradient, space) => {
    const lr = options.lr ?? defaultStep.normalized * space.span * Math.sqrt(x.size);
    const rate = div(input('lr', []), affine(norm(gradient), 1, 1e-12));
    return {
      next: add(x, mul(gradient, rate)),
      state: [],
      updates: [],
      feeds: (step) => ({ lr: rateAt(lr, step) }),
    };
  };

/**
 * Adam, climbing: m <- b1 m + (1 - b1) g; v <- b2 v + (1 - b2) g^2;
 * x <- x + lr sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + eps). (Kingma and Ba 2014, arXiv:1412.6980, end of section 2.)
 * @param options.lr default: 1 % of the pixel range.
 */
export const adam =
  (options: { lr?: Rate; beta1?: number; beta2?: number; epsilon?: number } = {}): AscentOptimizer =>
  (x, gradient, space) => {
    const { lr = defaultStep.adam * space.span, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = options;
    const zeros = new Float32Array(x.size);
    const m = new Variable('ascent.m', x.shape, zeros);
    const v = new Variable('ascent.v', x.shape, zeros);
    const first = add(affine(m.tensor, beta1), affine(gradient, 1 - beta1));
    const second = add(affine(v.tensor, beta2), affine(square(gradient), 1 - beta2));
    const direction = div(first, affine(sqrt(second), 1, epsilon));
    return {
      next: add(x, mul(direction, input('lr', []))),
      state: [m, v],
      updates: [assign(m, first), assign(v, second)],
      feeds: (t) => ({ lr: (rateAt(lr, t) * Math.sqrt(1 - beta2 ** t)) / (1 - beta1 ** t) }),
    };
  };
