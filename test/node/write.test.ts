/** Files are written whole or not at all, and leave nothing beside them. */
import { execFile, execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { prepareFile, prepareFolder, writeFault, writeWhole } from '../../src/node/write.ts';

const module = fileURLToPath(new URL('../../src/node/write.ts', import.meta.url));

/** A process of its own that imports writeWhole and runs `body`. */
const script = (body: string) => [
  '--import',
  'tsx',
  '--input-type=module',
  '--eval',
  `import { writeWhole } from ${JSON.stringify(module)};\n${body}`,
];

describe('writeWhole', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'wgrad-write-'));
    file = join(folder, 'out.bin');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('makes the folders, replaces what was there, keeps its mode, leaves nothing else', async () => {
    const deep = join(folder, 'a/b/out.txt');
    await writeWhole(deep, 'first');
    chmodSync(deep, 0o640);
    await writeWhole(deep, 'second');
    expect(readFileSync(deep, 'utf8')).toBe('second');
    expect(statSync(deep).mode & 0o777).toBe(0o640);
    expect(readdirSync(join(folder, 'a/b'))).toEqual(['out.txt']);
  });

  it('writes through a link', async () => {
    writeFileSync(file, 'old');
    symlinkSync('out.bin', join(folder, 'link'));
    await writeWhole(join(folder, 'link'), 'new');
    expect(lstatSync(join(folder, 'link')).isSymbolicLink()).toBe(true);
    expect(readFileSync(file, 'utf8')).toBe('new');
  });

  it('refuses a folder, a device and a path through a file, by name', async () => {
    writeFileSync(file, 'old');
    mkdirSync(join(folder, 'dir'));
    for (const path of [
      join(folder, 'dir'),
      '/dev/null',
      '/dev/full',
      join(file, 'under'),
      join(folder, 'n'.repeat(300)),
    ]) {
      await expect(writeWhole(path, 'x'), path).rejects.toMatchObject({
        code: 'file-write',
        message: expect.stringContaining(path),
        remedy: expect.any(String),
      });
    }
    await expect(prepareFile(join(file, 'under'))).rejects.toMatchObject({ code: 'file-write' });
    await expect(prepareFolder(file)).rejects.toMatchObject({ code: 'file-write' });
    expect(readFileSync(file, 'utf8')).toBe('old');
    expect(readdirSync(folder).sort()).toEqual(['dir', 'out.bin']);
  });

  it('says which disk is full, and what to do', () => {
    const fault = writeFault(
      file,
      Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' }),
    );
    expect(fault.code).toBe('disk-full');
    expect(fault.message).toContain(file);
    expect(fault.message).toMatch(/the disk is full \([\d.]+ MB are free in .*wgrad-write/);
    expect(fault.remedy).toMatch(/another disk/);
  });

  it('leaves the old file on a disk that is full', async ({ skip }) => {
    const disk = join(folder, 'disk');
    mkdirSync(disk);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', disk], { stdio: 'ignore' });
    } catch {
      return skip('a small disk needs the right to mount one');
    }
    try {
      writeFileSync(join(disk, 'out.bin'), 'old');
      await expect(writeWhole(join(disk, 'out.bin'), new Uint8Array(1e6))).rejects.toMatchObject({
        code: 'disk-full',
        message: expect.stringContaining(join(disk, 'out.bin')),
      });
      expect(readFileSync(join(disk, 'out.bin'), 'utf8')).toBe('old');
      expect(readdirSync(disk)).toEqual(['out.bin']);
    } finally {
      execFileSync('umount', [disk]);
    }
  });

  it('leaves the old file where a file may not grow so large', async () => {
    writeFileSync(file, 'old');
    const body = `writeWhole(${JSON.stringify(file)}, new Uint8Array(4e6)).catch((e) => console.log(e.code + ' ' + e.message));`;
    const args = ['-c', 'ulimit -f 1000; exec "$0" "$@"', process.execPath, ...script(body)];
    const out = await new Promise<string>((resolve) => execFile('sh', args, (_, stdout) => resolve(stdout)));
    expect(out).toMatch(/file-write .*out\.bin: cannot be written: it is larger/);
    expect(readFileSync(file, 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['out.bin']);
  });

  it('leaves no temporary file when the process exits in the middle, and removes what a killed one left', async () => {
    writeFileSync(file, 'old');
    const temporaries = () => readdirSync(folder).filter((f) => f.endsWith('.tmp'));
    // process.exit while the bytes are under way, as on a second Ctrl-C.
    const body = `writeWhole(${JSON.stringify(file)}, new Uint8Array(3e8)); setTimeout(() => process.exit(130), 30);`;
    const code = await new Promise((resolve) => spawn(process.execPath, script(body)).on('close', resolve));
    expect(code).toBe(130);
    expect([readFileSync(file, 'utf8'), temporaries()]).toEqual(['old', []]);

    const host = hostname().replace(/[^\w]/g, '').slice(0, 16);
    const gone = `.out.bin.${host}-4194305-0123abcd.tmp`;
    const busy = `.out.bin.${host}-${process.pid}-0123abcd.tmp`;
    const elsewhere = '.out.bin.another-4194305-0123abcd.tmp';
    for (const name of [gone, busy, elsewhere]) writeFileSync(join(folder, name), '');
    await writeWhole(file, 'new');
    expect(temporaries().sort()).toEqual([busy, elsewhere].sort());
  });

  it('serves several writers of one file: one of their contents stays, whole', async () => {
    const contents = Array.from({ length: 8 }, (_, i) => new Uint8Array(200_000).fill(i));
    await Promise.all(contents.map((data) => writeWhole(file, data)));
    const written = new Uint8Array(readFileSync(file));
    expect(contents.some((data) => Buffer.compare(data, written) === 0)).toBe(true);
    expect(readdirSync(folder)).toEqual(['out.bin']);
  });
});
