/**
 * Relevance of the inputs of z = sum_i c_i + b, c_i = a_i w_i, from the relevance R of z. With c+ and c- the positive
 * and negative parts of the contributions (of a+ w+ + a- w- and a+ w- + a- w+), sums over the inputs of one output:
 *
 *   epsilon     c / (z + e sign z)                                                    (Bach et al. 2015)
 *   gamma       (c + g c+) / (z + g (c+ + b+)) where z >= 0, else with c-, b-         (Montavon et al. 2019)
 *   alpha-beta  alpha c+ / (sum c+ + b+) - beta c- / (sum c- + b-), beta = alpha - 1  (Bach et al. 2015)
 *   z-plus      c+ / sum c+, without the bias: conserves                              (Montavon et al. 2017)
 *   w-square    w^2 / sum w^2      flat  1 / sum 1: for pixels, over the taps inside  (Montavon et al. 2017)
 *   box         (x w - l w+ - h w-) / its sum: for pixels between l and h             (Montavon et al. 2017)
 *   gamma-captum, w-plus  Captum's GammaRule (w + g w+, bias unchanged) and Alpha1_Beta0_Rule (w+, without bias)
 *
 * sign(0) = +1. A share whose denominator is 0 is 0.
 */
import { constant, scalar } from '../../graph/leaves.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { add, div, equal, greaterOrEqual, maximum, minimum, mul, sub } from '../../ops/binary.ts';
import { broadcastTo } from '../../ops/broadcast.ts';
import { affine, square } from '../../ops/unary.ts';
import { where } from '../../ops/where.ts';
import type { LinearMap } from './linear.ts';

export const ruleNames = ['epsilon', 'gamma', 'alpha-beta', 'z-plus', 'gamma-captum', 'w-plus'] as const;
export const firstRuleNames = ['same', 'box', 'w-square', 'flat', ...ruleNames] as const;
export type LrpRule = (typeof ruleNames)[number] | 'box' | 'w-square' | 'flat';

export interface LrpNumbers {
  epsilon: number;
  gamma: number;
  alpha: number;
  /** Lowest and highest value of each channel of the input, [C]. */
  low: Float32Array;
  high: Float32Array;
}

const zero = scalar(0);
const positive = (t: Tensor) => maximum(t, zero);
const negative = (t: Tensor) => minimum(t, zero);
const withBias = (z: Tensor, b: Tensor | undefined) => (b ? add(z, b) : z);

/** r / (z + e sign z) */
export const stabilised = (r: Tensor, z: Tensor, epsilon: number): Tensor =>
  div(r, add(z, affine(greaterOrEqual(z, zero), 2 * epsilon, -epsilon)));

/** r / z, 0 where z is 0. */
const quotient = (r: Tensor, z: Tensor): Tensor => {
  const none = equal(z, zero);
  return where(none, zero, div(r, where(none, scalar(1), z)));
};

/** Contributions of one sign: the sum over inputs and the way back. */
interface Signed {
  z: Tensor;
  back(q: Tensor): Tensor;
}

function signed({ a, isPositive, w, forward, backward }: LinearMap, sign: 1 | -1): Signed {
  const [with_p, with_n] = sign === 1 ? [positive(w), negative(w)] : [negative(w), positive(w)];
  if (isPositive) return { z: forward(a, with_p), back: (q) => mul(a, backward(q, with_p)) };
  const [ap, an] = [positive(a), negative(a)];
  return {
    z: add(forward(ap, with_p), forward(an, with_n)),
    back: (q) => add(mul(ap, backward(q, with_p)), mul(an, backward(q, with_n))),
  };
}

type Propagate = (map: LinearMap, r: Tensor, n: LrpNumbers) => Tensor;

/** The epsilon rule with other weights and bias. */
const through = ({ a, forward, backward }: LinearMap, w: Tensor, b: Tensor | undefined, r: Tensor, e: number) =>
  mul(a, backward(stabilised(r, withBias(forward(a, w), b), e), w));

const TINY = 1e-9;

const gamma: Propagate = (map, r, { gamma: g }) => {
  const { a, w, b, forward, backward } = map;
  const z = withBias(forward(a, w), b);
  const isUp = greaterOrEqual(z, zero);
  const half = (sign: 1 | -1, part: (t: Tensor) => Tensor, chosen: Tensor) => {
    const side = signed(map, sign);
    const total = add(z, affine(withBias(side.z, b && part(b)), g));
    const q = mul(stabilised(r, total, TINY), chosen);
    return add(mul(a, backward(q, w)), affine(side.back(q), g));
  };
  return add(half(1, positive, isUp), half(-1, negative, affine(isUp, -1, 1)));
};

const alphaBeta: Propagate = (map, r, { alpha }) => {
  const [up, down] = [signed(map, 1), signed(map, -1)];
  const { b } = map;
  const share = ({ z, back }: Signed, bias: Tensor | undefined) => back(quotient(r, withBias(z, bias)));
  const raised = affine(share(up, b && positive(b)), alpha);
  return alpha === 1 ? raised : sub(raised, affine(share(down, b && negative(b)), alpha - 1));
};

/** Weights in place of activations: a is 1 inside the picture. */
const byWeights = ({ a, forward, backward }: LinearMap, w: Tensor, r: Tensor) => {
  const ones = broadcastTo(scalar(1), a.shape);
  return backward(quotient(r, forward(ones, w)), w);
};

const box: Propagate = ({ a, w, forward, backward }, r, { low, high }) => {
  const filled = (values: Float32Array) => broadcastTo(constant(values, [values.length, 1, 1]), a.shape);
  const [l, h] = [filled(low), filled(high)];
  const [wp, wn] = [positive(w), negative(w)];
  const z = sub(sub(forward(a, w), forward(l, wp)), forward(h, wn));
  const q = stabilised(r, z, TINY);
  return sub(sub(mul(a, backward(q, w)), mul(l, backward(q, wp))), mul(h, backward(q, wn)));
};

export const propagate: Readonly<Record<LrpRule, Propagate>> = {
  epsilon: (map, r, { epsilon }) => through(map, map.w, map.b, r, epsilon),
  gamma,
  'alpha-beta': alphaBeta,
  'z-plus': (map, r) => {
    const { z, back } = signed(map, 1);
    return back(quotient(r, z));
  },
  'gamma-captum': (map, r, { gamma: g }) => through(map, add(map.w, affine(positive(map.w), g)), map.b, r, TINY),
  'w-plus': (map, r) => through(map, positive(map.w), undefined, r, TINY),
  'w-square': (map, r) => byWeights(map, square(map.w), r),
  flat: (map, r) => byWeights(map, broadcastTo(scalar(1), map.w.shape), r),
  box,
};
