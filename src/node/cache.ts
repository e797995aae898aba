/** Where wgrad keeps what it unpacks and downloads. */

import { accessSync, constants } from 'node:fs';
import { homedir, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { WgradError } from '../errors.ts';
import { makeFolder } from './make_folder.ts';

/** `true` when the folder exists, or could be made, and can be written to. */
function writable(folder: string): boolean {
  try {
    makeFolder(folder, 0o700);
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The home folder, or `undefined` for a user without one (containers started under a bare uid). */
function home(env: NodeJS.ProcessEnv): string | undefined {
  try {
    return env.HOME || homedir();
  } catch {
    return undefined;
  }
}

/** A name of its own for each user, so that two users of one machine do not meet in the folder for temporary files. */
function userTag(): string {
  try {
    return String(userInfo().uid);
  } catch {
    return String(process.getuid?.() ?? 'user');
  }
}

/**
 * The cache folder, made if need be: `$WGRAD_CACHE`, else `~/.cache/wgrad`, else a folder of the user's under the
 * folder for temporary files.
 * @throws WgradError `invalid-argument` when `$WGRAD_CACHE` is set and cannot be written; `file-missing` when no folder can.
 */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env.WGRAD_CACHE) {
    if (writable(env.WGRAD_CACHE)) return env.WGRAD_CACHE;
    // A folder that somebody named is not silently swapped for another one.
    throw new WgradError('invalid-argument', `WGRAD_CACHE names ${env.WGRAD_CACHE}, which cannot be written`, {
      remedy: 'Name a folder that can be written, or unset WGRAD_CACHE',
    });
  }
  const homeFolder = home(env);
  const choices = [
    ...(homeFolder ? [join(homeFolder, '.cache', 'wgrad')] : []),
    join(tmpdir(), `wgrad-cache-${userTag()}`),
  ];
  const found = choices.find(writable);
  if (found) return found;
  throw new WgradError('file-missing', `no cache folder can be written (tried ${choices.join(', ')})`, {
    remedy: 'Set WGRAD_CACHE to a folder that can be written',
  });
}
