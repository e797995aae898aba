/** The classes of one picture, the likeliest first. */
import type { ScoreKind } from './roles.ts';

/** One row of {@link Model.classify}. */
export interface ClassScore {
  index: number;
  /** The class's name, or `class 3` where the model has none. */
  label: string;
  probability: number;
  /** Score before softmax or sigmoid: of a binary classifier's class 0, the negative of class 1's. */
  logit: number;
}

/** A binary classifier has two classes: class 1 with the sigmoid of its score, and class 0 with the rest. */
export function ranking(
  kind: ScoreKind,
  scores: { logits: Float32Array; probabilities: Float32Array },
  labelOf: (index: number) => string,
): ClassScore[] {
  let [logits, probabilities] = [[...scores.logits], [...scores.probabilities]];
  if (kind === 'binary') {
    const [z, p] = [logits[0]!, probabilities[0]!];
    [logits, probabilities] = [
      [-z, z],
      [1 - p, p],
    ];
  }
  return [...logits.keys()]
    .sort((a, b) => logits[b]! - logits[a]!)
    .map((index) => ({
      index,
      label: labelOf(index),
      probability: probabilities[index]!,
      logit: logits[index]!,
    }));
}
