/**
 * Steps of projected gradient ascent in a ball around a picture x0, as graph functions (Madry, Makelov, Schmidt, Tsipras,
 * Vladu 2017, arXiv:1706.06083). With u_c the size of one unit of the ball in the values of channel c:
 *
 *   linf   x + a u sign(g),                  then x - x0 clamped to +- e u
 *   l2     x + a u (g u) / ||g u||,          then d = (x - x0) / u scaled by min(1, e / ||d||)
 *
 * and then clamped to the valid values. x0 is valid, so that clamping brings no value farther from it: the result is in
 * the ball and valid at once.
 */
import { grad } from '../../autograd/grad.ts';
import { constant } from '../../graph/leaves.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { add, div, maximum, minimum, mul, sub } from '../../ops/binary.ts';
import { norm as length, sum } from '../../ops/reduce.ts';
import { stopGradient } from '../../ops/stop_gradient.ts';
import { neg, sign } from '../../ops/unary.ts';

/** The norm in which a change is bounded. */
export type BallNorm = 'linf' | 'l2';

/** Where a picture may go. Tensors broadcast against [N,C,H,W]. */
export interface Ball {
  norm: BallNorm;
  /** e, in units. */
  radius: Tensor;
  /** u: one unit in the values of each channel, [1,C,1,1]. */
  unit: Tensor;
  /** Lowest and highest valid value of each channel, [1,C,1,1]; absent: any value is valid. */
  range?: readonly [low: Tensor, high: Tensor];
}

/** Lengths below this count as 0: a gradient of zeros moves nothing. */
const TINY = 1e-30;
const picture = [1, 2, 3];

/** x moved uphill by `step` units. @param gradient of what is to grow, [N,C,H,W]. */
export function uphill(x: Tensor, gradient: Tensor, step: Tensor, { norm, unit }: Pick<Ball, 'norm' | 'unit'>): Tensor {
  if (norm === 'linf') return add(x, mul(mul(sign(gradient), unit), step));
  const inUnits = mul(gradient, unit);
  const direction = div(inUnits, maximum(length(inUnits, picture, true), constant([TINY])));
  return add(x, mul(mul(direction, unit), step));
}

/** The point of the ball around `origin`, among the valid ones, that stands for x. */
export function intoBall(x: Tensor, origin: Tensor, { norm, radius, unit, range }: Ball): Tensor {
  const difference = sub(x, origin);
  let inside: Tensor;
  if (norm === 'linf') {
    const limit = mul(unit, radius);
    inside = maximum(minimum(difference, limit), neg(limit));
  } else {
    const size = maximum(length(div(difference, unit), picture, true), constant([TINY]));
    inside = mul(difference, minimum(div(radius, size), constant([1])));
  }
  const moved = add(origin, inside);
  if (!range) return moved;
  // Rounding in the picture's own preprocessing may leave it a little outside: it stays valid.
  const [low, high] = [minimum(range[0], origin), maximum(range[1], origin)];
  return maximum(minimum(moved, high), low);
}

/** How far and in how many steps pictures are moved against their label. */
export interface AdversarialPoints extends Ball {
  steps: number;
  /** Length of a step in units. */
  step: Tensor;
}

/**
 * The pictures after `steps` steps uphill of the loss, all in one graph: for adversarial training, as
 * `TrainStep.create(model, { perturb: (loss, x) => adversarialPoints(loss, x, ...) })`. No gradient goes through them.
 * @param loss of pictures [N,C,H,W], a scalar. @param x the clean pictures.
 */
export function adversarialPoints(loss: (x: Tensor) => Tensor, x: Tensor, options: AdversarialPoints): Tensor {
  const origin = stopGradient(x);
  let at = origin;
  for (let k = 0; k < options.steps; k++) {
    const [gradient] = grad(sum(loss(at)), [at]);
    at = stopGradient(intoBall(uphill(at, gradient!, options.step, options), origin, options));
  }
  return at;
}
