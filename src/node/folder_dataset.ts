/** Pictures on disk as training data: DIR/CLASS/picture, or DIR/train and DIR/val of that form. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { WgradError } from '../errors.ts';
import type { Size } from '../image/preprocess.ts';
import type { Preprocess } from '../image/preprocess_spec.ts';
import { Random } from '../random.ts';
import {
  byPath,
  noPicture,
  pictureDataset,
  pictureLoader,
  verifier,
  type FolderDataset,
  type Labelled,
  type ReadOptions,
} from './picture_dataset.ts';
import { isFolder, isHidden, listPictures, skippedLine, type Skipped } from './pictures.ts';

export type { FolderDataset } from './picture_dataset.ts';

interface Listed extends Labelled {
  label: number;
}

/** Options of `folderDataset`. */
export interface FolderOptions extends ReadOptions {
  /** Of the split and of the choice under `limit`. */
  seed?: number;
  /** The class folders to read, in the order of their labels; default all, by name. */
  classes?: readonly string[];
  /** At most so many training pictures a class. */
  limit?: number;
  /** At most so many held-out pictures a class; default `limit`. */
  heldOutLimit?: number;
  /** Share held out where the folder has no `val`; default 0.25, at least one a class. */
  heldOut?: number;
  /**
   * Decode every picture once before anything is trained on it, and leave the broken ones out; default true. Without,
   * a broken one is an error when it is read.
   */
  verify?: boolean;
}

export const folderDefaults = { seed: 0, heldOut: 0.25, verify: true, memory: 256e6 } as const;

export interface FolderData {
  train: FolderDataset;
  validation: FolderDataset;
  /** Files that are no pictures or broken ones: not in the datasets. {@link skippedLine} makes a line of them. */
  skipped: readonly Skipped[];
}

/** Where the class folders lie: `dir`/train and `dir`/val where both are there, else `dir` itself. */
async function rootsOf(dir: string): Promise<{ train: string; validation?: string }> {
  const [train, validation] = [join(dir, 'train'), join(dir, 'val')];
  return (await isFolder(train)) && (await isFolder(validation)) ? { train, validation } : { train: dir };
}

/** Names in `dir`, sorted, those of folders and those of files; hidden ones are in neither. */
async function namesIn(dir: string): Promise<{ folders: string[]; files: string[] }> {
  const names = await readdir(dir).catch((cause: unknown) => {
    throw new WgradError('file-missing', `${dir}: no such folder`, { cause });
  });
  const visible = names.filter((name) => !isHidden(name)).sort();
  const are = await Promise.all(visible.map((name) => isFolder(join(dir, name))));
  return { folders: visible.filter((_, i) => are[i]), files: visible.filter((_, i) => !are[i]) };
}

/** Names of the class folders, sorted. @throws WgradError 'file-missing', 'dataset-empty' where there is none. */
export async function classFolders(dir: string): Promise<string[]> {
  const { train, validation } = await rootsOf(dir);
  const { folders } = await namesIn(train);
  if (folders.length === 0) {
    throw new WgradError('dataset-empty', `${train} has no class folder`, {
      remedy: 'Sort pictures into one folder a class',
    });
  }
  const unknown = validation && (await namesIn(validation)).folders.find((name) => !folders.includes(name));
  if (unknown !== undefined) {
    throw new WgradError('dataset-empty', `the class ${unknown} is in ${validation} but not in ${train}`, {
      remedy: 'Both folders need the same class folders: add training pictures of it, or remove it',
    });
  }
  return folders;
}

/** Pictures of each class folder, by name. @throws WgradError 'dataset-empty' naming a folder without one. */
async function listClasses(root: string, classes: readonly string[], skipped: Skipped[]): Promise<Listed[][]> {
  for (const name of (await namesIn(root)).files) {
    skipped.push({ path: join(root, name), reason: 'in no class folder' });
  }
  const lists: Listed[][] = [];
  for (const [label, name] of classes.entries()) {
    const folder = join(root, name);
    if (!(await isFolder(folder))) throw new WgradError('dataset-empty', `the class folder ${folder} is missing`);
    const listing = await listPictures(folder);
    skipped.push(...listing.skipped);
    if (listing.pictures.length === 0) throw noPicture(folder, listing.skipped);
    lists.push(listing.pictures.map((path) => ({ path, label })));
  }
  return lists;
}

/**
 * @param size of the network's input.
 * @throws WgradError 'file-missing', 'dataset-empty', 'invalid-argument'; reading a picture that was not verified:
 *   'image-decode' naming it; the signal's reason when aborted.
 */
export async function folderDataset(
  dir: string,
  spec: Preprocess,
  size: Size,
  options: FolderOptions = {},
): Promise<FolderData> {
  const { seed, heldOut, verify, memory, ...given } = { ...folderDefaults, ...options };
  const { limit = Infinity, heldOutLimit = limit } = given;
  const random = new Random(`folder ${seed}`);
  const { train: root, validation } = await rootsOf(dir);
  const present = await classFolders(dir);
  const absent = given.classes?.find((name) => !present.includes(name));
  if (absent !== undefined) throw new WgradError('invalid-argument', `${root} has no class folder ${absent}`);
  const classes = given.classes ?? present;
  const skipped: Skipped[] = [];
  const shuffled = async (folder: string) =>
    (await listClasses(folder, classes, skipped)).map((list) => random.shuffle(list));
  const lists = await shuffled(root);
  const held = validation ? await shuffled(validation) : lists.map((list) => list.splice(0, share(list, heldOut)));

  const load = pictureLoader(spec, size, { ...given, memory });
  const wanted = [...lists.map((l) => Math.min(l.length, limit)), ...held.map((l) => Math.min(l.length, heldOutLimit))];
  const total = wanted.reduce((a, b) => a + b, 0);
  const readable = verifier(load, total, skipped, given);
  const choose = (list: readonly Listed[], most: number) => (verify ? readable(list, most) : list.slice(0, most));
  const [train, kept]: [Listed[], Listed[]] = [[], []];
  for (const [label, name] of classes.entries()) {
    const tuning = await choose(lists[label]!, limit);
    const judging = await choose(held[label]!, heldOutLimit);
    // Where no held-out picture can be read, one that can is held out.
    if (judging.length === 0 && !validation && tuning.length > 1) judging.push(tuning.pop()!);
    const empty = tuning.length === 0 ? root : judging.length === 0 ? (validation ?? root) : undefined;
    if (empty !== undefined) throw tooFew(join(empty, name), validation ? 0 : tuning.length + judging.length, skipped);
    train.push(...tuning);
    kept.push(...judging);
  }
  const make = (items: readonly Listed[]) => pictureDataset(items, classes, load, spec, verify);
  return { train: make(train), validation: make(kept), skipped: skipped.sort(byPath) };
}

/**
 * Every picture whose folder bears the name of one of `classes`, for an evaluation: those of `dir`/val where `dir` holds
 * train and val, else those of `dir`. Classes without a folder have no pictures.
 * @param classes in the order of the labels.
 * @throws WgradError 'file-missing'; 'unknown-name' for a folder that bears another name; 'dataset-empty'; the signal's
 *   reason when aborted.
 */
export async function labelledFolder(
  dir: string,
  classes: readonly string[],
  spec: Preprocess,
  size: Size,
  options: ReadOptions = {},
): Promise<{ data: FolderDataset; skipped: readonly Skipped[] }> {
  const { train, validation } = await rootsOf(dir);
  const root = validation ?? train;
  const { folders } = await namesIn(root);
  const unknown = folders.find((name) => !classes.includes(name));
  if (unknown !== undefined) {
    const more = classes.length > 10 ? ` and ${classes.length - 10} more` : '';
    throw new WgradError('unknown-name', `${join(root, unknown)}: there is no class '${unknown}'`, {
      remedy: `The classes are ${classes.slice(0, 10).join(', ')}${more}`,
    });
  }
  const skipped: Skipped[] = [];
  const found = (await listClasses(root, folders, skipped)).flat();
  const items = found.map(({ path, label }) => ({ path, label: classes.indexOf(folders[label]!) }));
  const load = pictureLoader(spec, size, options);
  const good = await verifier(load, items.length, skipped, options)(items, Infinity);
  if (good.length === 0) throw noPicture(root, skipped);
  return { data: pictureDataset(good, classes, load, spec, true), skipped: skipped.sort(byPath) };
}

const share = (list: readonly unknown[], heldOut: number) => Math.max(1, Math.round(list.length * heldOut));

function tooFew(folder: string, found: number, skipped: readonly Skipped[]): WgradError {
  const here = skipped.filter((s) => s.path.startsWith(folder)).sort(byPath);
  if (found === 0) return noPicture(folder, here);
  const line = skippedLine(here);
  const what = `the class folder ${folder} has one picture; one must be held out${line ? `: ${line}` : ''}`;
  return new WgradError('dataset-empty', what, { remedy: 'Give each class at least two pictures' });
}
