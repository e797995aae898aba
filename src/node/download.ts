/**
 * Verified downloads into the cache: resumed from a .part file, checked for status, length and SHA-256, renamed into
 * place only when whole. A mismatch fails closed and leaves nothing that a later call could take for the file. Of
 * several processes that want the same file one downloads, and the others wait for it.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { WgradError } from '../errors.ts';
import { firstByte, receive, type ReceiveOptions } from '../receive.ts';
import { cacheFolder } from './cache.ts';
import { withLock } from './lock.ts';
import type { PublishedModel } from './manifest.ts';
import { prepareFolder, writeFault } from './write.ts';

/** Options of a download. */
export interface DownloadOptions extends Pick<ReceiveOptions, 'signal' | 'headersTimeout' | 'silenceTimeout'> {
  /** Default: `models` in wgrad's cache folder. */
  folder?: string;
  /** Called with bytes present and in all; also while another process downloads the same file. */
  onProgress?: (done: number, total: number) => void;
  /** Called once where another process is at it, with its id. */
  onWait?: (pid: number) => void;
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

/** A manifest is data: its names must not lead out of the cache folder. */
function checkEntry({ name, file, sha256, bytes }: PublishedModel): void {
  const fault =
    !/^[\w][\w.+-]*$/.test(file) || file.length > 200
      ? `the file name ${JSON.stringify(file)} is not a plain name`
      : !/^[0-9a-f]{64}$/.test(sha256)
        ? `${JSON.stringify(sha256)} is no SHA-256 in hexadecimal`
        : !Number.isSafeInteger(bytes) || bytes < 1
          ? `${bytes} is no number of bytes`
          : undefined;
  if (fault) throw new WgradError('invalid-argument', `published weights ${name}: ${fault}`);
}

/** Where the cache keeps the file, whether it is there or not. @throws WgradError 'invalid-argument'. */
export function cachedPath(entry: PublishedModel, folder = join(cacheFolder(), 'models')): string {
  checkEntry(entry);
  return join(folder, `${entry.sha256.slice(0, 12)}-${entry.file}`);
}

const isWhole = async (file: string, entry: PublishedModel): Promise<boolean> =>
  (await sizeOfFile(file)) === entry.bytes && (await sha256(file)) === entry.sha256;

/**
 * @returns the file's path. A cached file is verified again before it is used.
 * @throws WgradError 'invalid-argument'; 'download-failed' (network, silence, status), 'download-corrupt' (length, hash,
 *   a page in place of the file); 'disk-full', 'file-write'; AbortError, which leaves a part to resume from.
 */
export async function download(entry: PublishedModel, options: DownloadOptions = {}): Promise<string> {
  const { signal, onProgress, onWait } = options;
  const file = cachedPath(entry, options.folder);
  const part = `${file}.part`;
  if (await isWhole(file, entry)) return file;
  await prepareFolder(dirname(file), file);
  let waited = false;
  const waiting = (pid: number) => {
    if (!waited) onWait?.(pid);
    waited = true;
    void sizeOfFile(part).then((size) => onProgress?.(Math.min(size, entry.bytes), entry.bytes));
  };
  const work = async () => {
    // Another process may have brought it in the meantime.
    if (await isWhole(file, entry)) return file;
    await rm(file, { force: true });
    if ((await sizeOfFile(part)) > entry.bytes) await rm(part);
    await complete(entry, part, options);
    await verify(entry, part);
    await rename(part, file).catch((cause: unknown) => {
      throw writeFault(file, cause);
    });
    return file;
  };
  return withLock(file, work, { signal, onWait: waiting });
}

async function verify(entry: PublishedModel, part: string): Promise<void> {
  const size = await sizeOfFile(part);
  const hash = size === entry.bytes ? await sha256(part) : '';
  if (hash === entry.sha256) return;
  const why = hash ? `its SHA-256 is ${hash}, ${entry.sha256} is expected` : `${size} bytes came, not ${entry.bytes}`;
  await rm(part, { force: true });
  throw new WgradError('download-corrupt', `${entry.url}: ${why}`, {
    remedy: 'Try again; the damaged part was removed',
  });
}

/** Appends what is missing of `entry` to `part`. */
async function complete(entry: PublishedModel, part: string, options: DownloadOptions): Promise<void> {
  const have = await sizeOfFile(part);
  if (have === entry.bytes) return;
  const { signal, headersTimeout, silenceTimeout, onProgress } = options;
  const incoming = await receive(entry.url, {
    headers: have > 0 ? { range: `bytes=${have}-` } : {},
    signal,
    headersTimeout,
    silenceTimeout,
    maxBytes: entry.bytes,
    accept: have > 0 ? [416] : [],
  });
  if (incoming.status === 416 || (incoming.status === 206 && firstByte(incoming.headers) !== have)) {
    // The part is of no use to this server: from the start, where this cannot happen again.
    await incoming.cancel();
    if (have === 0) throw new WgradError('download-failed', `${entry.url}: HTTP status 206 for the whole file`);
    await rm(part);
    return complete(entry, part, options);
  }
  // A server that ignores Range answers 200 with the whole file: then the part starts again from nothing.
  let done = incoming.status === 206 ? have : 0;
  const written = (cause: unknown): never => {
    throw writeFault(part, cause);
  };
  const output = await open(part, done > 0 ? 'a' : 'w').catch(async (cause: unknown) => {
    await incoming.cancel();
    return written(cause);
  });
  try {
    for await (const chunk of incoming.chunks()) {
      done += chunk.length;
      if (done > entry.bytes) {
        throw new WgradError('download-corrupt', `${entry.url}: more than the expected ${entry.bytes} bytes came`);
      }
      await output.writeFile(chunk).catch(written);
      onProgress?.(done, entry.bytes);
    }
    await output.sync().catch(written);
  } catch (error) {
    if (error instanceof WgradError && error.code === 'download-corrupt') await rm(part, { force: true });
    throw error;
  } finally {
    await output.close();
  }
}
