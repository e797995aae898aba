import { mkdtemp, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WgradError } from '../../src/errors.ts';
import { readOnnxFile } from '../../src/node/onnx.ts';
import { decodeOnnx } from '../../src/onnx/decode.ts';
import { model, smallSpec } from './builder.ts';

let top: string;
let folder: string;
const data = Float32Array.from({ length: 8 }, (_, i) => i);

beforeAll(async () => {
  top = await mkdtemp(join(tmpdir(), 'wgrad-external-'));
  folder = join(top, 'model');
  await mkdir(join(folder, 'sub'), { recursive: true });
  const bytes = new Uint8Array(data.buffer);
  await writeFile(join(top, 'secret.bin'), bytes);
  await writeFile(join(folder, 'w.bin'), bytes);
  await writeFile(join(folder, 'sub', 'w.bin'), bytes);
  await symlink(join(top, 'secret.bin'), join(folder, 'out.bin'));
  await symlink(top, join(folder, 'up'));
  await symlink(join(folder, 'w.bin'), join(folder, 'in.bin'));
});
afterAll(() => rm(top, { recursive: true, force: true }));

/** The small model with fc.weight [2,4] stored outside. */
async function load(entries: Record<string, string>) {
  const spec = smallSpec();
  const externalData = Object.entries(entries).map(([key, value]) => ({ key, value }));
  spec.initializers![1] = { name: 'fc.weight', dims: [2, 4], dataType: 1, dataLocation: 1, externalData };
  const path = join(folder, 'm.onnx');
  await writeFile(path, model(spec));
  const file = await readOnnxFile(path);
  return decodeOnnx(file.bytes, file);
}

describe('external data', () => {
  it.each([
    ['a neighbour', { location: 'w.bin' }],
    ['a subfolder', { location: 'sub/w.bin', offset: '0', length: '32' }],
    ['a link that stays inside', { location: 'in.bin' }],
    ['a path that wanders but stays', { location: './sub/w.bin' }],
  ])('reads %s', async (_, entries) => {
    expect([...(await load(entries)).initializers.get('fc.weight')!.data]).toEqual([...data]);
  });

  it.each([
    ['a step up', { location: '../secret.bin' }, 'folder'],
    ['a step up in the middle', { location: 'sub/../../secret.bin' }, 'folder'],
    ['a step up, percent-encoded', { location: '%2e%2e/secret.bin' }, 'folder'],
    ['a step up with a backslash', { location: '..\\secret.bin' }, 'folder'],
    ['an absolute path', { location: '/etc/hostname' }, 'folder'],
    ['a drive', { location: 'C:\\secret.bin' }, 'folder'],
    ['a URL', { location: 'http://example.com/w.bin' }, 'folder'],
    ['a file URL', { location: 'file:///etc/hostname' }, 'folder'],
    ['a link out of the folder', { location: 'out.bin' }, 'link'],
    ['a linked folder out of the folder', { location: 'up/secret.bin' }, 'link'],
    ['a folder', { location: 'sub' }, 'folder'],
    ['a NUL byte', { location: 'w.bin\0.txt' }, 'folder'],
    ['a missing file', { location: 'gone.bin' }, 'no such file'],
    ['no location', {}, 'no location'],
    ['an offset beyond the end', { location: 'w.bin', offset: '16' }, 'has 32'],
    ['a negative offset', { location: 'w.bin', offset: '-4' }, 'whole numbers'],
    ['an offset that is no number', { location: 'w.bin', offset: '1e1' }, 'whole numbers'],
    ['an absurd offset', { location: 'w.bin', offset: '99999999999999999999' }, 'whole numbers'],
    ['a length that is not the shape', { location: 'w.bin', length: '16' }, '32 bytes'],
  ])('refuses %s', async (_, entries, part) => {
    const error: unknown = await load(entries as Record<string, string>).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(WgradError);
    expect((error as WgradError).code).toBe('onnx-external-data');
    expect((error as WgradError).message).toContain(part);
  });

  it('refuses any external data when the model came as bytes alone', async () => {
    const spec = smallSpec();
    spec.initializers![1] = { name: 'fc.weight', dims: [2, 4], dataType: 1, dataLocation: 1, externalData: [{ key: 'location', value: 'w.bin' }] }; // prettier-ignore
    await expect(decodeOnnx(model(spec))).rejects.toMatchObject({ code: 'onnx-external-data' });
  });

  it('a missing, empty or foreign model file has its own error', async () => {
    await writeFile(join(folder, 'empty.onnx'), '');
    await expect(readOnnxFile(join(folder, 'nothing.onnx'))).rejects.toMatchObject({ code: 'file-missing' });
    await expect(readOnnxFile(join(folder, 'empty.onnx'))).rejects.toMatchObject({ code: 'file-format' });
    await expect(readOnnxFile(folder)).rejects.toMatchObject({ code: 'file-format' });
  });
});
