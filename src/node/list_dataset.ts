/**
 * Pictures by a list, in place of folders by class:
 *
 *   CSV    a line of column names, then a line a picture: path,label[,split][,group]; the column `labels` in place of
 *          `label` holds several classes with `;` between them, or none
 *   JSON   a list of objects with the same names, `labels` being a list
 *
 * Paths go from the list's folder. `split` is train or val; without, a share is held out. What has one `group`, such as a
 * patient or a film, is not split. Every fault names its line (or entry), before a picture is decoded.
 */
import { dirname, resolve } from 'node:path';
import { stat } from 'node:fs/promises';
import { WgradError } from '../errors.ts';
import type { Size } from '../image/preprocess.ts';
import type { Preprocess } from '../image/preprocess_spec.ts';
import { split } from '../train/splits.ts';
import { byPath, pictureDataset, pictureLoader, verifier, type FolderDataset, type Labelled, type ReadOptions } from './picture_dataset.ts'; // prettier-ignore
import type { FolderData } from './folder_dataset.ts';
import type { Skipped } from './pictures.ts';
import { readText } from './read.ts';

/** An entry of a list. */
export interface ListedPicture extends Labelled {
  label: string | string[];
  split: 'train' | 'val' | undefined;
  group: string | undefined;
  /** `line 7`, for messages. */
  where: string;
}

/** A list as it was read. */
export interface PictureList {
  file: string;
  pictures: readonly ListedPicture[];
  /** All that occur, sorted. */
  classes: readonly string[];
  /** Whether a picture has a list of labels. */
  several: boolean;
  /** Columns that mean nothing here. */
  unused: readonly string[];
}

/** Options of {@link listDataset}. */
export interface ListOptions extends ReadOptions {
  /** Of the split; default 0. */
  seed?: number;
  /** Share held out where the list has no split; default 0.25. */
  heldOut?: number;
  /** Class names in the order of their labels; default {@link PictureList.classes}. */
  classes?: readonly string[];
}

const COLUMNS = ['path', 'label', 'labels', 'split', 'group'];
const SPLITS: Readonly<Record<string, 'train' | 'val'>> = { train: 'train', training: 'train', val: 'val', validation: 'val', test: 'val' }; // prettier-ignore

/** Reads a CSV or JSON list and checks it. @throws WgradError 'file-missing'; 'file-format' naming the line; 'dataset-empty'. */
export async function readPictureList(file: string): Promise<PictureList> {
  const text = await readText(file);
  const rows = /\.json$/i.test(file) ? jsonRows(file, text) : csvRows(file, text);
  if (rows.length === 0) throw new WgradError('dataset-empty', `${file} lists no picture`);
  const several = rows[0]!.values['labels'] !== undefined;
  const pictures = rows.map((row) => entry(file, row, several));
  checkAll(file, pictures);
  const missing = await Promise.all(pictures.map((p) => stat(p.path).then((s) => !s.isFile(), () => true))); // prettier-ignore
  const gone = pictures[missing.indexOf(true)];
  if (gone) throw new WgradError('file-missing', `${file}, ${gone.where}: ${gone.path}: no such file`, { remedy: 'Paths go from the folder of the list' }); // prettier-ignore
  const classes = [...new Set(pictures.flatMap((p) => p.label))].sort();
  const unused = [...new Set(rows.flatMap(({ values }) => Object.keys(values)))].filter((k) => !COLUMNS.includes(k));
  return { file, pictures, classes, several, unused };
}

interface Row {
  where: string;
  values: Readonly<Record<string, unknown>>;
}

const fault = (file: string, where: string, why: string) =>
  new WgradError('file-format', `${file}, ${where}: ${why}`, {
    remedy: `A list has the columns path and label (or labels), and may have split and group`,
  });

function jsonRows(file: string, text: string): Row[] {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch (cause) {
    throw new WgradError('file-format', `${file} is not JSON`, { cause });
  }
  if (!Array.isArray(list)) throw fault(file, 'the whole', 'a list of objects is needed');
  return list.map((values: unknown, i) => {
    if (typeof values !== 'object' || values === null) throw fault(file, `entry ${i}`, 'is no object');
    return { where: `entry ${i}`, values: values as Row['values'] };
  });
}

function csvRows(file: string, text: string): Row[] {
  const [head, ...lines] = csvLines(text);
  const names = head?.cells.map((name) => name.trim().toLowerCase()) ?? [];
  if (!names.includes('path') || names.includes('label') === names.includes('labels')) {
    throw fault(file, 'line 1', `the columns are ${names.join(', ') || 'missing'}`);
  }
  return lines.map(({ cells, line }) => {
    const where = `line ${line}`;
    if (cells.length !== names.length) throw fault(file, where, `${cells.length} cells under ${names.length} columns`);
    const values = Object.fromEntries(names.map((name, i) => [name, cells[i]!.trim()]));
    const labels = values['labels'];
    return { where, values: labels === undefined ? values : { ...values, labels: labels.split(';').map((l) => l.trim()).filter(Boolean) } }; // prettier-ignore
  });
}

/** RFC 4180: cells in quotes may hold commas, line ends and doubled quotes. Empty lines are none. */
function csvLines(text: string): { cells: string[]; line: number }[] {
  const lines: { cells: string[]; line: number }[] = [];
  let [cells, line, begun] = [[] as string[], 1, 1];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y;
  const source = text.replace(/^\uFEFF/, '');
  while (cell.lastIndex < source.length || cells.length > 0) {
    const match = cell.exec(source);
    if (!match) return [...lines, { cells: [], line }];
    const [all, quoted, plain, end] = match;
    cells.push(quoted === undefined ? plain! : quoted.replaceAll('""', '"'));
    line += all.split('\n').length - 1;
    if (end === ',') continue;
    if (cells.length > 1 || cells[0] !== '') lines.push({ cells, line: begun });
    [cells, begun] = [[], line];
  }
  return lines;
}

function entry(file: string, { where, values }: Row, several: boolean): ListedPicture {
  const text = (name: string): string | undefined => {
    const value = values[name];
    if (value === undefined || value === null || value === '') return undefined;
    if (typeof value === 'object') throw fault(file, where, `${name} is no text`);
    return String(value as string | number);
  };
  const path = text('path');
  if (path === undefined) throw fault(file, where, 'there is no path');
  const word = text('split')?.toLowerCase();
  if (word !== undefined && !Object.hasOwn(SPLITS, word)) throw fault(file, where, `the split '${word}' is neither train nor val`); // prettier-ignore
  let label: string | string[] | undefined;
  if (several) {
    const list = values['labels'];
    if (!Array.isArray(list)) throw fault(file, where, 'labels is no list');
    label = list.map(String);
    const twice = label.find((l, i) => label!.indexOf(l) !== i);
    if (twice !== undefined) throw fault(file, where, `the label ${twice} is there twice`);
  } else label = text('label');
  if (label === undefined) throw fault(file, where, `${path} has no label`);
  return { path: resolve(dirname(file), path), label, split: word === undefined ? undefined : SPLITS[word], group: text('group'), where }; // prettier-ignore
}

/** What one entry cannot tell: doubles, a split of some alone, groups in both parts. */
function checkAll(file: string, pictures: readonly ListedPicture[]): void {
  const seen = new Map<string, string>();
  const sides = new Map<string, ListedPicture>();
  const isSplit = pictures.some((p) => p.split);
  for (const p of pictures) {
    const before = seen.get(p.path);
    if (before !== undefined) throw fault(file, p.where, `${p.path} is listed in ${before} already`);
    seen.set(p.path, p.where);
    if (isSplit && !p.split) throw fault(file, p.where, `${p.path} has no split, and others have`);
    const other = p.group === undefined ? undefined : sides.get(p.group);
    if (other && other.split !== p.split) throw fault(file, p.where, `the group ${p.group} is in ${p.split}, and in ${other.split} in ${other.where}: what is held out would be known`); // prettier-ignore
    if (p.group !== undefined && !other) sides.set(p.group, p);
  }
}

/**
 * The pictures of a list, to train on and held out.
 * @param size of the network's input.
 * @throws WgradError as {@link readPictureList}; 'unknown-name' for a label that is none of `classes`; 'dataset-empty'
 *   where a side has no picture that can be decoded; the signal's reason.
 */
export async function listDataset(
  list: PictureList | string,
  spec: Preprocess,
  size: Size,
  options: ListOptions = {},
): Promise<FolderData> {
  const known = typeof list === 'string' ? await readPictureList(list) : list;
  const { file, pictures } = known;
  const { seed = 0, heldOut = 0.25 } = options;
  const classes = checkClasses(known, options.classes ?? known.classes);
  const sides = sidesOf(known, heldOut, seed);
  const load = pictureLoader(spec, size, options);
  const skipped: Skipped[] = [];
  const readable = verifier(load, pictures.length, skipped, options);
  const make = async (indices: readonly number[]): Promise<FolderDataset> => {
    const good = await readable(indices.map((i) => pictures[i]!), Infinity); // prettier-ignore
    return pictureDataset(good, classes, load, spec, true, known.several ? 'labels' : undefined);
  };
  const [train, validation] = [await make(sides.train), await make(sides.heldOut)];
  for (const [data, side] of [
    [train, 'to train on'],
    [validation, 'held out'],
  ] as const)
    // prettier-ignore
    if (data.length === 0) throw new WgradError('dataset-empty', `${file}: no picture ${side}`);
  return { train, validation, skipped: skipped.sort(byPath) };
}

/** All pictures of a list for an evaluation: those of its held-out side where it has one. */
export async function labelledList(
  list: PictureList,
  classes: readonly string[],
  spec: Preprocess,
  size: Size,
  options: ReadOptions = {},
): Promise<{ data: FolderDataset; skipped: readonly Skipped[] }> {
  checkClasses(list, classes);
  const chosen = list.pictures.filter((p) => p.split !== 'train');
  const load = pictureLoader(spec, size, options);
  const skipped: Skipped[] = [];
  const good = await verifier(load, chosen.length, skipped, options)(chosen, Infinity);
  if (good.length === 0) throw new WgradError('dataset-empty', `${list.file}: no picture held out`);
  return { data: pictureDataset(good, classes, load, spec, true, list.several ? 'labels' : undefined), skipped };
}

function checkClasses({ file, pictures }: PictureList, classes: readonly string[]): readonly string[] {
  for (const { label, where } of pictures)
    for (const name of [label].flat())
      if (!classes.includes(name)) throw new WgradError('unknown-name', `${file}, ${where}: there is no class '${name}'`, { remedy: `The classes are ${classes.slice(0, 10).join(', ')}` }); // prettier-ignore
  return classes;
}

function sidesOf({ pictures, several }: PictureList, share: number, seed: number) {
  const all = [...pictures.keys()];
  if (pictures[0]!.split) {
    return {
      train: all.filter((i) => pictures[i]!.split === 'train'),
      heldOut: all.filter((i) => pictures[i]!.split === 'val'),
    };
  }
  // What has no group is one of its own.
  if (pictures.some((p) => p.group !== undefined)) return split(all.length, share, { seed, groups: pictures.map((p) => p.group ?? p.path) }); // prettier-ignore
  return split(all.length, share, several ? { seed } : { seed, stratify: pictures.map((p) => p.label as string) });
}
