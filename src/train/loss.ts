/**
 * The loss that fits what a classifier's scores mean, on the logits before any softmax or sigmoid in the file:
 *
 *   single-label   cross-entropy
 *   binary         binary cross-entropy of the one logit z, which is the cross-entropy of the logits [0, z]
 *   multi-label    binary cross-entropy of every logit z against 1 for the target and 0 for the others, summed
 */
import { constant } from '../graph/leaves.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { ScoreKind } from '../model/roles.ts';
import { div, mul } from '../ops/binary.ts';
import { concat } from '../ops/concat.ts';
import { binaryCrossEntropyWithLogits, crossEntropy, type CrossEntropyOptions } from '../ops/losses.ts';
import { oneHot } from '../ops/one_hot.ts';
import { sum } from '../ops/reduce.ts';

export type ClassLossOptions = Pick<CrossEntropyOptions, 'labelSmoothing' | 'reduction'>;

/**
 * @param logits [N, classes], or [N, 1] for a binary classifier
 * @param target i32 [N], class indices; pictures with -100 count for nothing
 * @returns a scalar, the mean over the pictures, or [N] with reduction 'none'.
 */
export function classLoss(kind: ScoreKind, logits: Tensor, target: Tensor, options: ClassLossOptions = {}): Tensor {
  if (kind === 'single-label') return crossEntropy(logits, target, options);
  if (kind === 'binary') return crossEntropy(besideZero(logits), target, options);
  const classes = logits.shape[1];
  const smoothing = options.labelSmoothing ?? 0;
  const ignore = -100;
  const wanted = oneHot(target, classes!, { on: 1 - smoothing / 2, off: smoothing / 2, ignore, outside: NaN });
  const counts = sum(oneHot(target, classes!, { ignore }), [1]);
  const each = mul(sum(binaryCrossEntropyWithLogits(logits, wanted, { reduction: 'none' }), [1]), counts);
  return options.reduction === 'none' ? each : options.reduction === 'sum' ? sum(each) : div(sum(each), sum(counts));
}

/** z [N,1] as [N,2]: the logits of "not" and of "is". */
const besideZero = (z: Tensor): Tensor => concat([constant(new Float32Array(z.size), z.shape), z], 1);
