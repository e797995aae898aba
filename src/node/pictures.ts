/** Which files of a folder are pictures, and what was left out. */
import { lstat, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { WgradError } from '../errors.ts';
import { KIND_BYTES, pictureKind } from '../image/kinds.ts';
import { readStart } from './read.ts';

/** A file that was not taken, and why. */
export interface Skipped {
  path: string;
  reason: string;
}

export interface Listing {
  /** Sorted by name. */
  pictures: string[];
  skipped: Skipped[];
}

/** In parts, so that a large folder does not open all of its files at once. */
const AT_ONCE = 32;

/** Hidden files are no one's pictures: `._x.jpg` is what macOS leaves beside x.jpg on other disks. */
export const isHidden = (name: string) => name.startsWith('.');

/**
 * The pictures of a folder, by their content and not by their names' endings.
 * @param recursive go into folders below; else they are among the skipped.
 * @throws WgradError 'file-missing'.
 */
export async function listPictures(folder: string, recursive = false): Promise<Listing> {
  const listing: Listing = { pictures: [], skipped: [] };
  const names = (await readFolder(folder)).filter((name) => !isHidden(name)).sort();
  for (let at = 0; at < names.length; at += AT_ONCE) {
    const paths = names.slice(at, at + AT_ONCE).map((name) => join(folder, name));
    const found = await Promise.all(paths.map(look));
    for (const [i, path] of paths.entries()) {
      const what = found[i]!;
      if (what === 'picture') listing.pictures.push(path);
      else if (what !== 'folder') listing.skipped.push({ path, reason: what.reason });
      else if (!recursive) listing.skipped.push({ path, reason: 'a folder' });
      else {
        const below = await listPictures(path, true);
        listing.pictures.push(...below.pictures);
        listing.skipped.push(...below.skipped);
      }
    }
  }
  return listing;
}

const readFolder = (folder: string) =>
  readdir(folder).catch((cause: unknown) => {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    const why = missing ? 'no such folder' : `cannot be read as a folder (${(cause as Error).message})`;
    throw new WgradError('file-missing', `${folder}: ${why}`, { cause });
  });

async function look(path: string): Promise<'picture' | 'folder' | { reason: string }> {
  if (await isFolder(path)) {
    // It may lead back here.
    const isLink = (await lstat(path)).isSymbolicLink();
    return isLink ? { reason: 'a link to a folder' } : 'folder';
  }
  try {
    const kind = pictureKind(await readStart(path, KIND_BYTES));
    if (!kind) return { reason: 'no picture' };
    return kind.decodable ? 'picture' : { reason: `${kind.name} pictures are not read` };
  } catch (error) {
    if (error instanceof WgradError) return { reason: error.message.slice(path.length + 2) };
    throw error;
  }
}

export const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (s) => s.isDirectory(),
    () => false,
  );

/** One line on what was left out: how many, the first few by name, and why. Undefined where nothing was. */
export function skippedLine(skipped: readonly Skipped[], shown = 5): string | undefined {
  if (skipped.length === 0) return undefined;
  const named = skipped.slice(0, shown).map(({ path, reason }) => `${path} (${reason})`);
  const more = skipped.length > shown ? `, and ${skipped.length - shown} more` : '';
  return `${skipped.length} ${skipped.length === 1 ? 'file was' : 'files were'} left out: ${named.join(', ')}${more}`;
}
