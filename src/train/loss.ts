/**
 * The loss that fits what a classifier's scores mean, on the logits z before any softmax or sigmoid in the file, for
 * targets q that are probabilities (one class: 1 for it; smoothing s: (1 - s) q + s / classes):
 *
 *   cross-entropy   single-label  -sum_c w_c q_c log p_c,                            p = softmax(z)
 *                   binary        the same of the logits [0, z]
 *                   multi-label   -sum_c (w_c q_c log p_c + (1 - q_c) log(1 - p_c)), p = sigmoid(z); s / 2 for s / classes
 *   focal           each log p_c times (1 - p_c)^gamma, each log(1 - p_c) times p_c^gamma   Lin et al. 2017, arXiv:1708.02002
 *   mse             the mean over c of w_c (z_c - q_c)^2; of one logit (z - q_1)^2
 *
 *   distillation    (1 - a) L + a T^2 KL(p of z0 / T, p of z / T), z0 the logits of a teacher   Hinton et al. 2015, arXiv:1503.02531
 *
 * Pictures that count for nothing (`src/train/targets.ts`) are in no sum and no mean. The mean over pictures is
 * PyTorch's: with weights and one class a picture, it divides by the sum of the weights of the classes.
 */
import { constant, scalar } from '../graph/leaves.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { ScoreKind } from '../model/roles.ts';
import { nonNegative } from '../options.ts';
import { add, div, greater, maximum, mul, pow, sub } from '../ops/binary.ts';
import { concat } from '../ops/concat.ts';
import { crossEntropy, type Reduction } from '../ops/losses.ts';
import { oneHot } from '../ops/one_hot.ts';
import { mean, sum } from '../ops/reduce.ts';
import { reshape } from '../ops/reshape.ts';
import { slice } from '../ops/slice.ts';
import { logSoftmax } from '../ops/softmax.ts';
import { affine, exp, neg, sigmoid, softplus, square } from '../ops/unary.ts';
import { where } from '../ops/where.ts';
import { IGNORED } from './targets.ts';

/** The losses and their options, for the command line too. */
export const lossTables = {
  'cross-entropy': {},
  focal: { gamma: nonNegative(2, 'how much what is known already is left alone') },
  mse: {},
};

/** What a training makes small. */
export type LossName = keyof typeof lossTables;
/** A loss with its options: `{ name: 'focal', gamma: 1 }`. */
export interface LossData {
  name: LossName;
  gamma?: number | undefined;
}

export interface ClassLossOptions {
  /** Default cross-entropy. */
  loss?: LossData | undefined;
  labelSmoothing?: number | undefined;
  reduction?: Reduction | undefined;
  /** w, of each class; with independent labels of the positive answer, as PyTorch's pos_weight. */
  classWeights?: readonly number[] | undefined;
}

/**
 * @param logits [N, classes], or [N, 1] for a binary classifier
 * @param target i32 [N] or f32 [N, classes], as of `src/train/targets.ts`.
 * @returns a scalar, the mean over the pictures, or [N] with reduction 'none'.
 */
export function classLoss(kind: ScoreKind, logits: Tensor, target: Tensor, options: ClassLossOptions = {}): Tensor {
  const { loss = { name: 'cross-entropy' }, labelSmoothing: s = 0, reduction = 'mean', classWeights } = options;
  const isHard = target.dtype === 'i32';
  const z = kind === 'binary' ? besideZero(logits) : logits;
  const classes = z.shape[1]!;
  const weight = classWeights && constant(classWeights, [classes]);
  if (isHard && kind !== 'multi-label' && loss.name === 'cross-entropy') {
    return crossEntropy(z, target, { labelSmoothing: s, reduction, ...(weight && { weight }) });
  }
  const { wanted, counts } = rowsOf(target, classes);
  const spread = kind === 'multi-label' ? s / 2 : s / classes;
  const q = loss.name === 'mse' ? wanted : affine(wanted, 1 - s, spread);
  const of: Terms = { z, q, weight, gamma: loss.name === 'focal' ? (loss.gamma ?? 2) : 0 };
  const rows =
    loss.name === 'mse'
      ? squaredRows(kind, logits, of)
      : kind === 'multi-label'
        ? independentRows(of)
        : exclusiveRows(of);
  const each = mul(rows, counts);
  if (reduction !== 'mean') return reduction === 'none' ? each : sum(each);
  const weighs = isHard && weight && kind !== 'multi-label';
  return div(sum(each), sum(weighs ? mul(wanted, weight) : counts));
}

interface Terms {
  /** [N, classes] */
  z: Tensor;
  q: Tensor;
  /** [classes] */
  weight: Tensor | undefined;
  gamma: number;
}

const weighted = (x: Tensor, weight: Tensor | undefined): Tensor => (weight ? mul(x, weight) : x);

/** One of the classes is right: [N]. */
function exclusiveRows({ z, q, weight, gamma }: Terms): Tensor {
  const logs = logSoftmax(z, 1);
  // A bound below 1 - p keeps the power's derivative finite where p is 1.
  const hard = gamma === 0 ? logs : mul(pow(maximum(affine(exp(logs), -1, 1), scalar(1e-7)), gamma), logs);
  const shares = weighted(q, weight);
  return neg(sum(where(shares, mul(shares, hard), scalar(0)), [1]));
}

/** Each class is right or wrong by itself: [N]. log p = -softplus(-z), and p^gamma = exp(-gamma softplus(-z)). */
function independentRows({ z, q, weight, gamma }: Terms): Tensor {
  const [yes, no] = [softplus(neg(z)), softplus(z)];
  const focus = (x: Tensor, other: Tensor) => (gamma === 0 ? x : mul(exp(affine(other, -gamma)), x));
  return sum(add(mul(weighted(q, weight), focus(yes, no)), mul(affine(q, -1, 1), focus(no, yes))), [1]);
}

function squaredRows(kind: ScoreKind, logits: Tensor, { z, q, weight }: Terms): Tensor {
  if (kind !== 'binary') return mean(weighted(square(sub(z, q)), weight), [1]);
  return reshape(square(sub(logits, slice(q, [0, 1], [q.shape[0]!, 1]))), [q.shape[0]!]);
}

/** Targets as rows [N, classes], 0 where they count for nothing, and whether they count [N]. */
function rowsOf(target: Tensor, classes: number): { wanted: Tensor; counts: Tensor } {
  if (target.dtype === 'i32') {
    const wanted = oneHot(target, classes, { ignore: IGNORED, outside: NaN });
    return { wanted, counts: sum(oneHot(target, classes, { ignore: IGNORED }), [1]) };
  }
  const rows = target.shape[0]!;
  const counts = greater(slice(target, [0, 0], [rows, 1]), scalar(-3e38));
  return { wanted: where(counts, target, scalar(0)), counts: reshape(counts, [rows]) };
}

/** z [N,1] as [N,2]: the logits of "not" and of "is". */
const besideZero = (z: Tensor): Tensor => concat([constant(new Float32Array(z.size), z.shape), z], 1);

/** Learning from the model as it was before training. */
export interface DistillOptions {
  /** Share a of the teacher in the loss. */
  weight: number;
  /** T. */
  temperature: number;
}

/**
 * @param loss what the pictures' own targets make. @param teacher logits like `logits`.
 * @returns a scalar, the mean over the pictures that count.
 */
export function distilled(
  kind: ScoreKind,
  loss: Tensor,
  [logits, teacher]: readonly [Tensor, Tensor],
  target: Tensor,
  { weight: a, temperature: t }: DistillOptions,
): Tensor {
  const [z, z0] = [logits, teacher].map((x) => affine(kind === 'binary' ? besideZero(x) : x, 1 / t)) as [
    Tensor,
    Tensor,
  ];
  const { counts } = rowsOf(target, z.shape[1]!);
  const rows = kind === 'multi-label' ? sum(bernoulli(z0, z), [1]) : sum(categorical(z0, z), [1]);
  const mean = div(sum(mul(rows, counts)), sum(counts));
  return add(affine(loss, 1 - a), affine(mean, a * t * t));
}

/** The terms of KL(softmax(z0), softmax(z)). */
function categorical(z0: Tensor, z: Tensor): Tensor {
  const logs = logSoftmax(z0, 1);
  const p = exp(logs);
  return where(p, mul(p, sub(logs, logSoftmax(z, 1))), scalar(0));
}

/** KL between the sigmoids. */
function bernoulli(z0: Tensor, z: Tensor): Tensor {
  const p = sigmoid(z0);
  const yes = mul(p, sub(softplus(neg(z)), softplus(neg(z0))));
  return add(yes, mul(affine(p, -1, 1), sub(softplus(z), softplus(z0))));
}
