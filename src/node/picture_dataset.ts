/** Labelled pictures on disk as a dataset: decoded when they are asked for, those that cannot be left out and told of. */
import { WgradError } from '../errors.ts';
import type { Image } from '../image/image.ts';
import { normalize, resizeAndCrop, type Size } from '../image/preprocess.ts';
import type { Preprocess } from '../image/preprocess_spec.ts';
import type { Dataset, Label, TargetKind } from '../train/dataset.ts';
import { decodeImage, type DecodeOptions } from './image.ts';
import { PictureWorkers } from './picture_workers.ts';
import { skippedLine, type Skipped } from './pictures.ts';

/** Pictures that are decoded at a time: the decoder has threads of its own. */
const AT_ONCE = 4;

/** A picture and what it is. */
export interface Labelled {
  path: string;
  label: Label;
}

/** Pictures in folders by class, or by a list, decoded when they are asked for. */
export interface FolderDataset extends Dataset {
  readonly paths: readonly string[];
}

/** How pictures are read. */
export interface ReadOptions extends Pick<DecodeOptions, 'maxPixels'> {
  /** Bytes of cropped pictures that are kept in memory, 3 a pixel, so that later epochs need not decode; default 256 MB. */
  memory?: number;
  /** Threads that decode and crop, ahead of the device; default 0: it is done here. */
  workers?: number;
  signal?: AbortSignal;
  /** While pictures are verified: how many were, and in all. */
  onProgress?: (done: number, total: number) => void;
}

export type Load = (path: string) => Promise<Image>;

/** Finds the first `most` pictures of a list that can be decoded; the others are told of in `skipped`. */
export function verifier(load: Load, total: number, skipped: Skipped[], { signal, onProgress }: ReadOptions) {
  let done = 0;
  return async <L extends Labelled>(list: readonly L[], most: number): Promise<L[]> => {
    const good: L[] = [];
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

export const pictureDataset = (
  items: readonly Labelled[],
  classes: readonly string[],
  load: Load,
  spec: Preprocess,
  checked: boolean,
  targets?: TargetKind,
): FolderDataset => ({
  length: items.length,
  classes,
  labels: items.map((i) => i.label),
  ...(targets && { targets }),
  paths: items.map((i) => i.path),
  checked,
  fixed: true,
  bytes: {
    spec,
    async get(i) {
      const { path, label } = items[i]!;
      return { pixels: (await load(path)).data, label, name: path };
    },
  },
  async get(i) {
    const { path, label } = items[i]!;
    return { input: normalize(await load(path), spec), label, name: path };
  },
});

export const byPath = (a: Skipped, b: Skipped) => (a.path < b.path ? -1 : 1);

const NOT_ITS_FAULT: ReadonlySet<string> = new Set(['invalid-argument', 'package-missing', 'worker-failed']);

/** The picture's fault; any other is thrown. */
function pictureFault(error: unknown): WgradError {
  if (error instanceof WgradError && !NOT_ITS_FAULT.has(error.code)) return error;
  throw error;
}

export function noPicture(folder: string, skipped: readonly Skipped[]): WgradError {
  const line = skippedLine(skipped);
  return new WgradError('dataset-empty', `the class folder ${folder} holds no picture${line ? `: ${line}` : ''}`, {
    remedy: 'Add pictures (JPEG, PNG, WebP, GIF, TIFF, AVIF) or remove the folder',
  });
}

/** Decodes and crops, and keeps what fits into `memory` bytes. */
export function pictureLoader(spec: Preprocess, size: Size, { memory = 256e6, maxPixels, workers = 0 }: ReadOptions) {
  const threads = workers > 0 ? new PictureWorkers({ spec, size, maxPixels }, workers) : undefined;
  const here = async (path: string): Promise<Image> =>
    resizeAndCrop(await decodeImage(path, maxPixels === undefined ? {} : { maxPixels }), spec, size);
  const kept = new Map<string, Image>();
  let bytes = 0;
  return async (path: string): Promise<Image> => {
    const known = kept.get(path);
    if (known) return known;
    const image = threads ? await threads.load(path) : await here(path);
    if (bytes + image.data.length <= memory) {
      kept.set(path, image);
      bytes += image.data.length;
    }
    return image;
  };
}
