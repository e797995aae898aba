/**
 * A training in one safetensors file, from which it goes on to the same bits as if it had never stopped:
 *
 *   model.NAME       parameters and statistics that training changes, or has changed; of the others a checksum
 *   optimizer.NAME   the optimiser's moments
 *   average.NAME     the moving average
 *   best.NAME        the parameters and statistics of the best epoch
 *   __metadata__     {@link Progress} and the settings, as JSON
 *
 * Schedule, order of the pictures and augmentation are functions of the settings and of the step: they have no state.
 */
import { WgradError } from '../errors.ts';
import { decodeSafetensors, encodeSafetensors, type TensorToStore } from '../formats/safetensors.ts';
import type { Progress } from './progress.ts';

/** What makes a training the same training, as plain data. */
export type Settings = Readonly<Record<string, unknown>>;

export type Parts = 'model' | 'optimizer' | 'average' | 'best';
export type State = Readonly<Record<Parts, ReadonlyMap<string, TensorToStore & { data: Float32Array }>>>;

export interface Checkpoint {
  progress: Progress;
  settings: Settings;
  state: State;
}

const parts: readonly Parts[] = ['model', 'optimizer', 'average', 'best'];
const FORMAT = '1';

export function encodeCheckpoint({ progress, settings, state }: Checkpoint): Uint8Array {
  const tensors = new Map<string, TensorToStore>();
  for (const part of parts) for (const [name, tensor] of state[part]) tensors.set(`${part}.${name}`, tensor);
  return encodeSafetensors(tensors, {
    wgrad_checkpoint: FORMAT,
    progress: JSON.stringify(progress),
    settings: JSON.stringify(settings),
  });
}

/** @throws WgradError 'file-format' where the bytes are no checkpoint. */
export function decodeCheckpoint(bytes: Uint8Array): Checkpoint {
  const file = decodeSafetensors(bytes, 'checkpoint');
  const { wgrad_checkpoint: format, progress, settings } = file.metadata;
  if (format !== FORMAT || progress === undefined || settings === undefined) {
    throw new WgradError('file-format', 'the file is no checkpoint of a training', {
      remedy: 'Give a file that `fit` or `wgrad finetune` has written as a checkpoint',
    });
  }
  const state: Record<Parts, Map<string, TensorToStore & { data: Float32Array }>> = {
    model: new Map(),
    optimizer: new Map(),
    average: new Map(),
    best: new Map(),
  };
  for (const name of file.names) {
    const part = parts.find((p) => name.startsWith(`${p}.`));
    if (part) state[part].set(name.slice(part.length + 1), file.floats(name));
  }
  try {
    const read = (text: string) => JSON.parse(text) as object;
    return { progress: read(progress) as Progress, settings: read(settings) as Settings, state };
  } catch (cause) {
    throw new WgradError('file-format', "the checkpoint's settings are not JSON", { cause });
  }
}

/** Another number of epochs is a longer or shorter training of the same kind. */
const FREE: ReadonlySet<string> = new Set(['epochs']);

/** @throws WgradError 'invalid-argument' naming the settings that are not those of the checkpoint. */
export function checkSame(saved: Settings, now: Settings): void {
  const text = (v: unknown) => JSON.stringify(v) ?? 'none';
  const differ = [...new Set([...Object.keys(saved), ...Object.keys(now)])].filter(
    (key) => !FREE.has(key) && text(saved[key]) !== text(now[key]),
  );
  if (differ.length === 0) return;
  const short = (v: unknown) => (text(v).length > 60 ? `${text(v).slice(0, 60)}...` : text(v));
  const list = differ.map((key) => `${key} was ${short(saved[key])}, is ${short(now[key])}`).join('; ');
  throw new WgradError('invalid-argument', `the checkpoint is of another training: ${list}`, {
    remedy: 'Resume with the settings, pictures and model that it began with',
  });
}

/** FNV-1a over the bits: tells other weights and other pictures, not malice. */
export class Checksum {
  private hash = 0x811c9dc5;

  add(values: Float32Array | Int32Array): this {
    const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
    let h = this.hash;
    for (const word of words) {
      h = Math.imul(h ^ (word & 0xffff), 0x01000193);
      h = Math.imul(h ^ (word >>> 16), 0x01000193);
    }
    this.hash = h;
    return this;
  }

  toString(): string {
    return (this.hash >>> 0).toString(16).padStart(8, '0');
  }
}
