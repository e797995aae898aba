/** Paths of this machine, and how results that others read are kept free of them. */
import { homedir, tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';

/** The checkout, without a slash at its end. */
export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/[\\/]$/, '');

/** Folders that say who measured, by what they are called instead: the longest first, since one may hold another. */
const folders = (
  [
    [root, '.'],
    [homedir(), '~'],
    [tmpdir(), '$TMPDIR'],
  ] as const
).toSorted(([a], [b]) => b.length - a.length);

/** Commands and messages of errors may name files. */
export function withoutPaths<T>(value: T): T {
  if (typeof value === 'string') return folders.reduce<string>((text, [path, as]) => replaced(text, path, as), value) as T; // prettier-ignore
  if (Array.isArray(value)) return value.map(withoutPaths) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, withoutPaths(v)])) as T;
}

/** Whole names only: /tmp is not in /tmporary. */
const replaced = (text: string, path: string, as: string) =>
  path.length < 2 ? text : text.replace(new RegExp(`${path.replace(/[^\w/]/g, '\\$&')}(?![\\w.-])`, 'g'), () => as);
