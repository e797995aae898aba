/**
 * What `npm run build` makes of the sources that are there now: `dist/lib` where it is newer than they are, as after
 * `npm ci`; else made once and kept in `out/built`.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

export const root = fileURLToPath(new URL('../..', import.meta.url));

const sources = ['src', 'package.json', 'vite.config.ts', 'scripts/defer.ts', 'tsconfig.json'];

/** Of files, and of folders, which changes where a file goes. */
function newest(path: string): number {
  const stat = statSync(path);
  const inside = stat.isDirectory() ? readdirSync(path).map((name) => newest(join(path, name))) : [];
  return Math.max(stat.mtimeMs, ...inside);
}

/** @returns the folder. */
export async function built(): Promise<string> {
  const changed = Math.max(...sources.map((name) => newest(join(root, name))));
  const isNew = (folder: string) =>
    existsSync(join(folder, 'index.js')) && statSync(join(folder, 'index.js')).mtimeMs > changed;
  const [shipped, kept] = [join(root, 'dist/lib'), join(root, 'out/built/lib')];
  if (isNew(shipped)) return shipped;
  if (isNew(kept)) return kept;
  const fresh = `${kept}.${process.pid}`;
  mkdirSync(fresh, { recursive: true });
  await build({ root, logLevel: 'error', build: { outDir: fresh, emptyOutDir: true } });
  // Another test file may have been faster.
  if (!isNew(kept)) {
    rmSync(kept, { recursive: true, force: true });
    renameSync(fresh, kept);
  } else rmSync(fresh, { recursive: true });
  return kept;
}
