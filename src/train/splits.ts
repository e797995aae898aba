/** Which samples are trained on and which are held out: lists of indices, seeded, no sample in two of them. */
import { WgradError } from '../errors.ts';
import { Random } from '../random.ts';
import type { Dataset } from './dataset.ts';

/** Options of `split` and `kFold`. */
export interface SplitOptions {
  /** Default 0. */
  seed?: number;
  /** Class of each sample: every part then has about its share of each class. */
  stratify?: readonly (number | string)[];
  /** Group of each sample, such as a patient or a video: samples of a group stay together. Not with `stratify`. */
  groups?: readonly (number | string)[];
}

/** Indices of the samples of each part. */
export interface Split {
  train: number[];
  heldOut: number[];
}

/**
 * Holds out about `share` of `count` samples; at least one of each class with `stratify`, at least one group with `groups`.
 * @throws WgradError 'invalid-argument'
 */
export function split(count: number, share: number, options: SplitOptions = {}): Split {
  if (!(share > 0 && share < 1)) {
    throw new WgradError('invalid-argument', `split: a share of ${share}`, { remedy: 'Give one between 0 and 1' });
  }
  const held = new Set<number>();
  for (const units of shuffledUnits('split', count, options)) {
    if (units.length < 2) throw few('split', 2, units.length, options);
    const wanted = Math.min(units.length - 1, Math.max(1, Math.round(units.length * share)));
    for (const unit of units.slice(0, wanted)) for (const i of unit) held.add(i);
  }
  return parted(count, held);
}

/**
 * `k` splits, in which each sample is held out once.
 * @throws WgradError 'invalid-argument'
 */
export function kFold(count: number, k: number, options: SplitOptions = {}): Split[] {
  if (!Number.isSafeInteger(k) || k < 2) throw new WgradError('invalid-argument', `kFold: ${k} folds; at least 2 are needed`); // prettier-ignore
  const folds = Array.from({ length: k }, () => new Set<number>());
  // Classes go on where the one before ended, so that folds are of about one size.
  let next = 0;
  for (const units of shuffledUnits('kFold', count, options)) {
    if (units.length < k) throw few('kFold', k, units.length, options);
    for (const unit of units) {
      for (const i of unit) folds[next % k]!.add(i);
      next++;
    }
  }
  return folds.map((held) => parted(count, held));
}

/** The samples of `data` at `indices`, in their order. @throws WgradError 'invalid-argument' for an index that is none. */
export function subset(data: Dataset, indices: readonly number[]): Dataset {
  const bad = indices.find((i) => !Number.isSafeInteger(i) || i < 0 || i >= data.length);
  if (bad !== undefined) {
    throw new WgradError('invalid-argument', `subset: index ${bad} of a dataset of ${data.length} samples`);
  }
  const { labels, bytes } = data;
  return {
    ...data,
    length: indices.length,
    ...(labels && { labels: indices.map((i) => labels[i]!) }),
    ...(bytes && { bytes: { ...bytes, get: (i: number) => bytes.get(indices[i]!) } }),
    get: (i) => data.get(indices[i]!),
  };
}

/** What is divided: for each class, or for all at once, units that stay together, shuffled. */
function shuffledUnits(what: string, count: number, { seed = 0, stratify, groups }: SplitOptions): number[][][] {
  const by = stratify ?? groups;
  if (stratify && groups) throw new WgradError('invalid-argument', `${what}: stratify and groups exclude each other`);
  if (by && by.length !== count) throw new WgradError('invalid-argument', `${what}: ${by.length} ${stratify ? 'classes' : 'groups'} for ${count} samples`); // prettier-ignore
  const random = new Random(`${what} ${seed}`);
  const together = new Map<number | string, number[]>();
  for (let i = 0; i < count; i++) together.set(by?.[i] ?? 0, [...(together.get(by?.[i] ?? 0) ?? []), i]);
  const lists = [...together.values()];
  if (groups) return [random.shuffle(lists)];
  return lists.map((list) => random.shuffle(list).map((i) => [i]));
}

function few(what: string, needed: number, found: number, { stratify, groups }: SplitOptions): WgradError {
  const of = groups ? `${found} groups` : stratify ? `a class of ${found} samples` : `${found} samples`;
  return new WgradError('invalid-argument', `${what}: ${of}, where ${needed} are needed`);
}

const parted = (count: number, held: ReadonlySet<number>): Split => {
  const all = Array.from({ length: count }, (_, i) => i);
  return { train: all.filter((i) => !held.has(i)), heldOut: all.filter((i) => held.has(i)) };
};
