/** Right and wrong where each class is right or wrong by itself: several labels a sample, or none. */
import { WgradError } from '../../errors.ts';
import type { ClassMeasures, ClassReport } from './classes.ts';
import { ratio, summary } from './classes.ts';

/** What the measures of several labels are taken of. */
export interface LabelScores {
  /** Logits [samples, classes]: above 0 a class is called. */
  readonly scores: ArrayLike<number>;
  /** 1 where a class is wanted, 0 where it is not [samples, classes]. */
  readonly wanted: ArrayLike<number>;
  readonly classes: number;
}

/** Measures of independent labels. */
export interface LabelReport extends ClassReport {
  /** Share of samples of which every class is right. */
  accuracy: number;
  /** Share of all single answers that are right. */
  answers: number;
}

/**
 * Precision, recall and F1 of each class, and their means, as scikit-learn's `classification_report` of indicator rows.
 * @throws WgradError 'invalid-argument' for lengths that do not fit.
 */
export function labelReport({ scores, wanted, classes }: LabelScores): LabelReport {
  const samples = wanted.length / classes;
  if (scores.length !== wanted.length || !Number.isInteger(samples) || samples < 1) {
    throw new WgradError('invalid-argument', `labelReport: ${scores.length} scores and ${wanted.length} labels for ${classes} classes`); // prettier-ignore
  }
  const [hits, called, are] = [0, 1, 2].map(() => new Array<number>(classes).fill(0)) as [number[], number[], number[]];
  let [exact, right] = [0, 0];
  for (let i = 0; i < samples; i++) {
    let wrong = 0;
    for (let c = 0; c < classes; c++) {
      const [yes, is] = [scores[i * classes + c]! > 0, wanted[i * classes + c]! > 0.5];
      if (yes) called[c]!++;
      if (is) are[c]!++;
      if (yes && is) hits[c]!++;
      if (yes !== is) wrong++;
    }
    right += classes - wrong;
    if (wrong === 0) exact++;
  }
  const perClass = hits.map((n, c): ClassMeasures => {
    const [precision, recall] = [ratio(n, called[c]!), ratio(n, are[c]!)];
    return { precision, recall, f1: ratio(2 * precision * recall, precision + recall), support: are[c]! };
  });
  return { accuracy: exact / samples, answers: right / wanted.length, ...summary(perClass) };
}
