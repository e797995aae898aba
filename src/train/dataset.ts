/** What training reads: labelled pictures in the network's input space, one at a time. */
import type { Model } from '../model/model.ts';

export interface Sample {
  /** [C, H, W], preprocessed. */
  input: Float32Array;
  /** Class index. */
  label: number;
}

export interface Dataset {
  readonly length: number;
  /** Class names in the order of the labels. */
  readonly classes: readonly string[];
  get(index: number): Promise<Sample> | Sample;
}

export const inMemory = (samples: readonly Sample[], classes: readonly string[]): Dataset => ({
  length: samples.length,
  classes,
  get: (i) => samples[i]!,
});

/** Loads `indices` into one batch of `size` pictures; missing ones repeat the first and have the label -100. */
export async function loadBatch(
  model: Model,
  data: Dataset,
  indices: readonly number[],
  size: number,
): Promise<{ pictures: Float32Array; targets: Int32Array }> {
  const each = model.pictureShape.reduce((a, b) => a * b, 1);
  const pictures = new Float32Array(size * each);
  const targets = new Int32Array(size).fill(-100);
  const samples = await Promise.all(indices.map((i) => data.get(i)));
  for (let k = 0; k < size; k++) {
    const sample = samples[k] ?? samples[0]!;
    pictures.set(sample.input, k * each);
    if (k < samples.length) targets[k] = sample.label;
  }
  return { pictures, targets };
}
