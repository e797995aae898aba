/**
 * Features that outlive a training: in a folder, for instance. A feature's key is a hash of all that it depends on: the
 * frozen weights, the frontier, the batch and the adapter (on which the order of summation depends), and the picture's
 * numbers as the network gets them, preprocessing and augmentation included.
 */
import type { Engine } from '../engine.ts';
import type { FrozenPart } from './frozen.ts';

/** Where bytes are kept by name; a store that loses some costs time only. */
export interface ByteStore {
  /** The bytes that were written under this key; undefined where there are none. */
  read(name: string): Promise<Uint8Array | undefined>;
  /** Keeps bytes under a key. */
  write(name: string, bytes: Uint8Array): Promise<void>;
}

export class FeatureStore {
  private readonly parts = new Map<FrozenPart, Promise<string>>();

  constructor(
    private readonly engine: Engine,
    private readonly bytes: ByteStore,
  ) {}

  /** @param names of what augmentation draws for each picture; `pictures` may be more. */
  async keys(
    part: FrozenPart,
    pictures: readonly (Float32Array | Int32Array)[],
    names: readonly string[],
  ): Promise<string[]> {
    let of = this.parts.get(part);
    if (!of) this.parts.set(part, (of = this.partKey(part)));
    const prefix = await of;
    const one = (name: string, k: number) =>
      sha256(concat([new TextEncoder().encode(prefix + name), bytesOf(pictures[k]!)]));
    return Promise.all(names.map(one));
  }

  private async partKey(part: FrozenPart): Promise<string> {
    const { engine } = this;
    const words = [engine.description, part.batch, ...part.names, ...part.sizes].join('\n');
    const hashes = [await sha256(new TextEncoder().encode(words))];
    for (const variable of part.variables) hashes.push(await sha256(bytesOf(await engine.read(variable))));
    return sha256(new TextEncoder().encode(hashes.join('\n')));
  }

  async read(key: string, sizes: readonly number[]): Promise<Float32Array[] | undefined> {
    const bytes = await this.bytes.read(key);
    const length = 4 * sizes.reduce((a, b) => a + b, 0);
    if (bytes?.length !== length) return undefined;
    const all = new Float32Array(bytes.slice().buffer);
    let at = 0;
    return sizes.map((size) => all.subarray(at, (at += size)));
  }

  write(key: string, values: readonly Float32Array[]): Promise<void> {
    return this.bytes.write(key, concat(values.map(bytesOf)));
  }
}

const bytesOf = (v: Float32Array | Int32Array) => new Uint8Array(v.buffer, v.byteOffset, v.byteLength);

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

export async function sha256(bytes: Uint8Array<ArrayBufferLike>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
  return Array.from(digest, (b) => b.toString(16).padStart(2, '0')).join('');
}
