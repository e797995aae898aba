/**
 * What the pictures of a batch shall come to, as a step is fed it:
 *
 *   Int32Array [N]             the index of each picture's class
 *   Float32Array [N, classes]  for each class a probability, or 0 or 1 where labels are independent
 *
 * Rows that fill a batch up count for nothing: their index is -100 (PyTorch's), their probabilities are -infinity.
 */
import { input } from '../graph/leaves.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Model } from '../model/model.ts';
import { requireScores } from '../model/roles.ts';

export type Targets = Int32Array | Float32Array;

export const IGNORED = -100;
const NOTHING = -Infinity;

/** The input that is fed {@link Targets} of `batch` pictures. */
export const targetInput = (batch: number, classes: number, isSoft: boolean): Tensor =>
  isSoft ? input('target', [batch, classes], 'f32') : input('target', [batch], 'i32');

/** Of `batch` rows that count for nothing. */
export const noTargets = (batch: number, classes: number, isSoft: boolean): Targets =>
  isSoft ? new Float32Array(batch * classes).fill(NOTHING) : new Int32Array(batch).fill(IGNORED);

/** Pictures that count. */
export function countTargets(targets: Targets, batch: number): number {
  const step = targets.length / batch;
  let n = 0;
  for (let i = 0; i < batch; i++) if (targets[i * step] !== (step === 1 ? IGNORED : NOTHING)) n++;
  return n;
}

/** Of each picture the class that is most wanted; -1 where none is, -100 of one that counts for nothing. */
export function mainClasses(targets: Targets, batch: number): Int32Array {
  if (targets instanceof Int32Array) return targets;
  const classes = targets.length / batch;
  return Int32Array.from({ length: batch }, (_, i) => {
    const row = targets.subarray(i * classes, (i + 1) * classes);
    if (row[0] === NOTHING) return IGNORED;
    const most = row.reduce((a, b) => Math.max(a, b));
    return most > 0 ? row.indexOf(most) : -1;
  });
}

/**
 * Of each picture whether the logits [N, scores] speak for its target: for the class that is most wanted, or where labels
 * are independent for each that is wanted and no other.
 */
export function areRight(model: Model, logits: Float32Array, targets: Targets, batch: number): boolean[] {
  const scores = logits.length / batch;
  const isMany = requireScores(model.roles).kind === 'multi-label' && targets instanceof Float32Array;
  const main = mainClasses(targets, batch);
  return Array.from(main, (target, i) => {
    const row = logits.subarray(i * scores, (i + 1) * scores);
    if (!isMany || target === IGNORED) return model.predicted(row) === target;
    return row.every((z, c) => z > 0 === targets[i * scores + c]! > 0.5);
  });
}
