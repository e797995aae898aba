/** The head of a classifier when its classes change: which rows stay, and what the fresh ones start with. */
import { Random } from '../random.ts';
import { labelIndex } from './target.ts';

/** What {@link Model.adaptHead} did, in class names. */
export interface HeadChange {
  layer: string;
  /** Classes whose trained rows were kept. */
  kept: readonly string[];
  /** Classes that start from fresh weights. */
  fresh: readonly string[];
  /** Former classes that are gone, `class 3` where the model had no names. */
  dropped: readonly string[];
}

/**
 * What becomes of the head where its classes become `classes`, and for each of them the row that it keeps; no rows where
 * they are the model's own, in order.
 */
export function headFor(
  classes: readonly string[],
  model: {
    layer: string;
    /** Its classes, `class 3` where it has no names. */
    before: readonly string[];
    labels: readonly string[] | undefined;
    /** One score stands for two classes, and is no row of either. */
    binary: boolean;
  },
): { rows: readonly (number | undefined)[] | undefined; change: HeadChange } {
  const { layer, before, labels, binary } = model;
  const named = classes.map((name) => {
    const index = labels ? labelIndex(labels, name) : -1;
    return index < 0 ? undefined : index;
  });
  if (classes.length === before.length && named.every((row, index) => row === index)) {
    return { rows: undefined, change: { layer, kept: classes, fresh: [], dropped: [] } };
  }
  const rows = binary ? classes.map(() => undefined) : named;
  const kept = classes.filter((_, i) => rows[i] !== undefined);
  const fresh = classes.filter((_, i) => rows[i] === undefined);
  const dropped = before.filter((_, index) => !rows.includes(index));
  return { rows, change: { layer, kept, fresh, dropped } };
}

/** Uniform in +-1/sqrt(fan in), as PyTorch initialises a linear layer. */
export function headWeights(size: number, fanIn: number, seed: number): Float32Array {
  const random = new Random(seed);
  const bound = 1 / Math.sqrt(fanIn);
  return Float32Array.from({ length: size }, () => (2 * random.uniform() - 1) * bound);
}
