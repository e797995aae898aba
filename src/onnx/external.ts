/** Initialisers whose bytes lie in files beside the model. What may be read is decided here and by the resolver. */
import type { ITensorProto } from './proto.ts';
import { WgradError } from '../errors.ts';
import { header, readRaw } from './tensor.ts';
import { DTYPES, type ExternalDataResolver, type OnnxTensor } from './types.ts';

/** Tensors may share bytes (tied weights do); a file that is read many times over is an attack on memory. */
const MAX_TIMES_READ = 4;

/** The external files of one model. */
export class ExternalFiles {
  private readonly bytesTaken = new Map<string, number>();
  private readonly files = new Map<string, Promise<Uint8Array>>();

  constructor(private readonly resolve: ExternalDataResolver | undefined) {}

  /** Each is read once, however many tensors lie in it. */
  private file(location: string, resolve: ExternalDataResolver): Promise<Uint8Array> {
    let file = this.files.get(location);
    if (!file) this.files.set(location, (file = resolve(location)));
    return file;
  }

  /** @throws 'onnx-external-data' naming tensor and location; what the resolver throws on purpose or on abort. */
  async read(tensor: ITensorProto, what: string): Promise<OnnxTensor> {
    const { dims, dtype, count } = header(tensor, what);
    const entries = new Map((tensor.externalData ?? []).map((entry) => [entry.key ?? '', entry.value ?? '']));
    const location = entries.get('location') ?? '';
    const fail = (reason: string, details: { remedy?: string; cause?: unknown } = {}) =>
      new WgradError('onnx-external-data', `${what}: external data '${location}': ${reason}`, details);
    if (!location) throw fail('no location is given');
    if (!isLocalName(location)) throw fail("the location leaves the model's folder");
    if (!this.resolve)
      throw fail('the model was given as bytes alone', { remedy: 'Load it from its file, or pass a resolver' });
    const need = count * DTYPES[dtype].bytes;
    const offset = naturalNumber(entries.get('offset') ?? '0');
    const length = naturalNumber(entries.get('length') ?? String(need));
    if (offset === undefined || length === undefined) throw fail('offset and length must be whole numbers');
    if (length !== need) throw fail(`${dtype} [${dims.join(', ')}] needs ${need} bytes, length says ${length}`);
    const file = await this.file(location, this.resolve);
    if (offset + length > file.length)
      throw fail(`bytes ${offset} to ${offset + length} are wanted, the file has ${file.length}`);
    const taken = (this.bytesTaken.get(location) ?? 0) + length;
    if (taken > MAX_TIMES_READ * file.length)
      throw fail(`tensors take its ${file.length} bytes more than ${MAX_TIMES_READ} times over`);
    this.bytesTaken.set(location, taken);
    return { dims, dtype, data: readRaw(file.subarray(offset, offset + length), dtype, count) };
  }
}

function naturalNumber(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** Whether a location is a plain relative path: no scheme, no drive, no root, no step upwards, no NUL. */
export function isLocalName(location: string): boolean {
  if (location.includes('\0') || /^[/\\]/.test(location) || /^[A-Za-z][A-Za-z0-9+.-]*:/.test(location)) return false;
  let decoded = location;
  try {
    decoded = decodeURIComponent(location);
  } catch {
    // Not percent-encoded: the name is what it is.
  }
  return ![location, decoded].some((name) => name.split(/[/\\]/).includes('..'));
}
