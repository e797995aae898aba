/** Generated files: written whole, and left alone where nothing changed, so that nothing is built anew for them. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

export function writeIfNew(target: URL, text: string): void {
  if (existsSync(target) && readFileSync(target, 'utf8') === text) return;
  mkdirSync(new URL('.', target), { recursive: true });
  const fresh = new URL(`${target.href}.${process.pid}.tmp`);
  writeFileSync(fresh, text);
  renameSync(fresh, target);
}
