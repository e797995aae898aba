/** Pictures in every form that Node has are the same input. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resnetGraph } from '../../scripts/resnet.ts';
import { encodePng } from '../../src/image/png.ts';
import { preprocess } from '../../src/image/preprocess.ts';
import { Model } from '../../src/model/model.ts';
import { encodeOnnx } from '../../src/onnx/export.ts';
import { importOnnx, OnnxNetwork } from '../../src/onnx/network.ts';
import { testEngine } from '../support/engine.ts';

const file = resnetGraph({ widths: [4], blocks: [1], strides: [1], stem: 8, side: 16, classes: ['a', 'b', 'c'], mean: [0.5, 0.4, 0.3], std: [0.2, 0.25, 0.3], seed: 3 }); // prettier-ignore
const image = { width: 20, height: 16, data: Uint8ClampedArray.from({ length: 960 }, (_, i) => (i * 37) % 256) };
const rgba = { width: 20, height: 16, data: new Uint8ClampedArray(20 * 16 * 4).fill(255) };
for (let i = 0; i < 320; i++) rgba.data.set(image.data.subarray(3 * i, 3 * i + 3), 4 * i);

describe('a picture', () => {
  let model: Model;
  let png: Uint8Array<ArrayBuffer>;
  const folder = mkdtempSync(join(tmpdir(), 'wgrad-pictures-'));
  const path = join(folder, 'a picture.png');

  beforeAll(async () => {
    model = new Model(await testEngine(), await importOnnx(encodeOnnx(file)));
    png = (await encodePng(image)) as Uint8Array<ArrayBuffer>;
    writeFileSync(path, png);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const forms: Record<string, () => Parameters<Model['pixels']>[0]> = {
    'a path': () => path,
    'a file: URL': () => pathToFileURL(path),
    'a data: URL': () => `data:image/png;base64,${Buffer.from(png).toString('base64')}`,
    bytes: () => png,
    'an ArrayBuffer': () => png.slice().buffer,
    'a Blob': () => new Blob([png]),
    'a Response': () => new Response(png),
    'RGB pixels': () => image,
    'RGBA pixels': () => rgba,
  };

  it.each(Object.keys(forms))('as %s is the same input', async (form) => {
    const expected = preprocess(image, model.preprocess!, { width: 16, height: 16 });
    expect(await model.pixels(forms[form]!())).toEqual(expected);
  });

  it('is classified in one call, as its values are', async () => {
    const values = await model.pixels(path);
    const top = await model.classify(path, { top: 2 });
    expect(top).toEqual(await model.classify(values, { top: 2 }));
    expect(top).toHaveLength(2);
    expect(top[0]!.probability).toBeGreaterThan(top[1]!.probability);
  });

  it('that is a texture of the device is read back, row by row', async () => {
    const { gpuDevice } = model.engine;
    for (const format of ['rgba8unorm', 'bgra8unorm'] as const) {
      const texture = gpuDevice.createTexture({ size: [20, 16], format, usage: 0x3 });
      const data = rgba.data.slice();
      if (format === 'bgra8unorm') for (let i = 0; i < data.length; i += 4) data.set([data[i + 2]!, data[i + 1]!, data[i]!], i); // prettier-ignore
      gpuDevice.queue.writeTexture({ texture }, data, { bytesPerRow: 80 }, [20, 16]);
      expect(await model.pixels(texture)).toEqual(await model.pixels(image));
      texture.destroy();
    }
    const texture = gpuDevice.createTexture({ size: [4, 4], format: 'rgba16float', usage: 0x3 });
    await expect(model.pixels(texture)).rejects.toMatchObject({ code: 'invalid-argument' });
    texture.destroy();
  });

  it('transparent parts lie on white', async () => {
    const clear = { width: 1, height: 1, data: Uint8ClampedArray.of(255, 0, 0, 51) };
    const white = { width: 1, height: 1, data: Uint8ClampedArray.of(255, 204, 204) };
    expect(await model.pixels(clear)).toEqual(await model.pixels(white));
  });

  it('that is none is refused by name', async () => {
    const failure = (source: unknown) => model.pixels(source as string).catch((e: { code: string }) => e.code);
    expect(await failure(join(folder, 'none.png'))).toBe('file-missing');
    expect(await failure(new Uint8Array(5))).toBe('image-decode');
    expect(await failure({})).toBe('invalid-argument');
    expect(await failure(null)).toBe('invalid-argument');
    expect(await failure(new Float32Array(5))).toBe('shape');
    expect(await failure(new Response('', { status: 404 }))).toBe('download-failed');
    const unsaid = new Model(model.engine, new OnnxNetwork({ ...file, metadata: new Map() }));
    await expect(unsaid.pixels(image)).rejects.toThrow(/does not say how pictures become its input/);
    unsaid.dispose();
  });
});
