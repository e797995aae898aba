/** How gradients pass a ReLU y = max(x, 0) on their way to the picture. g is the gradient at y of what is raised. */
import type { GradOptions } from '../autograd/grad.ts';
import { scalar } from '../graph/leaves.ts';
import type { Tensor } from '../graph/tensor.ts';
import { add, equal, mask, mul, sub } from '../ops/binary.ts';
import { sum } from '../ops/reduce.ts';
import { abs, relu } from '../ops/unary.ts';

type Rules = NonNullable<GradOptions['rules']>;

/**
 * guided: g where y > 0 and g > 0 (Springenberg et al. 2014, arXiv:1412.6806). rectified: g where g > 0, the deconvnet's
 * (Zeiler and Fergus 2013, arXiv:1311.2901). Both as keras-vis's backprop modifiers.
 */
export const reluRules = {
  plain: {},
  guided: { relu: ({ outputs: [y] }, [g]) => [() => mask(relu(g!), y!)] },
  rectified: { relu: (_, [g]) => [() => relu(g!)] },
} satisfies Record<string, Rules>;

/** Name of a rule by which ReLUs pass gradients on in an ascent. */
export type ReluRule = keyof typeof reluRules;

/**
 * Lucid's redirected ReLU: g where y > 0; in a picture of whose gradient nothing would pass, also max(g, 0) elsewhere,
 * so that units that are off are pushed on, and never further off.
 */
export const redirected: Rules = {
  relu: ({ outputs: [y] }, [g]) => [() => redirect(g!, y!)],
};

function redirect(g: Tensor, y: Tensor): Tensor {
  const passed = mask(g, y);
  const inner = g.shape.map((_, axis) => axis).slice(1);
  const nothing = equal(sum(abs(passed), inner, true), scalar(0));
  return add(passed, mul(relu(sub(g, passed)), nothing));
}
