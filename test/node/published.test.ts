/** Published weights say nothing of their preprocessing and labels; the manifest does, and reaches the model. */
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { imagenetPreprocess } from '../../src/image/preprocess.ts';
import { Model } from '../../src/model/model.ts';
import { resnetGraph } from '../../scripts/resnet.ts';
import { cachedPath } from '../../src/node/download.ts';
import { describePublished, findPublished, imagenetLabels } from '../../src/node/manifest.ts';
import { loadOnnxFile } from '../../src/node/onnx.ts';
import { packageFolder } from '../../src/node/package.ts';
import { encodeOnnx } from '../../src/onnx/export.ts';
import { importOnnx } from '../../src/onnx/network.ts';
import { testEngine } from '../support/engine.ts';

const embedded = `${packageFolder}weights/shapes.onnx`;

describe('published weights', () => {
  let cache: string;

  beforeEach(() => {
    cache = mkdtempSync(join(tmpdir(), 'wgrad-published-'));
    vi.stubEnv('WGRAD_CACHE', cache);
  });

  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(cache, { recursive: true });
  });

  it('are told by their bytes, and get the labels and preprocessing of the manifest', async () => {
    const bytes = await readFile(embedded);
    expect(describePublished(bytes)).toBeUndefined();
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const entry = { ...findPublished('resnet50'), bytes: bytes.length, sha256 };
    expect(describePublished(bytes, [{ ...entry, sha256: '0'.repeat(64) }])).toBeUndefined();
    const described = describePublished(bytes, [entry])!;
    expect(described.preprocess).toEqual(imagenetPreprocess);
    expect(described.labels).toEqual(imagenetLabels());
    expect(described.labels).toHaveLength(1000);
    expect([described.labels[0], described.labels[999]].join()).toMatch(/tench.*,.*toilet tissue/);
  });

  it('go by their name once they are in the cache; before, the error says how they get there', async () => {
    const engine = await testEngine();
    await expect(loadOnnxFile(engine, 'resnet50')).rejects.toMatchObject({
      code: 'file-missing',
      remedy: expect.stringContaining('wgrad fetch resnet50'),
    });
    const place = cachedPath(findPublished('resnet50'));
    expect(place.startsWith(cache)).toBe(true);
    mkdirSync(dirname(place), { recursive: true });
    copyFileSync(embedded, place);
    using model = await loadOnnxFile(engine, 'resnet50');
    expect(model.labels).toContain('ring');
  });
});

describe('labels and preprocessing given at import', () => {
  const shape = { widths: [4, 4, 4, 4], blocks: [1, 1, 1, 1], strides: [1, 2, 2, 1], stem: 4, side: 16, seed: 1 };
  const classes = ['a', 'b', 'c'];
  const bytes = () => encodeOnnx(resnetGraph({ ...shape, classes, mean: [0, 0, 0], std: [1, 1, 1] }));

  it("go before the file's, and into files that the model is saved to", async () => {
    const engine = await testEngine();
    const given = { labels: ['x', 'y', 'z'], preprocess: { mean: [0.5, 0.4, 0.3], std: [0.1, 0.2, 0.3], crop: 16 } };
    using model = new Model(engine, await importOnnx(bytes(), given));
    expect(model.labels).toEqual(given.labels);
    expect(model.preprocess).toEqual(given.preprocess);
    using again = new Model(engine, await importOnnx(await model.saveOnnx()));
    expect([again.labels, again.preprocess]).toEqual([given.labels, given.preprocess]);
  });

  it('of another number than the outputs are refused', async () => {
    using model = new Model(await testEngine(), await importOnnx(bytes(), { labels: ['x', 'y'] }));
    expect(() => model.graph()).toThrow(/2 labels for a model of 3 classes/);
  });
});
