/** Pictures on disk as training data: DIR/CLASS/picture, or DIR/train and DIR/val of that form. */
import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { WgradError } from '../errors.ts';
import { preprocess, type Size } from '../image/preprocess.ts';
import type { Preprocess } from '../image/preprocess_spec.ts';
import { Random } from '../random.ts';
import type { Dataset } from '../train/dataset.ts';
import { decodeImage } from './image.ts';

const pictures = new Set(['.jpg', '.jpeg', '.png', '.webp', '.gif', '.tif', '.tiff', '.avif']);

interface Labelled {
  path: string;
  label: number;
}

async function foldersIn(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch((cause: unknown) => {
    throw new WgradError('file-missing', `${dir}: no such folder`, { cause });
  });
  return entries
    .filter((e) => e.isDirectory() && !e.name.startsWith('.'))
    .map((e) => e.name)
    .sort();
}

/** Pictures of each class folder, by name. @throws WgradError 'dataset-empty' naming a folder without one. */
async function listClasses(dir: string, classes: readonly string[]): Promise<Labelled[][]> {
  return Promise.all(
    classes.map(async (name, label) => {
      const folder = join(dir, name);
      const entries = await readdir(folder).catch((cause: unknown) => {
        throw new WgradError('dataset-empty', `the class folder ${folder} is missing`, { cause });
      });
      const files = entries.filter((f) => pictures.has(extname(f).toLowerCase())).sort();
      if (files.length === 0) {
        throw new WgradError('dataset-empty', `the class folder ${folder} holds no picture`, {
          remedy: `Add pictures (${[...pictures].join(' ')}) or remove the folder`,
        });
      }
      return files.map((f) => ({ path: join(folder, f), label }));
    }),
  );
}

export interface FolderOptions {
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
}

export interface FolderDataset extends Dataset {
  readonly paths: readonly string[];
}

/** Where the class folders lie: `dir`/train and `dir`/val where both are there, else `dir` itself. */
async function rootsOf(dir: string): Promise<{ train: string; validation?: string }> {
  const isFolder = (path: string) =>
    stat(path).then(
      (s) => s.isDirectory(),
      () => false,
    );
  const [train, validation] = [join(dir, 'train'), join(dir, 'val')];
  return (await isFolder(train)) && (await isFolder(validation)) ? { train, validation } : { train: dir };
}

/** Names of the class folders, sorted. @throws WgradError 'file-missing', 'dataset-empty' where there is none. */
export async function classFolders(dir: string): Promise<string[]> {
  const { train, validation } = await rootsOf(dir);
  const classes = await foldersIn(train);
  if (classes.length === 0) {
    throw new WgradError('dataset-empty', `${train} has no class folder`, {
      remedy: 'Sort pictures into one folder a class',
    });
  }
  const unknown = validation && (await foldersIn(validation)).find((name) => !classes.includes(name));
  if (unknown !== undefined) {
    throw new WgradError('dataset-empty', `the class ${unknown} is in ${validation} but not in ${train}`, {
      remedy: 'Both folders need the same class folders: add training pictures of it, or remove it',
    });
  }
  return classes;
}

/**
 * @throws WgradError 'file-missing', 'dataset-empty', 'invalid-argument' for an unknown class; reading a picture:
 *   'image-decode' naming it.
 */
export async function folderDataset(
  dir: string,
  spec: Preprocess,
  size: Size,
  { seed = 0, classes, limit = Infinity, heldOutLimit = limit, heldOut = 0.25 }: FolderOptions = {},
): Promise<{ train: FolderDataset; validation: FolderDataset }> {
  const random = new Random(`folder ${seed}`);
  const { train: root, validation } = await rootsOf(dir);
  const present = await classFolders(dir);
  const absent = classes?.find((name) => !present.includes(name));
  if (absent !== undefined) throw new WgradError('invalid-argument', `${root} has no class folder ${absent}`);
  const names = classes ?? present;
  const make = (items: readonly Labelled[]) => dataset(items, names, spec, size);
  const shuffled = async (folder: string) => (await listClasses(folder, names)).map((list) => random.shuffle(list));
  const lists = await shuffled(root);
  if (validation) {
    const held = await shuffled(validation);
    return {
      train: make(lists.flatMap((list) => list.slice(0, limit))),
      validation: make(held.flatMap((list) => list.slice(0, heldOutLimit))),
    };
  }
  const count = (list: Labelled[]) => Math.max(1, Math.round(list.length * heldOut));
  const thin = lists.find((list) => list.length < 2);
  if (thin) {
    throw new WgradError('dataset-empty', `the class ${names[thin[0]!.label]} has one picture; one must be held out`, {
      remedy: 'Give each class at least two pictures',
    });
  }
  return {
    train: make(lists.flatMap((list) => list.slice(count(list)).slice(0, limit))),
    validation: make(lists.flatMap((list) => list.slice(0, Math.min(count(list), heldOutLimit)))),
  };
}

function dataset(items: readonly Labelled[], classes: readonly string[], spec: Preprocess, size: Size): FolderDataset {
  return {
    length: items.length,
    classes,
    paths: items.map((i) => i.path),
    async get(i) {
      const { path, label } = items[i]!;
      return { input: preprocess(await decodeImage(path), spec, size), label };
    },
  };
}
