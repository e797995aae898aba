/** Archives: the tar reader against bytes made here; unpacking against the real package. */
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { cacheFolder } from '../../src/node/cache.ts';
import { readTar } from '../../src/node/tar.ts';
import { isWhole, unpack } from '../../src/node/unpack.ts';

/** One ustar entry, by the layout of POSIX pax. */
function entry(path: string, body: string, type = '0'): Buffer {
  const header = Buffer.alloc(512);
  header.write(path, 0);
  header.write('0000755\0', 100);
  header.write(`${body.length.toString(8).padStart(11, '0')}\0`, 124);
  header.fill(' ', 148, 156);
  header.write(type, 156);
  header.write('ustar\0', 257);
  const sum = header.reduce((a, b) => a + b, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, Buffer.from(body.padEnd(Math.ceil(body.length / 512) * 512, '\0'))]);
}
const end = Buffer.alloc(1024);

describe('tar', () => {
  test('regular files with their bytes and modes; folders are left out', () => {
    const tar = Buffer.concat([entry('lib/', '', '5'), entry('lib/a', 'x'.repeat(513)), entry('b', ''), end]);
    const files = readTar(tar, 't');
    expect(files.map(({ path, mode, bytes }) => [path, mode, bytes.length])).toEqual([
      ['lib/a', 0o755, 513],
      ['b', 0o755, 0],
    ]);
    expect(Buffer.from(files[0]!.bytes).toString()).toBe('x'.repeat(513));
  });
  test.each(['../a', '/etc/a', 'a/../../b'])('%s is refused', (path) => {
    expect(() => readTar(Buffer.concat([entry(path, 'x'), end]), 't')).toThrow(/leads out/);
  });
  test('every cut is an error, never a partial list', () => {
    const tar = Buffer.concat([entry('a', 'hello'), entry('b', 'world')]);
    for (let length = 0; length < tar.length; length += 64) {
      expect(() => readTar(tar.subarray(0, length), 't'), `${length} bytes`).toThrow(
        expect.objectContaining({ code: 'file-format' }),
      );
    }
  });
  test('a changed header is found', () => {
    const tar = Buffer.concat([entry('a', 'hello'), end]);
    tar[0] = tar[0]! ^ 1;
    expect(() => readTar(tar, 't')).toThrow(/checksum/);
  });
});

describe.runIf(process.platform === 'linux' && process.arch === 'x64')('unpack', () => {
  const cache = mkdtempSync(join(tmpdir(), 'wgrad-test-'));
  afterAll(() => rmSync(cache, { recursive: true, force: true }));
  const run = () => unpack('swiftshader', ['swiftshader.tar.br'], cache);

  test('three at once leave one whole folder and nothing else', async () => {
    const [a, b, c] = await Promise.all([run(), run(), run()]);
    expect([b, c]).toEqual([a, a]);
    expect(isWhole(a!)).toBe(true);
    expect(readdirSync(cache)).toHaveLength(1);
  });
  test('a short file is found, and unpacked again', async () => {
    const driver = join(await run(), 'libvk_swiftshader.so');
    const size = statSync(driver).size;
    truncateSync(driver, 100);
    await run();
    expect(statSync(driver).size).toBe(size);
    expect(readdirSync(cache)).toHaveLength(1);
  });
  test('a lost file is found too', async () => {
    const loader = join(await run(), 'libvulkan.so.1');
    rmSync(loader);
    await run();
    expect(existsSync(loader)).toBe(true);
  });
  test('an archive that is not there is named', async () => {
    await expect(unpack('x', ['nothing.tar.br'], cache)).rejects.toMatchObject({
      code: 'file-missing',
      message: expect.stringContaining('nothing.tar.br'),
    });
  });
});

describe('the cache folder', () => {
  const folder = mkdtempSync(join(tmpdir(), 'wgrad-test-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  // A folder below a file can be made by nobody, root included.
  const impossible = '/dev/null/wgrad';

  test('WGRAD_CACHE, else the home folder, else the temporary one', () => {
    expect(cacheFolder({ WGRAD_CACHE: join(folder, 'c'), HOME: folder })).toBe(join(folder, 'c'));
    expect(cacheFolder({ HOME: folder })).toBe(join(folder, '.cache', 'wgrad'));
    expect(cacheFolder({ HOME: impossible }).startsWith(tmpdir())).toBe(true);
  });
  test('a WGRAD_CACHE that cannot be written is an error, not another folder', () => {
    expect(() => cacheFolder({ WGRAD_CACHE: impossible, HOME: folder })).toThrow(
      expect.objectContaining({ code: 'invalid-argument' }),
    );
  });
});
