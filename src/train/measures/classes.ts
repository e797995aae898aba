/** Right and wrong by class: confusion matrix, precision, recall, F1, top-k accuracy, with scikit-learn's conventions. */
import { WgradError } from '../../errors.ts';
import { checkScored, predicted, type Scored } from './scores.ts';

/** counts[true class][predicted class]. */
export function confusionMatrix(scored: Scored): number[][] {
  checkScored(scored, 'confusionMatrix');
  const counts = Array.from({ length: scored.classes }, () => new Array<number>(scored.classes).fill(0));
  predicted(scored).forEach((guess, i) => counts[scored.labels[i]!]![guess]!++);
  return counts;
}

/**
 * Share of samples whose label is among the k highest scores; of equal scores the class of lower index counts as higher,
 * as where one class is predicted.
 * @throws 'invalid-argument' unless k is from 1 to the number of classes
 */
export function topK(scored: Scored, k: number): number {
  checkScored(scored, 'topK');
  const { scores, labels, classes } = scored;
  if (!Number.isInteger(k) || k < 1 || k > classes) throw new WgradError('invalid-argument', `topK: the best ${k} of ${classes} classes`); // prettier-ignore
  let right = 0;
  for (let i = 0; i < labels.length; i++) {
    const [label, row] = [labels[i]!, i * classes];
    let above = 0;
    for (let c = 0; c < classes; c++) {
      if (scores[row + c]! > scores[row + label]! || (c < label && scores[row + c] === scores[row + label])) above++;
    }
    if (above < k) right++;
  }
  return right / labels.length;
}

/** One class's measures. */
export interface ClassMeasures {
  /** Of what was called this class, the share that is; 0 where nothing was. */
  precision: number;
  /** Of what is this class, the share that was called so; 0 where there is none. */
  recall: number;
  /** Harmonic mean of both; 0 where both are. */
  f1: number;
  /** Samples of this class. */
  support: number;
}

/** All classes' measures. */
export interface ClassReport {
  accuracy: number;
  /** By class index. */
  perClass: ClassMeasures[];
  /** Unweighted mean over the classes. */
  macro: Omit<ClassMeasures, 'support'>;
  /** Mean weighted by support. */
  weighted: Omit<ClassMeasures, 'support'>;
}

export const ratio = (a: number, b: number) => (b === 0 ? 0 : a / b);

/**
 * Precision, recall and F1 of each class, and their means; as scikit-learn's `classification_report`.
 * @param confusion counts[true class][predicted class].
 */
export function classReport(confusion: readonly (readonly number[])[]): ClassReport {
  const perClass = confusion.map((row, c) => {
    const support = sum(row);
    const precision = ratio(row[c]!, sum(confusion.map((r) => r[c]!)));
    const recall = ratio(row[c]!, support);
    return { precision, recall, f1: ratio(2 * precision * recall, precision + recall), support };
  });
  const total = sum(perClass.map(({ support }) => support));
  return { accuracy: ratio(sum(confusion.map((row, c) => row[c]!)), total), ...summary(perClass) };
}

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

/** The means over classes. */
export function summary(perClass: ClassMeasures[]): Omit<ClassReport, 'accuracy'> {
  const total = sum(perClass.map(({ support }) => support));
  const mean = (weight: (m: ClassMeasures) => number) => {
    const of = (key: 'precision' | 'recall' | 'f1') => sum(perClass.map((m) => m[key] * weight(m)));
    return { precision: of('precision'), recall: of('recall'), f1: of('f1') };
  };
  return { perClass, macro: mean(() => 1 / perClass.length), weighted: mean(({ support }) => ratio(support, total)) };
}
