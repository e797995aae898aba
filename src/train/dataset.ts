/** What training reads: labelled pictures in the network's input space, one at a time. */
import { WgradError } from '../errors.ts';
import { checkPicture, checkSameOrder, labelIndex } from '../model/gate.ts';
import type { Model } from '../model/model.ts';

/** A picture with its label. */
export interface Sample {
  /** [C, H, W], preprocessed. */
  input: Float32Array;
  /** Class index, or the class's name. */
  label: number | string;
  /** For messages, such as its file; default: its index. */
  name?: string;
}

/** Samples by index: pictures in the model's input space, and what they are. */
export interface Dataset {
  readonly length: number;
  /** Class names in the order of the labels. */
  readonly classes: readonly string[];
  /** Whether all samples were read when it was made, so that `checkDataset` need not read them. */
  readonly checked?: boolean;
  /**
   * Whether `get` gives the same picture for an index each time, so that what the frozen part of a network makes of it may
   * be kept; default false.
   */
  readonly fixed?: boolean;
  /** Sample `index`; asked for again in every epoch. */
  get(index: number): Promise<Sample> | Sample;
}

/** A dataset of pictures that are there already. */
export const inMemory = (samples: readonly Sample[], classes: readonly string[]): Dataset => ({
  length: samples.length,
  classes,
  fixed: true,
  get: (i) => samples[i]!,
});

/** A sample that came through the gate: its label is an index. */
async function readSample(model: Model, data: Dataset, index: number): Promise<{ input: Float32Array; label: number }> {
  const sample: Sample | undefined = await data.get(index);
  const what = sample?.name ?? `sample ${index}`;
  if (!sample) throw new WgradError('invalid-argument', `${what}: the dataset gives none`);
  checkPicture(sample.input, model.pictureShape, what);
  return { input: sample.input, label: labelIndex(sample.label, data.classes, what) };
}

/**
 * Checks a dataset before it is used: count, classes, and every sample unless `data.checked`.
 * @param what names the caller, for messages.
 * @throws WgradError 'dataset-empty', 'invalid-argument', 'unknown-name', 'shape', 'not-finite'; the signal's reason.
 */
export async function checkDataset(model: Model, data: Dataset, what: string, signal?: AbortSignal): Promise<void> {
  checkClasses(model, data, what);
  if (data.checked) return;
  for (let i = 0; i < data.length; i++) {
    signal?.throwIfAborted();
    await readSample(model, data, i);
  }
}

/** The part of {@link checkDataset} that reads no sample. */
export function checkClasses(model: Model, data: Dataset, what: string): void {
  const { length, classes } = data;
  if (!Number.isSafeInteger(length) || length < 0) {
    throw new WgradError('invalid-argument', `${what}: the dataset's length is ${length}`);
  }
  if (length === 0) throw new WgradError('dataset-empty', `${what}: the dataset has no picture`);
  const outputs = model.classes;
  if (classes.length === 0 || classes.length > outputs) {
    throw new WgradError(
      'invalid-argument',
      `${what}: ${classes.length} classes, but the model has ${outputs} outputs`,
      {
        remedy: "Replace its head: model.replaceHead('fc', { classes })",
      },
    );
  }
  if (model.labels) checkSameOrder(classes, model.labels, what);
}

/**
 * Loads `indices` into one batch of `size` pictures; missing ones repeat the first and have the label -100.
 * @throws WgradError as {@link checkDataset}: what is read is checked each time.
 */
export async function loadBatch(
  model: Model,
  data: Dataset,
  indices: readonly number[],
  size: number,
): Promise<{ pictures: Float32Array; targets: Int32Array }> {
  const each = model.pictureShape.reduce((a, b) => a * b, 1);
  const pictures = new Float32Array(size * each);
  const targets = new Int32Array(size).fill(-100);
  const samples = await Promise.all(indices.map((i) => readSample(model, data, i)));
  for (let k = 0; k < size; k++) {
    const sample = samples[k] ?? samples[0]!;
    pictures.set(sample.input, k * each);
    if (k < samples.length) targets[k] = sample.label;
  }
  return { pictures, targets };
}
