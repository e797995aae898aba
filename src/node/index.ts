/** What only Node needs: an engine on whichever adapter this machine has, files, folders of pictures, downloads. */
import { totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Engine, type PictureDecoder } from '../engine.ts';
import { openAdapter } from './adapter.ts';
import type { TuningMode, TuningOptions } from '../gemm/choose.ts';
import { decodeImage } from './image.ts';
import { tuningFile } from './tuning_file.ts';

export { download, type DownloadOptions } from './download.ts';
export { folderDataset, type FolderDataset, type FolderOptions } from './folder_dataset.ts';
export {
  listDataset,
  readPictureList,
  type ListOptions,
  type ListedPicture,
  type PictureList,
} from './list_dataset.ts';
export { encodeAnimation, type AnimationOptions } from './animation.ts';
export { decodeImage, type DecodeOptions } from './image.ts';
export { findPublished, type PublishedModel } from './manifest.ts';
export { folderLog } from './log_folder.ts';
export { loadOnnxFile } from './onnx.ts';
export { svgToPng } from './svg.ts';
export { writeWhole } from './write.ts';

/** Options of `createEngine`. */
export interface NodeEngineOptions {
  /** 'gpu', 'lavapipe', 'swiftshader' or 'chromium'; default: WGRAD_ADAPTER, else the best there is. */
  adapter?: string;
  /** Told, line by line, what a person should know: the adapter chosen, and why. */
  log?: (line: string) => void;
  /** As in `EngineOptions`. */
  restores?: number;
  /** As in `EngineOptions`. */
  memoryLimit?: number;
  /**
   * As in `EngineOptions`. The mode is WGRAD_TUNING's unless given, the store `tuning.json` in the cache folder
   * (WGRAD_CACHE, else ~/.cache/wgrad).
   */
  tuning?: TuningOptions;
}

/** Tuning with a file; without one where there is no folder for it. */
function tuningOf({ tuning = {}, log }: NodeEngineOptions): TuningOptions {
  const mode = tuning.mode ?? (process.env['WGRAD_TUNING'] as TuningMode | undefined);
  const warn = tuning.warn ?? log;
  try {
    return { mode, warn, store: tuning.store ?? (mode === 'off' ? undefined : tuningFile()) };
  } catch (error) {
    warn?.(`wgrad: tuning has no file: ${(error as Error).message}`);
    return { mode, warn };
  }
}

/** @throws WgradError 'no-adapter', saying what was tried. */
export async function createEngine(options: NodeEngineOptions = {}): Promise<Engine> {
  const { log, restores, memoryLimit } = options;
  const first = await openAdapter({
    ...(options.adapter !== undefined && { choice: options.adapter }),
    ...(log && { log }),
  });
  let unused: typeof first | undefined = first;
  const adapter = async () => {
    const opened = unused ?? (await openAdapter({ choice: first.kind }));
    unused = undefined;
    return opened.adapter;
  };
  const decoder: PictureDecoder = (source, settings) =>
    decodeImage(source instanceof URL ? fileURLToPath(source) : source, settings);
  return Engine.create({
    adapter,
    description: first.description,
    decoder,
    tuning: tuningOf(options),
    memoryLimit: memoryLimit ?? (first.kind === 'gpu' ? Infinity : totalmem()),
    ...(restores !== undefined && { restores }),
  });
}
export { byteFolder } from './byte_folder.ts';
