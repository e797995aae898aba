/** What the measures are taken of: one row of scores a sample, and its label. */
import { WgradError } from '../../errors.ts';

/** Scores of a set of pictures with their labels, as `evaluate` returns them. */
export interface Scored {
  /** Logits or probabilities [samples, classes], a row after the other. */
  readonly scores: ArrayLike<number>;
  /** Class indices, one a sample. */
  readonly labels: ArrayLike<number>;
  /** Number of classes, at least 2. */
  readonly classes: number;
}

/** @throws 'invalid-argument' for lengths and labels that do not fit, 'not-finite' naming sample and class */
export function checkScored({ scores, labels, classes }: Scored, what: string): void {
  const bad = (message: string) => new WgradError('invalid-argument', `${what}: ${message}`);
  if (!Number.isInteger(classes) || classes < 2) throw bad(`${classes} classes`);
  if (labels.length === 0) throw bad('no samples');
  if (scores.length !== labels.length * classes) throw bad(`${scores.length} scores for ${labels.length} samples of ${classes} classes`); // prettier-ignore
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!;
    if (!Number.isInteger(label) || label < 0 || label >= classes) throw bad(`sample ${i} has the label ${label}; there are ${classes} classes`); // prettier-ignore
  }
  for (let i = 0; i < scores.length; i++)
    if (Number.isNaN(scores[i]!)) throw new WgradError('not-finite', `${what}: sample ${Math.floor(i / classes)}, class ${i % classes} has a score of NaN`); // prettier-ignore
}

/** The class with the highest score of each sample, the first of several. */
export function predicted({ scores, labels, classes }: Scored): Int32Array {
  return Int32Array.from({ length: labels.length }, (_, i) => {
    let best = 0;
    for (let c = 1; c < classes; c++) if (scores[i * classes + c]! > scores[i * classes + best]!) best = c;
    return best;
  });
}

/** softmax(logits / temperature) a row, in float64. */
export function softmaxRows({ scores, labels, classes }: Scored, temperature = 1): Float64Array {
  const out = new Float64Array(labels.length * classes);
  for (let i = 0; i < labels.length; i++) {
    let [top, sum] = [-Infinity, 0];
    for (let c = 0; c < classes; c++) top = Math.max(top, scores[i * classes + c]!);
    for (let c = 0; c < classes; c++) sum += out[i * classes + c] = Math.exp((scores[i * classes + c]! - top) / temperature); // prettier-ignore
    for (let c = 0; c < classes; c++) out[i * classes + c]! /= sum;
  }
  return out;
}
