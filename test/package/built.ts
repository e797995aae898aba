/**
 * What `npm run build` and `npm run build:types` make of the sources that are there now: `dist/` where it is newer than
 * they are, as after `npm ci`; else made once and kept in `out/built`.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'vite';
import { expect } from 'vitest';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** Runs the compiler. @returns what it prints: nothing where all is well. */
export async function tsc(...args: string[]): Promise<string> {
  const compile = promisify(execFile)(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), ...args], { cwd: root }); // prettier-ignore
  return (await compile.catch((error: unknown) => error as { stdout: string })).stdout;
}

const sources = ['src', 'package.json', 'vite.config.ts', 'tsconfig.json', 'tsconfig.types.json'];

/** Of files, and of folders, which changes where a file goes. */
function newest(path: string): number {
  const stat = statSync(path);
  const inside = stat.isDirectory() ? readdirSync(path).map((name) => newest(join(path, name))) : [];
  return Math.max(stat.mtimeMs, ...inside);
}

const kinds = {
  lib: { entry: 'index.js', make: (outDir: string) => build({ root, logLevel: 'error', build: { outDir, emptyOutDir: true } }) }, // prettier-ignore
  types: { entry: 'index.d.ts', make: async (outDir: string) => expect(await tsc('-p', 'tsconfig.types.json', '--outDir', outDir)).toBe('') }, // prettier-ignore
};

/** @returns the folder. */
export async function built(kind: keyof typeof kinds): Promise<string> {
  const { entry, make } = kinds[kind];
  const changed = Math.max(...sources.map((name) => newest(join(root, name))));
  const isNew = (folder: string) => existsSync(join(folder, entry)) && statSync(join(folder, entry)).mtimeMs > changed;
  const [shipped, kept] = [join(root, 'dist', kind), join(root, 'out/built', kind)];
  if (isNew(shipped)) return shipped;
  if (isNew(kept)) return kept;
  const fresh = `${kept}.${process.pid}`;
  mkdirSync(fresh, { recursive: true });
  await make(fresh);
  // Another test file may have been faster.
  if (!isNew(kept)) {
    rmSync(kept, { recursive: true, force: true });
    renameSync(fresh, kept);
  } else rmSync(fresh, { recursive: true });
  return kept;
}
