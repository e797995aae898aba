/**
 * The one way in which wgrad writes a file: into a temporary file of its own beside the target, to the disk, then
 * renamed over it. Whoever reads the target sees the old file or the new one, whole; a fault or a full disk leaves the
 * old one. A temporary file is removed on every way out but a kill -9, and what that left is removed by the next write.
 */
import { randomBytes } from 'node:crypto';
import { rmSync, statfsSync } from 'node:fs';
import { access, chmod, constants, open, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { WgradError } from '../errors.ts';
import { makeFolder } from './make_folder.ts';
import { isRunning } from './process.ts';

/** @throws WgradError 'disk-full'; 'file-write' naming file and reason. The file that was there is then untouched. */
export async function writeWhole(path: string, data: Uint8Array | string): Promise<void> {
  await prepareFile(path);
  // A link stays a link: what it points to is replaced.
  const target = await realpath(path).catch(() => resolve(path));
  const temporary = join(dirname(target), temporaryName(basename(target)));
  pending.add(temporary);
  try {
    await removeLeftovers(target);
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    const mode = await stat(target).then((s) => s.mode, () => undefined); // prettier-ignore
    if (mode !== undefined) await chmod(temporary, mode & 0o7777);
    await rename(temporary, target);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw writeFault(path, cause);
  } finally {
    pending.delete(temporary);
  }
  await syncFolder(dirname(target));
}

/**
 * Makes the folder of a file that will be written, and says now what would fail then.
 * @throws WgradError 'file-write'.
 */
export async function prepareFile(path: string): Promise<void> {
  const info = await stat(path).catch(() => undefined);
  if (info && !info.isFile()) {
    const what = info.isDirectory() ? 'it is a folder' : 'it is no regular file';
    throw new WgradError('file-write', `${path}: ${what}`, { remedy: 'Name a file' });
  }
  // Renaming over it would not ask for the right to write it.
  if (info)
    await access(path, constants.W_OK).catch((cause: unknown) => {
      throw writeFault(path, cause);
    });
  await prepareFolder(dirname(path), path);
}

/**
 * Makes a folder that files will be written to.
 * @param file for messages: what is wanted in it.
 * @throws WgradError 'file-write', 'disk-full'.
 */
export async function prepareFolder(folder: string, file = folder): Promise<void> {
  try {
    makeFolder(folder);
    await access(folder, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw writeFault(file, cause);
  }
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'no permission to write there',
  EPERM: 'no permission to write there',
  EROFS: 'the disk is read-only',
  EEXIST: 'a file is in the place of its folder',
  ENOTDIR: 'a file is in the place of its folder',
  EISDIR: 'it is a folder',
  ENAMETOOLONG: 'the name is too long',
  EFBIG: 'it is larger than this disk or user may have',
  EMFILE: 'too many files are open',
};

/** What a failed write comes to: 'disk-full' or 'file-write', naming the file. Errors of wgrad's own pass through. */
export function writeFault(path: string, cause: unknown): WgradError {
  if (cause instanceof WgradError) return cause;
  const { code = '', message } = cause as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    const what = code === 'EDQUOT' ? "the user's share of the disk is used up" : 'the disk is full';
    return new WgradError('disk-full', `${path}: ${what} (${freeSpace(dirname(resolve(path)))})`, {
      remedy: 'Free some space or write to another disk, then run it again; nothing was overwritten',
      cause,
    });
  }
  return new WgradError('file-write', `${path}: cannot be written: ${reasons[code] ?? message}`, {
    remedy: 'Name another place, or change what stands in the way',
    cause,
  });
}

function freeSpace(folder: string): string {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return `${((bavail * bsize) / 1e6).toFixed(1)} MB are free in ${folder}`;
  } catch {
    return folder;
  }
}

/** So that a power cut does not undo the rename. Not every system lets a folder be opened. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

/** `.NAME.HOST-PID-RANDOM.tmp`; a long name is cut, as 255 bytes is what most disks allow. */
const temporaryPrefix = (name: string) => `.${[...name].slice(0, 40).join('')}.`;
const host = hostname().replace(/[^\w]/g, '').slice(0, 16);
const temporaryName = (name: string) =>
  `${temporaryPrefix(name)}${host}-${process.pid}-${randomBytes(4).toString('hex')}.tmp`;

/** Temporary files of processes on this machine that are no more. */
async function removeLeftovers(target: string): Promise<void> {
  const [folder, prefix] = [dirname(target), temporaryPrefix(basename(target))];
  for (const name of await readdir(folder)) {
    if (!name.startsWith(prefix)) continue;
    const [, machine, pid] = /^([^-]*)-(\d+)-[0-9a-f]{8}\.tmp$/.exec(name.slice(prefix.length)) ?? [];
    if (machine === host && !isRunning(Number(pid))) await rm(join(folder, name), { force: true });
  }
}

/** An exit in the middle of a write, as on a second Ctrl-C, leaves nothing either. */
const pending = new Set<string>();
process.on('exit', () => {
  for (const file of pending) rmSync(file, { force: true });
});
