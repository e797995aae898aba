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

/** For each new class the row of the old one of that name. */
export const rowsByName = (labels: readonly string[] | undefined, classes: readonly string[]): (number | undefined)[] =>
  classes.map((name) => {
    const index = labels ? labelIndex(labels, name) : -1;
    return index < 0 ? undefined : index;
  });

/** Uniform in +-1/sqrt(fan in), as PyTorch initialises a linear layer. */
export function headWeights(size: number, fanIn: number, seed: number): Float32Array {
  const random = new Random(seed);
  const bound = 1 / Math.sqrt(fanIn);
  return Float32Array.from({ length: size }, () => (2 * random.uniform() - 1) * bound);
}
