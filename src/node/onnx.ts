/** ONNX files on disk: the model's bytes, and external data out of the model's own folder and nowhere else. */
import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, resolve, sep } from 'node:path';
import type { Engine } from '../engine.ts';
import { WgradError } from '../errors.ts';
import { Model } from '../model/model.ts';
import { isLocalName } from '../onnx/external.ts';
import { importOnnx, type ImportOptions, type OnnxNetwork } from '../onnx/network.ts';
import type { ExternalDataResolver } from '../onnx/types.ts';
import { cachedPath } from './download.ts';
import { describePublished, publishedAs } from './manifest.ts';
import { readWhole } from './read.ts';

export interface LoadFileOptions extends Omit<ImportOptions, 'again'> {
  /** Keeps the parameters' first values in memory too; default false: they are read again where they are needed again. */
  hostCopy?: boolean;
}

/**
 * A model on an engine. Once its parameters are there, the host lets go of them: `engine.restore()` reads the file again.
 * @param source a file, or the name of published weights that `wgrad fetch` has put into the cache. Published files
 *   get the labels and the preprocessing that the manifest has for them.
 * @throws WgradError 'file-missing', 'file-format', and what {@link importOnnx} throws.
 */
export const loadOnnxFile = async (engine: Engine, source: string, options?: LoadFileOptions): Promise<Model> =>
  new Model(engine, await importOnnxFile(source, options));

/** The network of {@link loadOnnxFile}, without an engine. */
export async function importOnnxFile(source: string, options: LoadFileOptions = {}): Promise<OnnxNetwork> {
  const { hostCopy = false, ...rest } = options;
  const path = await locate(source);
  const { bytes, ...file } = await readOnnxFile(path);
  const again = async () => (await readOnnxFile(path)).bytes;
  return importOnnx(bytes, { ...file, ...describePublished(bytes), ...(!hostCopy && { again }), ...rest });
}

/** A file of that name goes before published weights of that name. */
async function locate(source: string): Promise<string> {
  const isThere = (path: string) => stat(path).then(Boolean, () => false);
  const entry = publishedAs(source);
  if (!entry || (await isThere(source))) return source;
  const cached = cachedPath(entry);
  if (await isThere(cached)) return cached;
  throw new WgradError('file-missing', `model ${source}: these published weights are not in the cache`, {
    remedy: `Download them: wgrad fetch ${source}`,
  });
}

export interface OnnxFile {
  bytes: Uint8Array;
  /** The file's name, for messages. */
  source: string;
  external: ExternalDataResolver;
}

/** @throws 'file-missing', 'file-format' (a folder, a pipe, or empty). */
export async function readOnnxFile(path: string): Promise<OnnxFile> {
  const bytes = await readWhole(path, { what: 'model' });
  return { bytes, source: basename(path), external: folderResolver(dirname(path)) };
}

/**
 * Reads external data from `folder`. A location that is absolute, a URL, climbs out with `..`, or is a link to
 * somewhere else is refused: a model is untrusted input, and must not read the rest of the disk into its weights.
 *
 * @throws (rejects) 'onnx-external-data'.
 */
export const folderResolver =
  (folder: string): ExternalDataResolver =>
  (location) =>
    readInside(folder, location);

async function readInside(folder: string, location: string): Promise<Uint8Array> {
  const refuse = (reason: string, cause?: unknown): WgradError =>
    new WgradError('onnx-external-data', `external data '${location}': ${reason}`, { cause });
  if (!isLocalName(location)) throw refuse("the location leaves the model's folder");
  const root = await realpath(folder);
  const path = await realpath(resolve(root, location)).catch((cause: unknown) => {
    throw refuse("no such file in the model's folder", cause);
  });
  if (!path.startsWith(root.endsWith(sep) ? root : root + sep)) throw refuse("the link leaves the model's folder");
  return readWhole(path, { what: 'external data', code: 'onnx-external-data' });
}
