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
export interface LoadOptions extends ImportOptions, DownloadOptions {
  signal?: AbortSignal;
}

/**
 * An ONNX model on an engine: `await loadOnnx(engine, 'resnet50.onnx', { sha256, cache: true, onProgress })`.
 * @throws (rejects) WgradError 'onnx-parse', 'onnx-invalid', 'onnx-unsupported', 'onnx-external-data', 'not-finite',
 *   'download-failed', 'download-corrupt', 'invalid-argument' for what is no file; the signal's reason. A failed load
 *   leaves nothing behind but parts in the cache.
 */
export async function loadOnnx(engine: Engine, source: ModelSource, options: LoadOptions = {}): Promise<Model> {
  const { bytes, name } = await bytesOf(source, options);
  const { length } = bytes;
  options.onProgress?.({ loaded: length, total: length, phase: 'parse' });
  return new Model(engine, await importOnnx(bytes, { ...(name && { source: name }), ...options }));
}

async function bytesOf(source: ModelSource, options: LoadOptions): Promise<{ bytes: Uint8Array; name?: string }> {
  if (source instanceof Uint8Array) return { bytes: source };
  if (source instanceof ArrayBuffer) return { bytes: new Uint8Array(source) };
  if (typeof source === 'string' || source instanceof URL) {
    const { downloadWeights } = await import('./download.ts');
    return { bytes: await downloadWeights(String(source), options), name: String(source) };
  }
  if (typeof source === 'object' && source !== null) {
    const file = 'getFile' in source ? await source.getFile() : source;
    if (file instanceof Response && !file.ok) {
      throw new WgradError('download-failed', `${file.url}: HTTP status ${file.status}`);
    }
    if (file instanceof Response || file instanceof Blob) {
      const name = 'url' in file ? file.url : 'name' in file ? String(file.name) : '';
      return { bytes: new Uint8Array(await file.arrayBuffer()), name };
    }
  }
  throw new WgradError('invalid-argument', `${Object.prototype.toString.call(source).slice(8, -1)} is no model`, {
    remedy: 'Give an address, bytes, a Response, a Blob, or the handle of a file',
  });
}

/** ONNX bytes of the model as it is now: {@link Model.saveOnnx}. */
export const saveOnnx = (model: Model, options: { signal?: AbortSignal } = {}): Promise<Uint8Array> =>
  model.saveOnnx(options);
