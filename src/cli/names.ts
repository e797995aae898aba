/** Names of output files: readable, and never the same for two things. */
import { basename, dirname, extname, resolve, sep } from 'node:path';

/** Any text as a file's name: what disks or shells take amiss becomes `_`. */
export function fileName(text: string): string {
  const name = text.normalize('NFC').replace(/[^\p{L}\p{N}.@,+-]+/gu, '_');
  // No name may be hidden, empty, or longer than disks allow (255 bytes, of which some are for an ending).
  return [...name.replace(/^[._]+/, '')].slice(0, 60).join('') || 'unnamed';
}

/**
 * One name for each path: the file's own name without its ending; where several would be the same, as many of its
 * folders before it as tell them apart (`bird-0001`, `dog-0001`), then its ending, then a number.
 */
export function uniqueNames(paths: readonly string[]): string[] {
  const parts = paths.map((path) => [...dirname(resolve(path)).split(sep), basename(path, extname(path))]);
  const deepest = Math.max(...parts.map((p) => p.length));
  const names = parts.map((p) => fileName(p.at(-1)!));
  const rename = (name: (i: number) => string) => {
    for (const i of clashes(names)) names[i] = name(i);
  };
  for (let depth = 2; depth <= deepest && clashes(names).length > 0; depth++) {
    rename((i) => fileName(parts[i]!.slice(-depth).join('-')));
  }
  rename((i) => `${names[i]}-${fileName(extname(paths[i]!).slice(1))}`);
  return numbered(names);
}

/** Repeated names get `-2`, `-3`, ... */
export function numbered(names: readonly string[]): string[] {
  const taken = new Set(names.map(key));
  const seen = new Set<string>();
  return names.map((name) => {
    if (!seen.has(key(name))) {
      seen.add(key(name));
      return name;
    }
    let n = 2;
    while (taken.has(key(`${name}-${n}`))) n++;
    taken.add(key(`${name}-${n}`));
    return `${name}-${n}`;
  });
}

/** Some disks do not tell capitals from small letters. */
const key = (name: string) => name.toLowerCase();

/** Indices of the names that are not alone. */
function clashes(names: readonly string[]): number[] {
  const count = new Map<string, number>();
  for (const name of names) count.set(key(name), (count.get(key(name)) ?? 0) + 1);
  return [...names.keys()].filter((i) => count.get(key(names[i]!))! > 1);
}
