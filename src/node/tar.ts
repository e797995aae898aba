/**
 * Reads a tar archive that lies in memory: POSIX ustar, regular files only, which is all that the archives of
 * `@sparticuz/chromium` hold. Format: https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html
 */

import { WgradError } from '../errors.ts';

export interface TarFile {
  /** Path inside the archive, relative, without `..`. */
  path: string;
  /** Permission bits. */
  mode: number;
  /** A view on the archive's bytes, not a copy. */
  bytes: Uint8Array;
}

const BLOCK = 512;
const utf8 = new TextDecoder();

/** A NUL-terminated string field. */
function text(block: Uint8Array, start: number, length: number): string {
  const field = block.subarray(start, start + length);
  const end = field.indexOf(0);
  return utf8.decode(end < 0 ? field : field.subarray(0, end));
}

/** A number field: octal digits in ASCII. NaN when it is anything else. */
function octal(block: Uint8Array, start: number, length: number): number {
  const digits = text(block, start, length).trim();
  return /^[0-7]+$/.test(digits) ? parseInt(digits, 8) : NaN;
}

/** Sum of the header's bytes with the checksum field itself read as spaces. */
function checksum(block: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? 32 : block[i]!;
  return sum;
}

/**
 * The regular files of a tar archive.
 * @param name the archive's name, for messages.
 * @throws WgradError `file-format` on a bad checksum, a truncated entry, or a path that leaves the folder.
 */
export function readTar(archive: Uint8Array, name: string): TarFile[] {
  const bad = (reason: string) =>
    new WgradError('file-format', `${name}: ${reason}`, { remedy: 'Reinstall the package that holds it' });
  const files: TarFile[] = [];
  for (let at = 0; ;) {
    const header = archive.subarray(at, at + BLOCK);
    if (header.length < BLOCK) throw bad('the archive ends without its end mark');
    if (header.every((byte) => byte === 0)) return files;
    if (octal(header, 148, 8) !== checksum(header)) throw bad(`bad header checksum at byte ${at}`);

    const size = octal(header, 124, 12);
    const prefix = text(header, 257, 5) === 'ustar' ? text(header, 345, 155) : '';
    const path = (prefix ? `${prefix}/` : '') + text(header, 0, 100);
    const start = at + BLOCK;
    if (!(size >= 0) || start + size > archive.length) throw bad(`${path} is cut short`);

    const type = String.fromCharCode(header[156]!);
    if (type === '0' || type === '\0') {
      if (path.startsWith('/') || path.split(/[/\\]/).includes('..')) throw bad(`${path} leads out of the folder`);
      files.push({ path, mode: octal(header, 100, 8) & 0o777, bytes: archive.subarray(start, start + size) });
    }
    at = start + Math.ceil(size / BLOCK) * BLOCK;
  }
}
