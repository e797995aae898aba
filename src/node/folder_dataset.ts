/** Pictures on disk as training data: DIR/CLASS/picture, or DIR/train and DIR/val of that form. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { WgradError } from '../errors.ts';
import type { Image } from '../image/image.ts';
import { normalize, resizeAndCrop, type Size } from '../image/preprocess.ts';
import type { Preprocess } from '../image/preprocess_spec.ts';
import { Random } from '../random.ts';
import type { Dataset } from '../train/dataset.ts';
import { decodeImage, type DecodeOptions } from './image.ts';
import { isFolder, isHidden, listPictures, skippedLine, type Skipped } from './pictures.ts';

/** Pictures that are decoded at a time: the decoder has threads of its own. */
const AT_ONCE = 4;

interface Labelled {
  path: string;
  label: number;
}

/** Options of `folderDataset`. */
export interface FolderOptions extends Pick<DecodeOptions, 'maxPixels'> {
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
  /** Bytes of cropped pictures that are kept in memory, 3 a pixel, so that later epochs need not decode; default 256 MB. */
  memory?: number;
  signal?: AbortSignal;
  /** While pictures are verified: how many were, and in all. */
  onProgress?: (done: number, total: number) => void;
}

export const folderDefaults = { seed: 0, heldOut: 0.25, verify: true, memory: 256e6 } as const;

/** Pictures in folders by class, decoded when they are asked for. */
export interface FolderDataset extends Dataset {
  readonly paths: readonly string[];
}

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
async function listClasses(root: string, classes: readonly string[], skipped: Skipped[]): Promise<Labelled[][]> {
  for (const name of (await namesIn(root)).files) {
    skipped.push({ path: join(root, name), reason: 'in no class folder' });
  }
  const lists: Labelled[][] = [];
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

function noPicture(folder: string, skipped: readonly Skipped[]): WgradError {
  const line = skippedLine(skipped);
  return new WgradError('dataset-empty', `the class folder ${folder} holds no picture${line ? `: ${line}` : ''}`, {
    remedy: 'Add pictures (JPEG, PNG, WebP, GIF, TIFF, AVIF) or remove the folder',
  });
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

  const load = pictureLoader(spec, size, memory, given.maxPixels);
  const wanted = [...lists.map((l) => Math.min(l.length, limit)), ...held.map((l) => Math.min(l.length, heldOutLimit))];
  const total = wanted.reduce((a, b) => a + b, 0);
  const readable = verifier(load, total, skipped, given);
  const choose = (list: readonly Labelled[], most: number) => (verify ? readable(list, most) : list.slice(0, most));
  const [train, kept]: [Labelled[], Labelled[]] = [[], []];
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
  const make = (items: readonly Labelled[]) => dataset(items, classes, load, spec, verify);
  return { train: make(train), validation: make(kept), skipped: skipped.sort(byPath) };
}

/** What of {@link FolderOptions} says how pictures are read. */
export type ReadOptions = Pick<FolderOptions, 'maxPixels' | 'memory' | 'signal' | 'onProgress'>;

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
  const load = pictureLoader(spec, size, options.memory ?? folderDefaults.memory, options.maxPixels);
  const good = await verifier(load, items.length, skipped, options)(items, Infinity);
  if (good.length === 0) throw noPicture(root, skipped);
  return { data: dataset(good, classes, load, spec, true), skipped: skipped.sort(byPath) };
}

type Load = (path: string) => Promise<Image>;

/** Finds the first `most` pictures of a list that can be decoded; the others are told of in `skipped`. */
function verifier(load: Load, total: number, skipped: Skipped[], { signal, onProgress }: ReadOptions) {
  let done = 0;
  return async (list: readonly Labelled[], most: number): Promise<Labelled[]> => {
    const good: Labelled[] = [];
    for (let at = 0; at < list.length && good.length < most;) {
      signal?.throwIfAborted();
      const some = list.slice(at, at + Math.min(AT_ONCE, most - good.length));
      at += some.length;
      const faults = await Promise.all(some.map(({ path }) => load(path).then(() => undefined, pictureFault)));
      for (const [i, item] of some.entries()) {
        const fault = faults[i];
        if (fault) skipped.push({ path: item.path, reason: fault.message.slice(item.path.length + 2) });
        else good.push(item);
      }
      done += some.length;
      onProgress?.(Math.min(done, total), total);
    }
    return good;
  };
}

const dataset = (
  items: readonly Labelled[],
  classes: readonly string[],
  load: Load,
  spec: Preprocess,
  checked: boolean,
): FolderDataset => ({
  length: items.length,
  classes,
  paths: items.map((i) => i.path),
  checked,
  fixed: true,
  async get(i) {
    const { path, label } = items[i]!;
    return { input: normalize(await load(path), spec), label, name: path };
  },
});

const byPath = (a: Skipped, b: Skipped) => (a.path < b.path ? -1 : 1);

/** The picture's fault; any other is thrown. */
function pictureFault(error: unknown): WgradError {
  if (error instanceof WgradError && error.code !== 'invalid-argument') return error;
  throw error;
}

const share = (list: readonly unknown[], heldOut: number) => Math.max(1, Math.round(list.length * heldOut));

function tooFew(folder: string, found: number, skipped: readonly Skipped[]): WgradError {
  const here = skipped.filter((s) => s.path.startsWith(folder)).sort(byPath);
  if (found === 0) return noPicture(folder, here);
  const line = skippedLine(here);
  const what = `the class folder ${folder} has one picture; one must be held out${line ? `: ${line}` : ''}`;
  return new WgradError('dataset-empty', what, { remedy: 'Give each class at least two pictures' });
}

/** Decodes and crops, and keeps what fits into `memory` bytes. */
function pictureLoader(spec: Preprocess, size: Size, memory: number, maxPixels: number | undefined) {
  const kept = new Map<string, Image>();
  let bytes = 0;
  return async (path: string): Promise<Image> => {
    const known = kept.get(path);
    if (known) return known;
    const whole = await decodeImage(path, maxPixels === undefined ? {} : { maxPixels });
    const image = resizeAndCrop(whole, spec, size);
    if (bytes + image.data.length <= memory) {
      kept.set(path, image);
      bytes += image.data.length;
    }
    return image;
  };
}
