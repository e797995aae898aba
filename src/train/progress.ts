/** How far a training is, as plain data: what a checkpoint holds beside tensors, and what decisions are taken from. */

/** What is remembered of an epoch that is over. */
export interface EpochRecord {
  loss: number;
  accuracy: number;
  heldOut?: { loss: number; accuracy: number };
}

export interface Progress {
  /** Steps done. */
  step: number;
  /** Of the epoch that is under way. */
  sums: { loss: number; correct: number };
  /** Of the epochs that are over. */
  history: EpochRecord[];
  /** Index in the history of the epoch whose parameters are the best; -1 before the first. */
  best: number;
  /** For each trained parameter, the steps that were done when it was unfrozen. */
  since: Record<string, number>;
}

export const newProgress = (): Progress => ({
  step: 0,
  sums: { loss: 0, correct: 0 },
  history: [],
  best: -1,
  since: {},
});

/** What an epoch is judged by. */
export type Monitor = 'accuracy' | 'loss';

/** Whether `a` is better than `b`; of equal accuracy, the one of smaller loss. Held out, or in training without that. */
export function isBetter(a: EpochRecord, b: EpochRecord, monitor: Monitor): boolean {
  const [x, y] = [a.heldOut ?? a, b.heldOut ?? b];
  if (monitor === 'accuracy' && x.accuracy !== y.accuracy) return x.accuracy > y.accuracy;
  return x.loss < y.loss;
}

/** What a plateau schedule watches. */
export const lossesOf = (history: readonly EpochRecord[]): number[] => history.map((r) => (r.heldOut ?? r).loss);

/** Whether `patience` epochs have brought nothing better. */
export const isStuck = ({ history, best }: Progress, patience: number): boolean =>
  history.length - 1 - best >= patience;
