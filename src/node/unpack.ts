/**
 * Unpacks the brotli archives of the npm package `@sparticuz/chromium` into the cache folder: SwiftShader with a Vulkan
 * loader, system libraries, fonts, the browser itself.
 *
 * Several processes may want the same archive at the same time. Each writes into a folder of its own and renames that
 * into place, so that a folder under its final name is always whole; who comes second throws its copy away.
 */

import { createReadStream, createWriteStream, existsSync, readFileSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { brotliDecompressSync, createBrotliDecompress } from 'node:zlib';
import { WgradError } from '../errors.ts';
import { cacheFolder } from './cache.ts';
import { INSTALL_PEERS } from './peer.ts';
import { readTar } from './tar.ts';
import { writeFault } from './write.ts';

/** The list of what a folder must hold, written last. Sizes in bytes by path. */
const MANIFEST = 'unpacked.json';

/** The folder of the package's archives and the package's version, or `undefined` when it is not installed. */
export function chromiumPackage(): { bin: string; version: string } | undefined {
  try {
    // The package exports only its entry, which lies two folders below its root.
    const entry = createRequire(import.meta.url).resolve('@sparticuz/chromium');
    const root = join(dirname(entry), '..', '..');
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    return { bin: join(root, 'bin'), version };
  } catch {
    return undefined;
  }
}

/** `true` when every file that was unpacked into `folder` is still there at its full size. */
export function isWhole(folder: string): boolean {
  try {
    const manifest = JSON.parse(readFileSync(join(folder, MANIFEST), 'utf8')) as Record<string, number>;
    return Object.entries(manifest).every(([path, size]) => statSync(join(folder, path)).size === size);
  } catch {
    return false;
  }
}

async function unpackTar(archive: string, folder: string, manifest: Record<string, number>): Promise<void> {
  let bytes: Uint8Array;
  try {
    bytes = brotliDecompressSync(await readFile(archive));
  } catch (cause) {
    throw new WgradError('file-format', `${archive} cannot be decompressed`, {
      remedy: 'Install @sparticuz/chromium again',
      cause,
    });
  }
  for (const file of readTar(bytes, archive)) {
    await mkdir(dirname(join(folder, file.path)), { recursive: true });
    await writeFile(join(folder, file.path), file.bytes, { mode: file.mode });
    manifest[file.path] = file.bytes.length;
  }
}

async function unpackFile(
  archive: string,
  path: string,
  folder: string,
  manifest: Record<string, number>,
): Promise<void> {
  const target = join(folder, path);
  try {
    await pipeline(createReadStream(archive), createBrotliDecompress(), createWriteStream(target, { mode: 0o755 }));
  } catch (cause) {
    if (isSystemError(cause)) throw cause;
    throw new WgradError('file-format', `${archive} cannot be decompressed`, {
      remedy: 'Install @sparticuz/chromium again',
      cause,
    });
  }
  manifest[path] = statSync(target).size;
}

/** A full disk, no permission: not a fault of the archive. */
const isSystemError = (error: unknown) => error instanceof Error && 'syscall' in error;

/** Puts `fresh` in the place of `folder`; when another process was faster and its folder is whole, keeps that one. */
async function moveIntoPlace(fresh: string, folder: string): Promise<void> {
  for (let attempt = 0; attempt < 5; attempt++) {
    try {
      return await rename(fresh, folder);
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw cause;
      if (isWhole(folder)) return rm(fresh, { recursive: true, force: true });
      // An incomplete folder is renamed away before it is removed: nobody sees it half removed.
      const old = `${fresh}.old`;
      await rename(folder, old).catch(() => undefined);
      await rm(old, { recursive: true, force: true });
    }
  }
  throw new WgradError('file-format', `${folder} is incomplete and could not be replaced`, {
    remedy: `Remove ${folder} and try again`,
  });
}

/**
 * Unpacks archives of the package into one cache folder, once: later calls find it there. A folder in which a file is
 * missing or short is unpacked again.
 * @param name the folder's name; the package's version is added to it.
 * @param archives file names in the package's `bin` folder: `*.tar.br` is unpacked, `NAME.br` becomes the file NAME.
 * @returns the folder's path.
 * @throws WgradError `package-missing` without the package, `file-missing` without the archive, `file-format` on a damaged archive.
 */
export async function unpack(name: string, archives: readonly string[], cache = cacheFolder()): Promise<string> {
  const source = chromiumPackage();
  if (!source) {
    throw new WgradError('package-missing', 'the npm package @sparticuz/chromium is not installed', {
      remedy: `Install what Node needs: ${INSTALL_PEERS}`,
    });
  }
  if (!archives.every((archive) => existsSync(join(source.bin, archive)))) {
    throw new WgradError('file-missing', `the npm package @sparticuz/chromium does not hold ${archives.join(', ')}`, {
      remedy: 'Install it anew',
    });
  }
  const folder = join(cache, `${name}-${source.version}`);
  if (isWhole(folder)) return folder;

  const unwritten = (cause: unknown): never => {
    throw isSystemError(cause) ? writeFault(folder, cause) : cause;
  };
  const fresh = await mkdtemp(`${folder}.`).catch(unwritten);
  try {
    const manifest: Record<string, number> = {};
    for (const archive of archives) {
      const path = join(source.bin, archive);
      if (archive.endsWith('.tar.br')) await unpackTar(path, fresh, manifest);
      else await unpackFile(path, archive.replace(/\.br$/, ''), fresh, manifest);
    }
    await writeFile(join(fresh, MANIFEST), JSON.stringify(manifest, null, 1));
    await moveIntoPlace(fresh, folder);
  } catch (cause) {
    unwritten(cause);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return folder;
}

/** SwiftShader's ICD file and the Vulkan loader that lies beside it, out of the npm package. */
export async function unpackSwiftShader(cache?: string): Promise<{ icd: string; loader: string }> {
  const folder = await unpack('swiftshader', ['swiftshader.tar.br'], cache);
  return { icd: join(folder, 'vk_swiftshader_icd.json'), loader: join(folder, 'libvulkan.so.1') };
}
