/**
 * What a file says of itself: class names and preprocessing, in the forms that exporters write them. What cannot be read
 * is left out with a warning; what the caller gives goes before it and must be right.
 */
import { WgradError } from '../errors.ts';
import { parsePreprocess, type Preprocess } from '../image/preprocess_spec.ts';

/** What a caller knows of a model; goes before the file's metadata. */
export interface Given {
  /** Class names in the order of the logits. */
  labels?: readonly string[] | undefined;
  preprocess?: Preprocess | undefined;
  /**
   * multi-label: each class is right or wrong by itself, though the file has no sigmoid that says so; it goes into the
   * metadata of files that the model is saved to.
   */
  scores?: 'single-label' | 'multi-label' | undefined;
  /** Name of the graph output that holds the class scores. */
  output?: string | undefined;
  /** Height and width of pictures; default: the file's, or the preprocessing's crop, or 224. */
  size?: readonly [number, number] | undefined;
}

/** Metadata keys that hold class names; all but the first are taken only where they fit. */
const LABEL_KEYS = ['labels', 'names', 'classes', 'class_names', 'id2label'];

/** Class names for `classes` classes; undefined where there are none that fit. */
export function readLabels(
  metadata: ReadonlyMap<string, string>,
  given: Given,
  classes: number,
  warn: (warning: string) => void,
): readonly string[] | undefined {
  if (given.labels) {
    if (given.labels.length === classes) return given.labels;
    throw new WgradError('invalid-argument', `${given.labels.length} labels for a model of ${classes} classes`, {
      remedy: 'Give one label a class, in the order of the logits',
    });
  }
  for (const key of LABEL_KEYS) {
    const text = metadata.get(key);
    const labels = text === undefined ? undefined : parseLabels(text);
    if (labels?.length === classes) return labels;
    if (key !== LABEL_KEYS[0] || text === undefined) continue;
    const why = labels ? `has ${labels.length} names for ${classes} classes` : 'is no list of names that can be read';
    warn(`the metadata entry '${key}' ${why}: classes go by number (give labels, or --labels FILE)`);
  }
  return undefined;
}

/** What the file or the caller says of scores that have no softmax or sigmoid behind them. */
export function readScores(metadata: ReadonlyMap<string, string>): 'multi-label' | undefined {
  return metadata.get('scores') === 'multi-label' ? 'multi-label' : undefined;
}

/** The number of class names, before the number of classes is known. */
export function labelCount(metadata: ReadonlyMap<string, string>, given: Given): number | undefined {
  return given.labels?.length ?? parseLabels(metadata.get(LABEL_KEYS[0]!) ?? '')?.length;
}

/** The file's preprocessing for pictures of `channels` channels. */
export function readPreprocess(
  metadata: ReadonlyMap<string, string>,
  given: Given,
  channels: number,
  warn: (warning: string) => void,
): Preprocess | undefined {
  const fits = ({ mean, std }: Preprocess) =>
    [mean, std].every((list) => list.length === channels || list.length === 1);
  // One number for all channels is one for each.
  const spread = (list: readonly number[]) =>
    list.length === channels ? list : new Array<number>(channels).fill(list[0]!);
  const whole = (spec: Preprocess): Preprocess => ({ ...spec, mean: spread(spec.mean), std: spread(spec.std) });
  if (given.preprocess) {
    if (fits(given.preprocess)) return whole(given.preprocess);
    const { mean, std } = given.preprocess;
    throw new WgradError('invalid-argument', `mean of ${mean.length} and std of ${std.length} values for pictures of ${channels} channels`, { remedy: `Give ${channels} of each, or one for all` }); // prettier-ignore
  }
  const text = metadata.get('preprocess');
  if (text === undefined) return undefined;
  try {
    const spec = parsePreprocess(parseLiteral(text));
    if (fits(spec)) return whole(spec);
    warn(`the metadata entry 'preprocess' has ${spec.mean.length} means for ${channels} channels: it is left out`);
  } catch (error) {
    warn(`the metadata entry 'preprocess' cannot be read and is left out: ${(error as Error).message}`);
  }
  return undefined;
}

/** JSON or Python lists and dictionaries, one name a line, or names with commas between them. */
export function parseLabels(text: string): string[] | undefined {
  const trimmed = text.trim();
  if (/^[[{(]/.test(trimmed)) return namesOf(parseLiteral(trimmed));
  const separator = trimmed.includes('\n') ? /\r?\n/ : ',';
  const names = trimmed.split(separator).map((name) => name.trim().replace(/^(["'])(.*)\1$/, '$2'));
  return trimmed && names.every(Boolean) ? names : undefined;
}

/** A list of names; an object from index to name, or from name to index. */
function namesOf(value: unknown): string[] | undefined {
  const isName = (v: unknown) => typeof v === 'string' || typeof v === 'number';
  if (Array.isArray(value)) return value.length > 0 && value.every(isName) ? value.map(String) : undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  const entries = Object.entries(value);
  const byIndex = entries.every(([key]) => /^\d+$/.test(key))
    ? entries.map(([key, name]) => [Number(key), name] as const)
    : entries.map(([name, index]) => [index as number, name] as const);
  const names = new Array<string>(entries.length);
  for (const [index, name] of byIndex) if (isName(name)) names[index] = String(name);
  return names.length === entries.length && entries.length > 0 && !names.includes(undefined as never)
    ? names
    : undefined;
}

/** JSON, or a Python literal of strings, numbers, lists, tuples and dictionaries; undefined where it is neither. */
export function parseLiteral(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Python, perhaps.
  }
  const token =
    /\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|(-?[\d.]+(?:e[-+]?\d+)?)|(None|True|False)|([[\](){},:]))/iy;
  const words: Readonly<Record<string, string>> = { None: 'null', True: 'true', False: 'false', '(': '[', ')': ']' };
  let json = '';
  while (token.lastIndex < text.trimEnd().length) {
    const match = token.exec(text);
    if (!match) return undefined;
    const [, single, double, number, word, mark] = match;
    const string = single ?? double;
    const next = string !== undefined ? JSON.stringify(string.replace(/\\(.)/g, '$1')) : (number ?? words[(word ?? mark)!] ?? mark!); // prettier-ignore
    // A trailing comma is fine in Python, a number as a key too.
    if (/^[\]}]/.test(next)) json = json.replace(/,$/, '');
    json = next === ':' ? json.replace(/(-?[\d.]+)$/, '"$1"') + next : json + next;
  }
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
