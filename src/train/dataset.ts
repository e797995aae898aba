/** What training reads: labelled pictures in the network's input space, one at a time. */
import { WgradError } from '../errors.ts';
import { checkPicture, checkSameOrder, labelIndex, labelRow } from '../model/gate.ts';
import type { Preprocess } from '../image/preprocess_spec.ts';
import type { Model } from '../model/model.ts';
import { wordsOf } from '../ops/from_bytes.ts';
import { noTargets, type Targets } from './targets.ts';

/** A class by index or name; several of them; or a value for each class. */
export type Label = number | string | readonly (number | string)[] | Float32Array;

/** A picture with its label. */
export interface Sample {
  /** [C, H, W], preprocessed. */
  input: Float32Array;
  /** As {@link Dataset.targets} says. */
  label: Label;
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
  /**
   * What a label is. class: the index of a class, or its name; the default. labels: a list of them, empty where none
   * applies. values: a Float32Array of one for each class, such as probabilities.
   */
  readonly targets?: TargetKind;
  /** Of every sample, where they are known without reading the pictures. */
  readonly labels?: readonly Label[];
  /**
   * The same pictures as bytes, where they are: uploaded in a quarter of the bytes of `get`'s input, and normalised by
   * `spec` on the device, to the same bits.
   */
  readonly bytes?: {
    readonly spec: Pick<Preprocess, 'mean' | 'std'>;
    get(index: number): Promise<ByteSample> | ByteSample;
  };
  /** Sample `index`; asked for again in every epoch. */
  get(index: number): Promise<Sample> | Sample;
}

/** A picture as bytes, with its label. */
export interface ByteSample extends Omit<Sample, 'input'> {
  /** 8-bit RGB [H, W, 3]. */
  pixels: Uint8Array | Uint8ClampedArray;
}

/** What the labels of a dataset are. */
export type TargetKind = 'class' | 'labels' | 'values';

/** A dataset of pictures that are there already. */
export const inMemory = (samples: readonly Sample[], classes: readonly string[]): Dataset => ({
  length: samples.length,
  classes,
  fixed: true,
  labels: samples.map((s) => s?.label),
  get: (i) => samples[i]!,
});

/** Whether the targets of a dataset are a row for each picture, rather than a class. */
export const hasRows = ({ targets = 'class' }: Dataset): boolean => targets !== 'class';

/** A label that came through the gate: an index, or a row of one value for each class. */
function readLabel(model: Model, data: Dataset, label: unknown, what: string): number | Float32Array {
  const { targets = 'class', classes } = data;
  if (targets === 'class') return labelIndex(label, classes, what);
  return labelRow(label, targets, classes, model.classes, what);
}

const nameOf = (sample: { name?: string } | undefined, index: number): string => {
  const what = sample?.name ?? `sample ${index}`;
  if (!sample) throw new WgradError('invalid-argument', `${what}: the dataset gives none`);
  return what;
};

async function readSample(model: Model, data: Dataset, index: number) {
  const sample: Sample | undefined = await data.get(index);
  const what = nameOf(sample, index);
  checkPicture(sample!.input, model.pictureShape, what);
  return { picture: sample!.input, label: readLabel(model, data, sample!.label, what) };
}

async function readBytes(model: Model, data: Dataset, index: number) {
  const sample: ByteSample | undefined = await data.bytes!.get(index);
  const what = nameOf(sample, index);
  const { pixels } = sample!;
  const [, h, w] = model.pictureShape;
  if (pixels.length !== 3 * h * w) {
    throw new WgradError('shape', `${what}: ${pixels.length} bytes are no RGB picture of ${h} x ${w}`);
  }
  return { picture: pixels, label: readLabel(model, data, sample!.label, what) };
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
 * Loads `indices` into one batch of `size` pictures; missing ones repeat the first, and their targets count for nothing.
 * @param rows whether targets are a row for each picture; default: where they must be.
 * @throws WgradError as {@link checkDataset}: what is read is checked each time.
 */
export async function loadBatch(
  model: Model,
  data: Dataset,
  indices: readonly number[],
  size: number,
  rows = hasRows(data),
): Promise<{ pictures: Float32Array; targets: Targets }> {
  const each = model.pictureShape.reduce((a, b) => a * b, 1);
  const pictures = new Float32Array(size * each);
  const samples = await Promise.all(indices.map((i) => readSample(model, data, i)));
  for (let k = 0; k < size; k++) pictures.set((samples[k] ?? samples[0]!).picture, k * each);
  return { pictures, targets: targetsOf(model, samples, size, rows) };
}

/** The same of a dataset that has bytes: the i32 words that {@link fromBytes} takes. */
export async function loadByteBatch(
  model: Model,
  data: Dataset,
  indices: readonly number[],
  size: number,
  rows = hasRows(data),
): Promise<{ words: Int32Array; targets: Targets }> {
  const [, h, w] = model.pictureShape;
  const each = wordsOf(h, w);
  const words = new Int32Array(size * each);
  const bytes = new Uint8Array(words.buffer);
  const samples = await Promise.all(indices.map((i) => readBytes(model, data, i)));
  for (let k = 0; k < size; k++) bytes.set((samples[k] ?? samples[0]!).picture, 4 * k * each);
  return { words, targets: targetsOf(model, samples, size, rows) };
}

function targetsOf(
  { classes }: Model,
  samples: readonly { label: number | Float32Array }[],
  size: number,
  rows: boolean,
): Targets {
  const targets = noTargets(size, classes, rows);
  for (const [k, { label }] of samples.entries()) {
    if (typeof label === 'object') targets.set(label, k * classes);
    else if (rows) targets.set(oneHotRow(label, classes), k * classes);
    else targets[k] = label;
  }
  return targets;
}

const oneHotRow = (label: number, classes: number): Float32Array => {
  const row = new Float32Array(classes);
  row[label] = 1;
  return row;
};

/** The one class that stands for a label: of several the first, of values the highest; -1 where there is none. */
export function mainClass(label: Label, classes: readonly string[], what: string): number {
  if (label instanceof Float32Array) return label.indexOf(label.reduce((a, b) => Math.max(a, b), -Infinity));
  if (typeof label !== 'object') return labelIndex(label, classes, what);
  return label.length === 0 ? -1 : labelIndex(label[0], classes, what);
}
