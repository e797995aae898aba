/** Labelled pictures as commands take them: a folder of class folders, or a list as CSV or JSON. */
import { availableParallelism } from 'node:os';
import { preprocessOf } from '../model/image_space.ts';
import type { Model } from '../model/model.ts';
import { classFolders, folderDataset, labelledFolder, type FolderData } from '../node/folder_dataset.ts';
import { labelledList, listDataset, readPictureList } from '../node/list_dataset.ts';
import type { FolderDataset } from '../node/picture_dataset.ts';
import { isFolder, skippedLine, type Skipped } from '../node/pictures.ts';
import type { Context } from './command.ts';

/** More would wait for the disk. */
const MOST_THREADS = 4;

export interface LabelledPictures {
  /** Undefined of a folder that is only to be evaluated. */
  classes: readonly string[] | undefined;
  /** Whether a picture has several labels. */
  several: boolean;
  /** What is trained on and what is held out; notes what was left out. */
  training(model: Model, o: TrainingChoice): Promise<FolderData>;
  /** What is evaluated, of classes in the order of the model's. */
  heldOut(
    model: Model,
    classes: readonly string[],
    maxPixels: number,
  ): Promise<{ data: FolderDataset; skipped: readonly Skipped[] }>;
}

export interface TrainingChoice {
  seed: number;
  limit: number;
  'max-pixels': number;
}

const isSameSet = (a: readonly string[], b: readonly string[] | undefined): boolean =>
  b !== undefined && a.length === b.length && a.every((name) => b.includes(name));

/** @throws WgradError for a folder or a list that is amiss, before anything else takes its time. */
export async function labelledPictures(c: Context, path: string, forTraining: boolean): Promise<LabelledPictures> {
  const isList = /\.(csv|json)$/i.test(path) && !(await isFolder(path));
  const list = isList ? await readPictureList(path) : undefined;
  if (list && list.unused.length > 0) c.note(`${path}: the columns ${list.unused.join(', ')} are not used`);
  const classes = list?.classes ?? (forTraining ? await classFolders(path) : undefined);
  // One core feeds the device.
  const threads = Math.min(MOST_THREADS, availableParallelism() - 1);
  const sizeOf = ({ pictureShape: [, height, width] }: Model) => ({ width, height });
  const reading = (maxPixels: number) => ({
    maxPixels,
    workers: threads,
    signal: c.signal,
    onProgress: (done: number, total: number) => c.progress('pictures read', done, total),
  });
  const told = <T extends { skipped: readonly Skipped[] }>(found: T): T => {
    const line = skippedLine(found.skipped);
    if (line) c.note(line);
    return found;
  };
  return {
    classes,
    several: list?.several ?? false,
    async training(model, { seed, limit, 'max-pixels': maxPixels }) {
      const options = {
        ...{ seed, ...reading(maxPixels) },
        // The model's own classes keep the order of its scores, and the head stays as it is.
        ...(isSameSet(classes!, model.labels) && { classes: model.labels! }),
      };
      const spec = preprocessOf(model);
      if (list) return told(await listDataset(list, spec, sizeOf(model), options));
      return told(await folderDataset(path, spec, sizeOf(model), { ...options, ...(limit > 0 && { limit }) }));
    },
    async heldOut(model, names, maxPixels) {
      const [spec, options] = [preprocessOf(model), reading(maxPixels)];
      if (list) return told(await labelledList(list, names, spec, sizeOf(model), options));
      return told(await labelledFolder(path, names, spec, sizeOf(model), options));
    },
  };
}
