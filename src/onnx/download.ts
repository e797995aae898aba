/**
 * Weights from an address: a broken connection is taken up where it broke, the whole is verified by its SHA-256, and parts
 * are kept in the browser's cache, from which a later call takes the whole or goes on. Loaded on first use.
 */
import { WgradError } from '../errors.ts';
import { firstByte, joined, receive, type ReceiveOptions } from '../receive.ts';

/** How far a model has come. */
export interface LoadProgress {
  /** Bytes so far. */
  loaded: number;
  /** Bytes in all; NaN where the server does not say. */
  total: number;
  /** 'cache': read from the browser's cache; 'download'; 'parse': all bytes are there, the graph is being read. */
  phase: 'cache' | 'download' | 'parse';
}

export interface DownloadOptions extends Pick<
  ReceiveOptions,
  'signal' | 'headersTimeout' | 'silenceTimeout' | 'maxBytes'
> {
  /** Told of bytes as they come, and of where they come from. */
  onProgress?: ((progress: LoadProgress) => void) | undefined;
  /** Hexadecimal SHA-256 that the file must have. */
  sha256?: string | undefined;
  /** Keeps the file in the browser's cache, by its `sha256`, which must be given. Default false. */
  cache?: boolean | undefined;
  /** What is gone on without, such as a full cache; default: the console. */
  onWarning?: ((warning: string) => void) | undefined;
}

/** A part is kept when so much has come: what a broken download loses at most. */
const PART = 4 << 20;

/** How often a broken connection is taken up in one call. */
const RETRIES = 3;

/**
 * @throws WgradError 'download-failed', 'download-corrupt', 'invalid-argument' (a cache without `sha256`); the signal's
 *   reason. What has come by then is in the cache.
 */
export async function downloadWeights(url: string, options: DownloadOptions = {}): Promise<Uint8Array> {
  const { cache = false, onProgress } = options;
  const sha256 = options.sha256?.toLowerCase();
  if (cache && !sha256) {
    throw new WgradError('invalid-argument', `${url}: a cached file is known by its SHA-256, which is not given`, {
      remedy: 'Give sha256, or leave cache out',
    });
  }
  const store = cache ? await CachedParts.open(sha256!, options.onWarning ?? ((warning) => console.warn(warning))) : undefined; // prettier-ignore
  const have = (await store?.read()) ?? { parts: [], total: NaN };
  const download = new Download(url, options, have, store);
  if (have.parts.length > 0) onProgress?.({ loaded: download.loaded, total: have.total, phase: 'cache' });
  for (let tries = 0; !download.isWhole; tries++) {
    const before = download.loaded;
    try {
      await download.goOn();
    } catch (error) {
      await download.keep();
      const broken = error instanceof WgradError && error.code === 'download-failed' && download.loaded > before;
      if (!broken || tries === RETRIES) throw error;
    }
  }
  await download.keep();
  const bytes = joined(download.parts);
  if (sha256) await verify(url, bytes, sha256, store);
  return bytes;
}

class Download {
  parts: Uint8Array[];
  loaded: number;
  isWhole: boolean;
  /** Parts from here on are not in the store. */
  private unkept: number;
  private total: number;

  constructor(
    private readonly url: string,
    private readonly options: DownloadOptions,
    have: { parts: Uint8Array[]; total: number },
    private readonly store: CachedParts | undefined,
  ) {
    this.parts = have.parts;
    this.total = have.total;
    this.unkept = have.parts.length;
    this.loaded = have.parts.reduce((sum, part) => sum + part.length, 0);
    this.isWhole = this.loaded === have.total;
  }

  /** What is missing, in one connection. */
  async goOn(): Promise<void> {
    const { headersTimeout, silenceTimeout, maxBytes, signal, onProgress } = this.options;
    const from = this.loaded;
    const incoming = await receive(this.url, {
      headersTimeout,
      silenceTimeout,
      maxBytes,
      signal,
      headers: from > 0 ? { range: `bytes=${from}-` } : {},
      accept: from > 0 ? [416] : [],
    });
    const partial = incoming.status === 206 && firstByte(incoming.headers) === from;
    if (from > 0 && !partial) {
      // The parts are of no use to this server, which sends the whole, or nothing that continues them.
      await this.forget();
      if (incoming.status !== 200) {
        await incoming.cancel();
        return this.goOn();
      }
    }
    this.total = this.loaded + incoming.length;
    try {
      let unkept = 0;
      for await (const chunk of incoming.chunks()) {
        this.parts.push(chunk);
        this.loaded += chunk.length;
        unkept += chunk.length;
        if (unkept >= PART) {
          unkept = 0;
          await this.keep();
        }
        onProgress?.({ loaded: this.loaded, total: this.total, phase: 'download' });
      }
    } catch (error) {
      // Of a body that was packed on the way nobody knows where it broke.
      if (Number.isNaN(incoming.length)) await this.forget();
      throw error;
    }
    if (this.loaded < this.total) throw new WgradError('download-failed', `${this.url}: ${this.loaded} of ${this.total} bytes came`); // prettier-ignore
    this.isWhole = true;
  }

  /** Brings into the store what is not there yet. */
  async keep(): Promise<void> {
    const fresh = this.parts.splice(this.unkept);
    if (fresh.length === 0) return;
    const part = joined(fresh);
    this.parts.push(part);
    if (!Number.isNaN(this.total)) await this.store?.put(this.unkept, part, this.total);
    this.unkept++;
  }

  private async forget(): Promise<void> {
    this.parts = [];
    [this.loaded, this.unkept, this.total] = [0, 0, NaN];
    await this.store?.remove();
  }
}

async function verify(url: string, bytes: Uint8Array, sha256: string, store: CachedParts | undefined): Promise<void> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
  const hex = [...digest].map((b) => b.toString(16).padStart(2, '0')).join('');
  if (hex === sha256) return;
  await store?.remove();
  throw new WgradError('download-corrupt', `${url}: its SHA-256 is ${hex}, not ${sha256}`, {
    remedy: 'Try again, or correct the expected hash',
  });
}

/** Parts of one file in the Cache API, under addresses that no server has. A cache that fails costs a warning, once. */
class CachedParts {
  private constructor(
    private readonly cache: Cache,
    private readonly sha256: string,
    private readonly warn: (warning: string) => void,
  ) {}

  private broken = false;

  static async open(sha256: string, warn: (warning: string) => void): Promise<CachedParts | undefined> {
    try {
      return new CachedParts(await caches.open('wgrad-weights'), sha256, warn);
    } catch (error) {
      warn(`weights are not cached: this place has no cache (${(error as Error).message})`);
      return undefined;
    }
  }

  private address = (index: number) => `https://wgrad.invalid/${this.sha256}/${index}`;

  async read(): Promise<{ parts: Uint8Array[]; total: number }> {
    const parts: Uint8Array[] = [];
    let total = NaN;
    for (;;) {
      const found = await this.cache.match(this.address(parts.length)).catch(() => undefined);
      if (!found) return { parts, total };
      total = Number(found.headers.get('x-total'));
      parts.push(new Uint8Array(await found.arrayBuffer()));
    }
  }

  async put(index: number, part: Uint8Array<ArrayBuffer>, total: number): Promise<void> {
    if (this.broken) return;
    try {
      await this.cache.put(this.address(index), new Response(part, { headers: { 'x-total': String(total) } }));
    } catch (error) {
      // Quota, or a user's setting: the model loads all the same.
      this.broken = true;
      this.warn(`weights are not cached: ${(error as Error).name}: ${(error as Error).message}`);
    }
  }

  async remove(): Promise<void> {
    for (let i = 0; await this.cache.delete(this.address(i)).catch(() => false); i++);
  }
}
