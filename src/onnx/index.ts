/** ONNX in and out. */
import type { Engine } from '../engine.ts';
import { WgradError } from '../errors.ts';
import { Model } from '../model/model.ts';
import { receiveBytes, type ReceiveOptions } from '../receive.ts';
import { importOnnx, type ImportOptions } from './network.ts';

export { importOnnx, OnnxNetwork, type ImportOptions } from './network.ts';

/** Time-outs and `maxBytes` are for addresses. */
export interface LoadOptions
  extends ImportOptions, Pick<ReceiveOptions, 'headersTimeout' | 'silenceTimeout' | 'maxBytes'> {
  /** Called with bytes received and in all (NaN where the server does not say), while a URL is read. */
  onProgress?: (received: number, total: number) => void;
  /** Hexadecimal SHA-256 that a downloaded file must have. */
  sha256?: string;
}

/**
 * An ONNX model on an engine, from bytes or a URL.
 * @throws WgradError 'onnx-parse', 'onnx-invalid', 'onnx-unsupported', 'onnx-external-data', 'not-finite',
 *   'download-failed', 'download-corrupt'; AbortError. A failed load leaves nothing behind.
 */
export async function loadOnnx(
  engine: Engine,
  source: Uint8Array | string | URL,
  options: LoadOptions = {},
): Promise<Model> {
  if (source instanceof Uint8Array) return new Model(engine, await importOnnx(source, options));
  const bytes = await download(String(source), options);
  return new Model(engine, await importOnnx(bytes, { source: String(source), ...options }));
}

/** ONNX bytes of the model as it is now: {@link Model.saveOnnx}. */
export const saveOnnx = (model: Model, options: { signal?: AbortSignal } = {}): Promise<Uint8Array> =>
  model.saveOnnx(options);

async function download(url: string, options: LoadOptions): Promise<Uint8Array> {
  const bytes = await receiveBytes(url, options);
  const { sha256 } = options;
  if (sha256) {
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
    const hex = [...digest].map((b) => b.toString(16).padStart(2, '0')).join('');
    if (hex !== sha256.toLowerCase()) {
      throw new WgradError('download-corrupt', `${url}: its SHA-256 is ${hex}, not ${sha256}`, {
        remedy: 'Try again, or correct the expected hash',
      });
    }
  }
  return bytes;
}
