/**
 * DeepLIFT's rules as multipliers m with sum_i m_i (x_i - r_i) = f(x) - f(r). (Shrikumar, Greenside, Kundaje 2017,
 * arXiv:1704.02685; as DeepSHAP, Lundberg and Lee 2017, arXiv:1705.07874.)
 *
 *   y = f(x), elementwise   m_x = m_y (f(x) - f(r)) / (x - r); the gradient where |x - r| < 1e-6
 *   y = a b, both varying   m_a = m_y (b + b') / 2, m_b = m_y (a + a') / 2: a b - a'b' is shared evenly
 *   max-pool                with M = max(y, y'): m_y (M - y') at x's winner and m_y (y - M) at r's, added where
 *                           windows overlap, over x - r
 *   linear ops              their own gradient
 *
 * Complete on any graph of these, reused ReLUs, overlapping windows and residual joins included.
 */
import type { Tensor } from '../graph/tensor.ts';
import { add, maximum, mul, sub } from '../ops/binary.ts';
import { secant } from '../ops/secant.ts';
import { affine, neg, reciprocal, square, unaryNames } from '../ops/unary.ts';
import { scalar } from '../graph/leaves.ts';
import { broadcastTo, sumTo } from '../ops/broadcast.ts';
import type { Pair, PairedRule, PairedRules } from './engines/rules.ts';

const elementwise: PairedRule = ({ node, twin }, [m]) => [
  () => {
    const [tangent] = node.op.vjp!(node, [m]);
    const zero = () => broadcastTo(scalar(0), m!.shape);
    const sides = [node.inputs[0]!, twin.inputs[0]!] as const;
    return secant(m!, sides, [node.outputs[0]!, twin.outputs[0]!], tangent?.() ?? zero());
  },
];

const product: PairedRule = ({ node, twin, varies }, [m]) => {
  const [a, b] = node.inputs as [Tensor, Tensor];
  if (!varies(a) || !varies(b)) return node.op.vjp!(node, [m]);
  const [ra, rb] = twin.inputs as [Tensor, Tensor];
  const half = (t: Tensor, r: Tensor) => affine(add(t, r), 0.5);
  return [() => sumTo(mul(m!, half(b, rb)), a.shape), () => sumTo(mul(m!, half(a, ra)), b.shape)];
};

const maxPool: PairedRule = ({ node, twin }, [m]) => [
  () => {
    const [y, r] = [node.outputs[0]!, twin.outputs[0]!];
    const top = maximum(y, r);
    const atWinner = (of: Pair['node'], share: Tensor) => of.op.vjp!(of, [mul(m!, share)])[0]!();
    const contributions = add(atWinner(node, sub(top, r)), atWinner(twin, sub(y, top)));
    // Contribution over difference is the slope of a chord from 0: f(a) - f(b) is 1, and 0 where nothing differs.
    const [x, from] = [node.inputs[0]!, twin.inputs[0]!];
    const one = broadcastTo(scalar(1), x.shape);
    const zero = broadcastTo(scalar(0), x.shape);
    return secant(contributions, [x, from], [one, zero], zero, 1e-30);
  },
];

/** a / b = a (1 / b), shared as a product whose second factor is a function of b. */
const quotient: PairedRule = ({ node, twin, varies }, [m]) => {
  const [a, b] = node.inputs as [Tensor, Tensor];
  if (!varies(b)) return node.op.vjp!(node, [m]);
  const [ra, rb] = twin.inputs as [Tensor, Tensor];
  const [inverse, from] = [reciprocal(b), reciprocal(rb)];
  return [
    () => sumTo(mul(m!, affine(add(inverse, from), 0.5)), a.shape),
    () => {
      const share = sumTo(mul(m!, affine(add(a, ra), 0.5)), b.shape);
      return secant(share, [b, rb], [inverse, from], neg(mul(share, square(inverse))));
    },
  ];
};

const bilinear = ['conv2d', 'conv2d_input_grad', 'matmul', 'batch_norm'];

const linear = [
  'add', 'sub', 'affine', 'neg', 'avg_pool2d', 'sum', 'mean',
  'reshape', 'transpose', 'pad', 'slice', 'concat', 'split', 'tile', 'gather', 'broadcast_to', 'copy',
  'along_axis', 'shift2d', 'place',
]; // prettier-ignore

export const deepLiftRules: PairedRules = {
  ...Object.fromEntries(unaryNames.map((name) => [name, elementwise])),
  ...Object.fromEntries(linear.map((name) => [name, 'linear' as const])),
  ...Object.fromEntries(bilinear.map((name) => [name, 'bilinear' as const])),
  mul: product,
  div: quotient,
  max_pool2d: maxPool,
};
