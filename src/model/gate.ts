/**
 * The one gate for data: pictures, labels and samples are checked here before anything is computed with them, and each
 * error names the file or the index of the sample that is at fault.
 */
import { WgradError } from '../errors.ts';
import { show, sizeOf } from '../graph/shape.ts';

/**
 * @param shape of what is expected, [C,H,W] or a batch of it.
 * @param what names the picture, for messages.
 * @throws WgradError 'invalid-argument' (no Float32Array), 'shape', 'not-finite'.
 */
export function checkPicture(values: unknown, shape: readonly number[], what: string): asserts values is Float32Array {
  if (!(values instanceof Float32Array)) {
    throw new WgradError('invalid-argument', `${what}: a Float32Array is needed, not ${kindOf(values)}`);
  }
  const size = sizeOf(shape);
  if (values.length !== size) {
    const extents = shape.length === 3 ? `${shape[0]} channels of ${shape[1]} x ${shape[2]}` : show(shape);
    throw new WgradError('shape', `${what}: ${values.length} values are no picture of ${extents}, which has ${size}`, {
      remedy: 'Preprocess it for this model: model.pictureShape is [channels, height, width]',
    });
  }
  const bad = values.findIndex((v) => !Number.isFinite(v));
  if (bad >= 0) {
    throw new WgradError('not-finite', `${what}: value ${bad} is ${values[bad]}`, {
      remedy: 'Check how it was decoded and normalised',
    });
  }
}

/**
 * Index of a label given as index or as name.
 * @param classes names in the order of the outputs. @param what names the sample, for messages.
 * @throws WgradError 'invalid-argument' for what is no class index, 'unknown-name' for a name that is not there.
 */
export function labelIndex(label: unknown, classes: readonly string[], what: string): number {
  if (typeof label === 'string') {
    const index = classes.indexOf(label);
    if (index >= 0 && classes.indexOf(label, index + 1) < 0) return index;
    if (index >= 0) {
      throw new WgradError('unknown-name', `${what}: several classes are called '${label}'`, {
        remedy: 'Give the index of the class',
      });
    }
    const shown = classes.slice(0, 12).join(', ') + (classes.length > 12 ? ', ...' : '');
    throw new WgradError('unknown-name', `${what}: there is no class '${label}'`, { remedy: `Classes: ${shown}` });
  }
  if (typeof label === 'number' && Number.isInteger(label) && label >= 0 && label < classes.length) return label;
  throw new WgradError('invalid-argument', `${what}: the label ${kindOf(label)} is no class`, {
    remedy: `Give a whole number from 0 to ${classes.length - 1}, or a class's name`,
  });
}

/**
 * The row of one value for each of `outputs` classes that a sample's label stands for.
 * @param kind labels: a list of classes, by index or name. values: a Float32Array.
 * @throws WgradError as {@link labelIndex}; 'invalid-argument' for what is no such list, or names a class twice; 'shape',
 *   'not-finite'.
 */
export function labelRow(
  label: unknown,
  kind: 'labels' | 'values',
  classes: readonly string[],
  outputs: number,
  what: string,
): Float32Array {
  const row = new Float32Array(outputs);
  if (kind === 'labels') {
    if (!Array.isArray(label)) {
      throw new WgradError('invalid-argument', `${what}: a list of labels is needed, not ${kindOf(label)}`, {
        remedy: 'Give a list of class indices or names, empty where none applies',
      });
    }
    for (const one of label) {
      const index = labelIndex(one, classes, what);
      if (row[index] === 1) throw new WgradError('invalid-argument', `${what}: the label ${one} is there twice`);
      row[index] = 1;
    }
    return row;
  }
  if (!(label instanceof Float32Array)) {
    throw new WgradError('invalid-argument', `${what}: a Float32Array of values is needed, not ${kindOf(label)}`);
  }
  if (label.length !== classes.length) {
    throw new WgradError('shape', `${what}: ${label.length} values for ${classes.length} classes`);
  }
  const bad = label.findIndex((v) => !Number.isFinite(v));
  if (bad >= 0) throw new WgradError('not-finite', `${what}: the value of class ${bad} is ${label[bad]}`);
  row.set(label);
  return row;
}

/**
 * Names that both know must stand for the same output.
 * @throws WgradError 'invalid-argument' naming the first class that does not.
 */
export function checkSameOrder(classes: readonly string[], labels: readonly string[], what: string): void {
  for (const [i, name] of classes.entries()) {
    const at = labels.indexOf(name);
    if (at < 0 || labels[i] === name) continue;
    throw new WgradError('invalid-argument', `${what}: class ${i} is '${name}', which is the model's class ${at}`, {
      remedy: "Bring the dataset's classes into the order of model.labels, or replace the head",
    });
  }
}

/** What a value is, in a word or two. */
function kindOf(value: unknown): string {
  if (typeof value === 'number' || value === undefined || value === null) return String(value);
  if (typeof value === 'object') return Object.prototype.toString.call(value).slice(8, -1);
  return typeof value;
}
