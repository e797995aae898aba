/**
 * Losses of PyTorch's torch.nn.functional, written with other ops, whose gradients they inherit.
 *
 *   cross-entropy   L_i = -sum_c q_ic w_c log softmax(x_i)_c
 *     class indices   q = (1 - s) onehot + s / classes, label smoothing s; rows whose target is ignoreIndex count for
 *                     nothing; the mean divides by the sum of the targets' weights (by the rows, without weights)
 *     probabilities   q = (1 - s) target + s / classes; the mean divides by the rows
 *   binary          L = (1 - t) x + (1 + (p - 1) t) softplus(-x), p the weight of positives: PyTorch's stable form of
 *                   -p t log sigmoid(x) - (1 - t) log(1 - sigmoid(x))
 *   mse             (x - y)^2
 *
 * Where q is 0 a term is 0, also for a logit of -infinity.
 */
import { WgradError } from '../errors.ts';
import { scalar } from '../graph/leaves.ts';
import { sameShape } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import { add, div, mul, sub } from './binary.ts';
import { requireFloat, requireKnown, requireNumber, requireOneOf, requireSameShape, requireTensor } from './check.ts';
import { oneHot } from './one_hot.ts';
import { mean, sum } from './reduce.ts';
import { logSoftmax } from './softmax.ts';
import { affine, neg, softplus, square } from './unary.ts';
import { where } from './where.ts';

export type Reduction = 'mean' | 'sum' | 'none';

const reductions: readonly Reduction[] = ['mean', 'sum', 'none'];

function reduce(each: Tensor, reduction: Reduction): Tensor {
  return reduction === 'none' ? each : reduction === 'sum' ? sum(each) : mean(each);
}

export interface CrossEntropyOptions {
  /** s in [0, 1]; default 0. */
  labelSmoothing?: number;
  /** Default 'mean'. */
  reduction?: Reduction;
  /** Weight of each class, [classes]; default 1. */
  weight?: Tensor;
  /** Rows with this target count for nothing; default -100. For class indices only. */
  ignoreIndex?: number;
}

/**
 * @param logits f32 [N, classes]
 * @param target class indices, i32 [N], or the probability of each class, f32 [N, classes]. An index that is no class is
 *   seen only on the device: it makes the loss NaN.
 * @returns a scalar, or [N] with reduction 'none'.
 * @throws WgradError 'shape', 'dtype', 'invalid-argument'
 */
export function crossEntropy(logits: Tensor, target: Tensor, options: CrossEntropyOptions = {}): Tensor {
  requireKnown('cross_entropy', options, ['labelSmoothing', 'reduction', 'weight', 'ignoreIndex']);
  requireTensor('cross_entropy', logits, target);
  const { labelSmoothing: s = 0, reduction = 'mean', weight, ignoreIndex = -100 } = options;
  const [rows, classes] = logits.shape as [number, number];
  requireFloat('cross_entropy', logits, ...(weight ? [weight] : []));
  requireOneOf('cross_entropy', 'reduction', reduction, reductions);
  requireNumber('cross_entropy', { labelSmoothing: s, ignoreIndex });
  if (!(s >= 0 && s <= 1)) {
    throw new WgradError('invalid-argument', `cross_entropy: labelSmoothing is ${s}, outside [0, 1]`);
  }
  if (weight && !sameShape(weight.shape, [classes])) {
    throw new WgradError(
      'shape',
      `cross_entropy: the weight ${weight} is not one value for each of ${classes} classes`,
    );
  }
  const isHard = target.dtype === 'i32';
  if (logits.rank !== 2 || !sameShape(target.shape, isHard ? [rows] : [rows, classes])) {
    throw new WgradError('shape', `cross_entropy: logits ${logits} and target ${target} do not fit`, {
      remedy: 'Give logits [N, classes] and a target of indices, i32 [N], or of probabilities, f32 [N, classes]',
    });
  }
  const weighted = (q: Tensor) => (weight ? mul(q, weight) : q);
  const q = isHard
    ? oneHot(target, classes, { on: 1 - s + s / classes, off: s / classes, ignore: ignoreIndex, outside: NaN })
    : affine(target, 1 - s, s / classes);
  const shares = weighted(q);
  const each = neg(sum(where(shares, mul(shares, logSoftmax(logits, 1)), scalar(0)), [1]));
  if (reduction !== 'mean' || !isHard) return reduce(each, reduction);
  return div(sum(each), sum(weighted(oneHot(target, classes, { ignore: ignoreIndex }))));
}

export interface BinaryCrossEntropyOptions {
  /** Default 'mean'. */
  reduction?: Reduction;
  /** Of each loss; broadcasts to the logits. */
  weight?: Tensor;
  /** Of the positive answer; broadcasts to the logits. More than 1 favours recall. */
  positiveWeight?: Tensor;
}

/**
 * Of the sigmoid of `logits`, for models with one logit or several independent labels.
 * @param target f32 like the logits, the probability of the positive answer.
 * @returns a scalar, or like the logits with reduction 'none'.
 * @throws WgradError 'shape', 'dtype', 'invalid-argument'
 */
export function binaryCrossEntropyWithLogits(
  logits: Tensor,
  target: Tensor,
  options: BinaryCrossEntropyOptions = {},
): Tensor {
  const name = 'binary_cross_entropy_with_logits';
  requireKnown(name, options, ['reduction', 'weight', 'positiveWeight']);
  const { reduction = 'mean', weight, positiveWeight } = options;
  requireFloat(name, logits, target, ...[weight, positiveWeight].filter((t) => t !== undefined));
  requireOneOf(name, 'reduction', reduction, reductions);
  requireSameShape(name, logits, target);
  const positive = softplus(neg(logits));
  const scaled = positiveWeight ? mul(affine(mul(affine(positiveWeight, 1, -1), target), 1, 1), positive) : positive;
  const each = add(mul(affine(target, -1, 1), logits), scaled);
  const result = weight ? mul(each, weight) : each;
  if (!sameShape(result.shape, logits.shape)) {
    throw new WgradError('shape', `${name}: the weights make ${result} of logits ${logits}`, {
      remedy: "Give weights that broadcast to the logits' shape",
    });
  }
  return reduce(result, reduction);
}

/**
 * Mean squared error of tensors of one shape.
 * @returns a scalar, or like x with reduction 'none'.
 * @throws WgradError 'shape', 'dtype', 'invalid-argument'
 */
export function meanSquaredError(x: Tensor, y: Tensor, reduction: Reduction = 'mean'): Tensor {
  requireFloat('mean_squared_error', x, y);
  requireOneOf('mean_squared_error', 'reduction', reduction, reductions);
  requireSameShape('mean_squared_error', x, y);
  return reduce(square(sub(x, y)), reduction);
}
