/** Pictures on disk as training data: DIR/CLASS/picture, or DIR/train and DIR/val of that form. */
import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { WgradError } from '../errors.ts';
import { preprocess, type Size } from '../image/preprocess.ts';
import type { Preprocess } from '../model/preprocess.ts';
import { Random } from '../random.ts';
import type { Dataset } from '../train/dataset.ts';
import { decodeImage } from './image.ts';

const pictures = new Set(['.jpg', '.jpeg', '.png', '.webp', '.gif', '.tif', '.tiff', '.avif']);

interface Labelled {
  path: string;
  label: number;
}

async function folders(dir: string): Promise<string[]> {
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
      const files = (await readdir(folder)).filter((f) => pictures.has(extname(f).toLowerCase())).sort();
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
  /** At most so many pictures a class. */
  limit?: number;
  /** Share held out where the folder has no `val`; default 0.25, at least one a class. */
  heldOut?: number;
}

export interface FolderDataset extends Dataset {
  readonly paths: readonly string[];
}

/**
 * @throws WgradError 'file-missing', 'dataset-empty'; reading a picture: 'image-decode' naming it.
 */
export async function folderDataset(
  dir: string,
  spec: Preprocess,
  size: Size,
  { seed = 0, limit = Infinity, heldOut = 0.25 }: FolderOptions = {},
): Promise<{ train: FolderDataset; validation: FolderDataset }> {
  const random = new Random(`folder ${seed}`);
  const isSplit = await Promise.all(
    ['train', 'val'].map((n) =>
      stat(join(dir, n)).then(
        (s) => s.isDirectory(),
        () => false,
      ),
    ),
  );
  const root = isSplit.every(Boolean) ? join(dir, 'train') : dir;
  const classes = await folders(root);
  if (classes.length === 0) {
    throw new WgradError('dataset-empty', `${root} has no class folder`, {
      remedy: 'Sort pictures into one folder a class',
    });
  }
  const take = (lists: Labelled[][]) => lists.map((list) => random.shuffle(list).slice(0, limit));
  const lists = take(await listClasses(root, classes));
  const make = (items: readonly Labelled[]) => dataset(items, classes, spec, size);
  if (isSplit.every(Boolean)) {
    const held = take(await listClasses(join(dir, 'val'), classes));
    return { train: make(lists.flat()), validation: make(held.flat()) };
  }
  const count = (list: Labelled[]) => Math.max(1, Math.round(list.length * heldOut));
  const thin = lists.find((list) => list.length < 2);
  if (thin) {
    throw new WgradError(
      'dataset-empty',
      `the class ${classes[thin[0]!.label]} has one picture; one must be held out`,
      {
        remedy: 'Give each class at least two pictures',
      },
    );
  }
  return {
    train: make(lists.flatMap((list) => list.slice(count(list)))),
    validation: make(lists.flatMap((list) => list.slice(0, count(list)))),
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
