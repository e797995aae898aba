/** The one way in which wgrad reads a file that somebody names: never a pipe or a device, which might never end. */
import { constants, open, type FileHandle } from 'node:fs/promises';
import { WgradError, type ErrorCode } from '../errors.ts';

export interface ReadOptions {
  /** What it is, for messages: 'model'. */
  what?: string;
  /** Code of the error where the file is there and cannot be read; default 'file-format'. */
  code?: ErrorCode;
  /** The most bytes that it may have; default 2 GiB - 1, the most that Node reads at once. */
  maxBytes?: number;
}

const largest = 2 ** 31 - 1;

/** @throws WgradError 'file-missing'; `code` for a folder, a pipe, a device, a file that is empty or too large. */
export function readWhole(path: string, options: ReadOptions = {}): Promise<Uint8Array> {
  return withFile(path, options, async (file, size, fail) => {
    const { maxBytes = largest } = options;
    if (size === 0) throw fail('the file is empty');
    if (size > maxBytes) throw fail(`the file has ${size} bytes, more than the ${maxBytes} that are read`);
    return file.readFile();
  });
}

/** As UTF-8. */
export const readText = async (path: string, options?: ReadOptions): Promise<string> =>
  new TextDecoder().decode(await readWhole(path, options));

/** The first `count` bytes, or all where there are fewer. */
export function readStart(path: string, count: number, options: ReadOptions = {}): Promise<Uint8Array> {
  return withFile(path, options, async (file) => {
    const { bytesRead, buffer } = await file.read(new Uint8Array(count), 0, count, 0);
    return buffer.subarray(0, bytesRead);
  });
}

async function withFile<T>(
  path: string,
  { what, code = 'file-format' }: ReadOptions,
  use: (file: FileHandle, size: number, fail: (reason: string) => WgradError) => Promise<T>,
): Promise<T> {
  const name = what ? `${what} ${path}` : path;
  const fail = (reason: string, cause?: unknown) => new WgradError(code, `${name}: ${reason}`, { cause });
  let file: FileHandle | undefined;
  try {
    // Without waiting: opening a pipe waits for a writer otherwise.
    file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const info = await file.stat();
    if (!info.isFile()) throw fail(info.isDirectory() ? 'it is a folder' : 'it is no regular file');
    return await use(file, info.size, fail);
  } catch (cause) {
    if (cause instanceof WgradError) throw cause;
    const { code: system, message } = cause as NodeJS.ErrnoException;
    if (system === 'ENOENT' || system === 'ENOTDIR') {
      throw new WgradError('file-missing', `${name}: no such file`, { cause });
    }
    if (system === 'ENXIO') throw fail('it is no regular file', cause);
    throw fail(system === 'EACCES' ? 'no permission to read it' : `cannot be read (${message})`, cause);
  } finally {
    await file?.close();
  }
}
