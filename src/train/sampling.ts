/** In which order pictures are trained on, and how much each class counts: functions of labels and seed. */
import { WgradError } from '../errors.ts';
import { labelIndex, labelRow } from '../model/gate.ts';
import type { Model } from '../model/model.ts';
import type { Random } from '../random.ts';
import { hasRows, type Dataset, type Label } from './dataset.ts';

/**
 * shuffle: every picture once. balanced: as many, each class as often as any other; a class's pictures come one after the
 * other, shuffled anew when all have been.
 */
export type Sampling = 'shuffle' | 'balanced';

/** How much each class counts: one number each, by name (others 1), or so that all classes count the same. */
export type ClassWeights = 'balanced' | readonly number[] | Readonly<Record<string, number>>;

/** All labels, in the order of the samples: as the dataset has them, or by reading every sample. */
export async function labelsOf(data: Dataset): Promise<readonly Label[]> {
  if (data.labels) return data.labels;
  const labels: Label[] = [];
  for (let i = 0; i < data.length; i++) labels.push((await data.get(i)).label);
  return labels;
}

/** The order of one epoch. @param labels class indices; for 'balanced'. */
export function epochOrder(length: number, sampling: Sampling, labels: readonly number[], random: Random): number[] {
  const everything = Array.from({ length }, (_, i) => i);
  if (sampling === 'shuffle') return random.shuffle(everything);
  const byClass = new Map<number, number[]>();
  for (const i of everything) byClass.set(labels[i]!, [...(byClass.get(labels[i]!) ?? []), i]);
  const members = [...byClass.values()];
  const queues = members.map((): number[] => []);
  const order: number[] = [];
  while (order.length < length) {
    for (const k of random.shuffle([...members.keys()])) {
      if (queues[k]!.length === 0) queues[k] = random.shuffle(members[k]!);
      order.push(queues[k]!.pop()!);
    }
  }
  return order.slice(0, length);
}

/** Class indices of a dataset of one class a picture. @throws WgradError 'invalid-argument' for another. */
export async function classIndices(data: Dataset, what: string): Promise<number[]> {
  if (hasRows(data)) {
    throw new WgradError('invalid-argument', `${what}: needs one class a picture, and the dataset has ${data.targets}`);
  }
  return (await labelsOf(data)).map((label, i) => labelIndex(label, data.classes, `sample ${i}`));
}

/**
 * One weight for each class of the model. Balanced: samples / (classes x samples of the class), scikit-learn's; with
 * several labels a picture, pictures without the label over those with it.
 * @throws WgradError 'invalid-argument', 'unknown-name'.
 */
export async function resolveWeights(model: Model, data: Dataset, given: ClassWeights): Promise<number[]> {
  const what = 'classWeights';
  const { classes } = model;
  if (given === 'balanced') return balanced(model, data);
  if (Array.isArray(given)) {
    if (given.length === classes && given.every(isWeight)) return [...(given as number[])];
    throw new WgradError('invalid-argument', `${what}: ${given.length} numbers, at least 0 each, are needed: one for each of ${classes} classes`); // prettier-ignore
  }
  const weights = new Array<number>(classes).fill(1);
  for (const [name, weight] of Object.entries(given as Record<string, number>)) {
    if (!isWeight(weight)) throw new WgradError('invalid-argument', `${what}: ${name} has the weight ${weight}`);
    weights[labelIndex(name, data.classes, what)] = weight;
  }
  return weights;
}

const isWeight = (v: unknown) => typeof v === 'number' && v >= 0 && Number.isFinite(v);

async function balanced(model: Model, data: Dataset): Promise<number[]> {
  const { classes } = model;
  const counts = new Array<number>(classes).fill(0);
  if (!hasRows(data)) {
    for (const c of await classIndices(data, 'classWeights')) counts[c]!++;
    const present = counts.filter((n) => n > 0).length;
    return counts.map((n) => (n === 0 ? 1 : data.length / (present * n)));
  }
  const { targets = 'labels', classes: names } = data;
  for (const [i, label] of (await labelsOf(data)).entries()) {
    labelRow(label, targets as 'labels' | 'values', names, classes, `sample ${i}`).forEach((v, c) => (counts[c]! += v));
  }
  return counts.map((n) => (n === 0 || n === data.length ? 1 : (data.length - n) / n));
}
