/**
 * Verified downloads into the cache: resumed from a .part file, checked for status, length and SHA-256, renamed into
 * place only when whole. A mismatch fails closed and leaves nothing that a later call could take for the file.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { WgradError } from '../errors.ts';
import { cacheFolder } from './cache.ts';
import type { PublishedModel } from './manifest.ts';

export interface DownloadOptions {
  /** Default: `models` in wgrad's cache folder. */
  folder?: string;
  /** Called with bytes present and in all. */
  onProgress?: (done: number, total: number) => void;
  signal?: AbortSignal;
}

const sizeOfFile = (path: string) =>
  stat(path).then(
    (s) => s.size,
    () => 0,
  );

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const part of createReadStream(path)) hash.update(part as Buffer);
  return hash.digest('hex');
}

/** Where the cache keeps the file, whether it is there or not. */
export const cachedPath = (entry: PublishedModel, folder = join(cacheFolder(), 'models')): string =>
  join(folder, `${entry.sha256.slice(0, 12)}-${entry.file}`);

/**
 * @returns the file's path. A cached file is verified again before it is used.
 * @throws WgradError 'download-failed' (network, status), 'download-corrupt' (length, hash, a page in place of the
 *   file); AbortError, which leaves a part to resume from.
 */
export async function download(entry: PublishedModel, options: DownloadOptions = {}): Promise<string> {
  const file = cachedPath(entry, options.folder);
  await mkdir(dirname(file), { recursive: true });
  if ((await sizeOfFile(file)) > 0) {
    if ((await sha256(file)) === entry.sha256) return file;
    await rm(file);
  }
  const part = `${file}.part`;
  if ((await sizeOfFile(part)) > entry.bytes) await rm(part);
  await receive(entry, part, options);
  const corrupt = async (why: string) => {
    await rm(part, { force: true });
    return new WgradError('download-corrupt', `${entry.url}: ${why}`, {
      remedy: 'Try again; the damaged part was removed',
    });
  };
  const size = await sizeOfFile(part);
  if (size !== entry.bytes) throw await corrupt(`${size} bytes came, ${entry.bytes} are expected`);
  const hash = await sha256(part);
  if (hash !== entry.sha256) throw await corrupt(`its SHA-256 is ${hash}, ${entry.sha256} is expected`);
  await rename(part, file);
  return file;
}

/** First byte of a partial answer; NaN where the server does not say. */
const startOf = (response: Response): number =>
  Number(/^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1] ?? NaN);

/** Appends what is missing of `entry` to `part`. */
async function receive(entry: PublishedModel, part: string, { signal, onProgress }: DownloadOptions): Promise<void> {
  const have = await sizeOfFile(part);
  if (have === entry.bytes) return;
  const failed = (why: string, cause?: unknown) =>
    new WgradError('download-failed', `${entry.url}: ${why}`, {
      remedy: 'Check the network, then run the same command again',
      cause,
    });
  signal?.throwIfAborted();
  const headers: Record<string, string> = have > 0 ? { range: `bytes=${have}-` } : {};
  const response = await fetch(entry.url, { headers, ...(signal && { signal }) }).catch((cause: unknown) => {
    signal?.throwIfAborted();
    throw failed(((cause as Error).cause as Error | undefined)?.message ?? (cause as Error).message, cause);
  });
  if (response.status === 416 || (response.status === 206 && startOf(response) !== have)) {
    // The part is of no use to this server: from the start, where this cannot happen again.
    await response.body?.cancel();
    if (have === 0) throw failed(`HTTP status ${response.status} for the whole file`);
    await rm(part);
    return receive(entry, part, { ...(signal && { signal }), ...(onProgress && { onProgress }) });
  }
  if (!response.ok || !response.body) throw failed(`HTTP status ${response.status}`);
  if (/text\/html/i.test(response.headers.get('content-type') ?? '')) {
    await response.body.cancel();
    throw new WgradError('download-corrupt', `${entry.url}: the server sent a web page in place of the file`, {
      remedy: 'A login or proxy page may be in the way: open the address in a browser',
    });
  }
  // A server that ignores Range answers 200 with the whole file: then the part starts again from nothing.
  let done = response.status === 206 ? have : 0;
  const output = await open(part, done > 0 ? 'a' : 'w');
  try {
    const reader = response.body.getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      done += next.value.length;
      if (done > entry.bytes) {
        await reader.cancel();
        break;
      }
      await output.write(next.value);
      onProgress?.(done, entry.bytes);
    }
  } catch (cause) {
    signal?.throwIfAborted();
    throw failed(`the connection broke after ${done} bytes`, cause);
  } finally {
    await output.close();
  }
  if (done > entry.bytes) {
    await rm(part, { force: true });
    throw new WgradError('download-corrupt', `${entry.url}: more than the expected ${entry.bytes} bytes came`);
  }
}
