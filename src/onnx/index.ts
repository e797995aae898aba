/** ONNX in and out. */
import type { Engine } from '../engine.ts';
import { WgradError } from '../errors.ts';
import { Model } from '../model/model.ts';
import type { DownloadOptions } from './download.ts';
import { importOnnx, type ImportOptions } from './network.ts';

export type { LoadProgress } from './download.ts';
export { importOnnx, OnnxNetwork, type ImportOptions } from './network.ts';

/** A model's file: its address, its bytes, an answer of `fetch`, a picked file or its handle. */
export type ModelSource = string | URL | Response | Blob | ArrayBuffer | Uint8Array | FileSystemFileHandle;

/** `sha256`, `cache`, time-outs and `maxBytes` are for addresses. */
export interface LoadOptions extends Omit<ImportOptions, 'again'>, DownloadOptions {
  signal?: AbortSignal;
  /**
   * Keeps the parameters' first values in memory as well. Default false: once they are on a device the host lets go of
   * them, and after its loss `engine.restore()` reads them again from the address (or the cache), Blob or handle. Bytes
   * and answers of `fetch` cannot be read twice: without a copy a model of these cannot be restored.
   */
  hostCopy?: boolean;
}

/**
 * An ONNX model on an engine: `await loadOnnx(engine, 'resnet50.onnx', { sha256, cache: true, onProgress })`.
 * @throws (rejects) WgradError 'onnx-parse', 'onnx-invalid', 'onnx-unsupported', 'onnx-external-data', 'not-finite',
 *   'download-failed', 'download-corrupt', 'invalid-argument' for what is no file; the signal's reason. A failed load
 *   leaves nothing behind but parts in the cache.
 */
export async function loadOnnx(engine: Engine, source: ModelSource, options: LoadOptions = {}): Promise<Model> {
  const { hostCopy = false, ...rest } = options;
  const { bytes, name, again } = await bytesOf(source, rest);
  const { length } = bytes;
  options.onProgress?.({ loaded: length, total: length, phase: 'parse' });
  const from = { ...(name && { source: name }), ...(!hostCopy && { again }) };
  return new Model(engine, await importOnnx(bytes, { ...from, ...rest }));
}

interface Source {
  bytes: Uint8Array;
  name?: string;
  /** Brings the bytes once more. */
  again: () => Promise<Uint8Array>;
}

async function bytesOf(source: ModelSource, options: DownloadOptions): Promise<Source> {
  if (source instanceof Uint8Array) return { bytes: source, again: onlyOnce };
  if (source instanceof ArrayBuffer) return { bytes: new Uint8Array(source), again: onlyOnce };
  if (typeof source === 'string' || source instanceof URL) {
    const { downloadWeights } = await import('./download.ts');
    const url = String(source);
    const quietly = { ...options, signal: undefined, onProgress: undefined };
    return { bytes: await downloadWeights(url, options), name: url, again: () => downloadWeights(url, quietly) };
  }
  if (typeof source === 'object' && source !== null) {
    const file = 'getFile' in source ? await source.getFile() : source;
    if (file instanceof Response && !file.ok) {
      throw new WgradError('download-failed', `${file.url}: HTTP status ${file.status}`);
    }
    if (file instanceof Response || file instanceof Blob) {
      const name = 'url' in file ? file.url : 'name' in file ? String(file.name) : '';
      const bytes = new Uint8Array(await file.arrayBuffer());
      if (file instanceof Response) return { bytes, name, again: onlyOnce };
      return { bytes, name, again: async () => (await bytesOf(source, {})).bytes };
    }
  }
  throw new WgradError('invalid-argument', `${Object.prototype.toString.call(source).slice(8, -1)} is no model`, {
    remedy: 'Give an address, bytes, a Response, a Blob, or the handle of a file',
  });
}

const onlyOnce = () =>
  Promise.reject(
    new WgradError('file-missing', 'the model was given as bytes, of which no copy was kept', {
      remedy: 'Load it with hostCopy: true, or from its address or file; or call engine.restore({ values })',
    }),
  );

/** ONNX bytes of the model as it is now: {@link Model.saveOnnx}. */
export const saveOnnx = (model: Model, options: { signal?: AbortSignal } = {}): Promise<Uint8Array> =>
  model.saveOnnx(options);
