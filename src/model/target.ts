/** Classes by index or by name. */
import { WgradError } from '../errors.ts';
import type { Model } from './model.ts';

/** A class: its index in the logits or its label. */
export type ClassTarget = number | string;

/**
 * Index of a class. A name matches a label without regard to case, or one of its comma-separated synonyms ('pug' for
 * 'pug, pug-dog').
 * @throws WgradError 'unknown-name'.
 */
export function classIndex(model: Pick<Model, 'labels' | 'classes'>, target: ClassTarget): number {
  if (typeof target === 'number') {
    if (Number.isInteger(target) && target >= 0 && target < model.classes) return target;
    throw new WgradError('unknown-name', `class ${target} is not among the model's ${model.classes} classes`, {
      remedy: `Give an index from 0 to ${model.classes - 1}`,
    });
  }
  if (!model.labels) {
    throw new WgradError('unknown-name', `the model has no labels, so no class '${target}'`, {
      remedy: `Give an index from 0 to ${model.classes - 1}`,
    });
  }
  const found = labelIndex(model.labels, target);
  if (found >= 0) return found;
  const wanted = target.trim().toLowerCase();
  const near = model.labels.filter((l) => l.toLowerCase().includes(wanted)).slice(0, 5);
  const shown = near.length > 0 ? near : model.labels.slice(0, 10);
  throw new WgradError('unknown-name', `the model has no class '${target}'`, { remedy: `Try: ${shown.join(' | ')}` });
}

/** Index of the label that a name stands for, as in {@link classIndex}; -1 where there is none. */
export function labelIndex(labels: readonly string[], name: string): number {
  const wanted = name.trim().toLowerCase();
  const known = labels.map((label) => label.toLowerCase());
  const exact = known.indexOf(wanted);
  return exact >= 0 ? exact : known.findIndex((l) => l.split(',').some((part) => part.trim() === wanted));
}

/** Index of the largest value; the first of equals. */
export function argmax(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}
