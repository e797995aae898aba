/** One class against the rest over all thresholds: ROC and precision-recall curves, with scikit-learn's conventions. */
import { WgradError } from '../../errors.ts';

/** False and true positive rates by threshold. */
export interface RocCurve {
  /** False and true positive rates, from (0, 0) to (1, 1). */
  falsePositiveRate: number[];
  truePositiveRate: number[];
  /** A sample is called positive from this score on; infinite at (0, 0). */
  thresholds: number[];
  /** Area under the curve: how often a positive scores above a negative, ties counting half. */
  auc: number;
}

/** Precision and recall by threshold. */
export interface PrecisionRecallCurve {
  /** By falling threshold; it ends with recall 1. */
  precision: number[];
  recall: number[];
  thresholds: number[];
  /** Sum of precision times the step in recall. */
  averagePrecision: number;
}

/** True and false positives at each distinct score, from the highest down. */
function counts(labels: ArrayLike<number | boolean>, scores: ArrayLike<number>, what: string) {
  if (labels.length !== scores.length) throw new WgradError('invalid-argument', `${what}: ${labels.length} labels and ${scores.length} scores`); // prettier-ignore
  const order = Array.from(scores, (_, i) => i).sort((a, b) => scores[b]! - scores[a]!);
  const [tp, fp, thresholds] = [[] as number[], [] as number[], [] as number[]];
  let [positives, negatives] = [0, 0];
  order.forEach((sample, rank) => {
    const [label, score] = [Number(labels[sample]), scores[sample]!];
    if (label !== 0 && label !== 1) throw new WgradError('invalid-argument', `${what}: label ${sample} is ${label}; allowed are 0 and 1`); // prettier-ignore
    if (Number.isNaN(score)) throw new WgradError('not-finite', `${what}: score ${sample} is NaN`);
    if (label) positives++;
    else negatives++;
    if (rank + 1 < order.length && scores[order[rank + 1]!] === score) return;
    tp.push(positives);
    fp.push(negatives);
    thresholds.push(score);
  });
  return { tp, fp, thresholds, positives, negatives };
}

/**
 * @param labels 1 or true for a positive, one a sample.
 * @throws 'invalid-argument' without a positive or a negative: the rates are not defined then; 'not-finite'
 */
export function rocCurve(labels: ArrayLike<number | boolean>, scores: ArrayLike<number>): RocCurve {
  const { tp, fp, thresholds, positives, negatives } = counts(labels, scores, 'rocCurve');
  if (positives === 0 || negatives === 0) throw new WgradError('invalid-argument', `rocCurve: ${positives} positives and ${negatives} negatives; both are needed`); // prettier-ignore
  const falsePositiveRate = [0, ...fp.map((n) => n / negatives)];
  const truePositiveRate = [0, ...tp.map((n) => n / positives)];
  let auc = 0;
  for (let i = 1; i < falsePositiveRate.length; i++)
    auc +=
      ((falsePositiveRate[i]! - falsePositiveRate[i - 1]!) * (truePositiveRate[i]! + truePositiveRate[i - 1]!)) / 2;
  return { falsePositiveRate, truePositiveRate, thresholds: [Infinity, ...thresholds], auc };
}

/** @throws 'invalid-argument' without a positive, 'not-finite' */
export function precisionRecallCurve(
  labels: ArrayLike<number | boolean>,
  scores: ArrayLike<number>,
): PrecisionRecallCurve {
  // prettier-ignore
  const { tp, fp, thresholds, positives } = counts(labels, scores, 'precisionRecallCurve');
  if (positives === 0) throw new WgradError('invalid-argument', 'precisionRecallCurve: no positives');
  const precision = tp.map((n, i) => n / (n + fp[i]!));
  const recall = tp.map((n) => n / positives);
  const averagePrecision = precision.reduce((sum, p, i) => sum + p * (recall[i]! - (recall[i - 1] ?? 0)), 0);
  return { precision, recall, thresholds, averagePrecision };
}
