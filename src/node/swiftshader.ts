/** The SwiftShader that @sparticuz/chromium carries: a Vulkan driver, and a loader, for machines that have neither. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync, mkdtempSync, accessSync, constants } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';

/** Where wgrad keeps what it unpacks and downloads: WGRAD_CACHE, else ~/.cache/wgrad, else the temporary folder. */
export function cacheFolder(): string {
  for (const folder of [process.env['WGRAD_CACHE'], join(homedir(), '.cache', 'wgrad')]) {
    if (!folder) continue;
    try {
      mkdirSync(folder, { recursive: true });
      accessSync(folder, constants.W_OK);
      return folder;
    } catch {
      // A read-only home is no fault: the next place is tried.
    }
  }
  const folder = join(tmpdir(), 'wgrad');
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** The package's folder of archives, or undefined where it is not installed. */
export function chromiumArchives(): string | undefined {
  try {
    const entry = createRequire(import.meta.url).resolve('@sparticuz/chromium');
    for (let folder = dirname(entry); folder !== dirname(folder); folder = dirname(folder)) {
      if (existsSync(join(folder, 'bin', 'swiftshader.tar.br'))) return join(folder, 'bin');
    }
  } catch {
    return undefined;
  }
  return undefined;
}

/** Unpacks `archive` (tar, brotli) once into the cache; safe against other processes that do the same. */
export function unpackArchive(archive: string, name: string): string {
  const target = join(cacheFolder(), name);
  if (existsSync(target)) return target;
  const fresh = mkdtempSync(join(cacheFolder(), 'unpack-'));
  for (const { path, data } of tarEntries(brotliDecompressSync(readFileSync(archive)))) {
    const file = join(fresh, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, data, { mode: 0o755 });
  }
  try {
    renameSync(fresh, target);
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    if (!existsSync(target)) throw error;
  }
  return target;
}

/** Regular files of a tar archive (POSIX ustar; 512-byte headers). */
function* tarEntries(tar: Buffer): Generator<{ path: string; data: Buffer }> {
  const text = (from: number, length: number) => tar.toString('latin1', from, from + length).replace(/\0.*$/s, '');
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0; ) {
    const size = parseInt(text(at + 124, 12), 8) || 0;
    const path = text(at, 100);
    const type = text(at + 156, 1);
    const safe = !path.startsWith('/') && !path.split('/').includes('..');
    if ((type === '0' || type === '') && safe) yield { path, data: tar.subarray(at + 512, at + 512 + size) };
    at += 512 + Math.ceil(size / 512) * 512;
  }
}

/** Folder with libvk_swiftshader.so, libvulkan.so.1 and the ICD file; undefined without the package or off linux x64. */
export function carriedSwiftShader(): string | undefined {
  const archives = chromiumArchives();
  if (!archives || process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  const version = createRequire(import.meta.url)(join(dirname(archives), 'package.json')) as { version: string };
  return unpackArchive(join(archives, 'swiftshader.tar.br'), `swiftshader-${version.version}`);
}
