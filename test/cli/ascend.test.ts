/** `wgrad ascend`: units of the command line, the files, the page, what an interruption leaves. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { comparesWith, layersOf, unitsOf } from '../../src/cli/ascend_units.ts';
import { command } from '../support/cli.ts';
import { embeddedModel as loadEmbedded } from '../support/golden.ts';
import { testEngine } from '../support/engine.ts';

/** @param stopAfter milliseconds from the opening of the adapter. */
const wgradAscend = (args: string[], stopAfter?: number) =>
  command(['ascend', ...args], (text, interrupt) => {
    if (stopAfter !== undefined && /adapter:/.test(text)) setTimeout(() => interrupt.ask(), stopAfter);
  });

describe('wgrad ascend', { timeout: 120_000 }, () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'wgrad-ascend-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('draws units and expressions together; a page, animations, JSON', async () => {
    const out = join(folder, 'sheet');
    const units = ['layer1:0-1', 'logit:ring', 'channel(layer1,2) - 0.01*l1'];
    const { code, out: json } = await wgradAscend([...units, '--steps', '4', '--sheet', '--animate', 'webp', '--json', '--out', out]); // prettier-ignore
    expect(code).toBe(0);
    const rows = JSON.parse(json) as { unit: string; name: string; file: string; start: number; end: number; dead: number | null }[]; // prettier-ignore
    expect(rows.map((r) => r.name)).toEqual(['channel(layer1,0)', 'channel(layer1,1)', 'logit(ring)', 'channel(layer1,2) - 0.01*l1']); // prettier-ignore
    for (const { file, start, end } of rows) {
      expect(existsSync(file)).toBe(true);
      expect([start, end].every(Number.isFinite)).toBe(true);
      const { pages, width } = await sharp(file.replace(/png$/, 'webp'), { animated: true }).metadata();
      // Frames that look alike are one.
      expect(pages).toBeGreaterThan(2);
      expect(width).toBe(64);
    }
    expect(readdirSync(out)).toEqual(expect.arrayContaining(['index.html', 'sheet.png']));
    const html = readFileSync(join(out, 'index.html'), 'utf8');
    expect(html.match(/<img /g)).toHaveLength(4);
    expect(html).toContain('channel(layer1,2) - 0.01*l1: ');
    expect((await sharp(join(out, 'sheet.png')).metadata()).width).toBe(128);
  });

  it('deep dream has the size of the photograph; several pictures of a unit; opacity', async () => {
    const out = join(folder, 'dream');
    const photo = join(folder, 'photo.png');
    await sharp({ create: { width: 90, height: 70, channels: 3, background: '#678' } })
      .png()
      .toFile(photo);
    const dream = await command(['ascend', 'layer(layer1)', '--image', photo, '--octaves', '2', '--steps', '4', '--out', out, '--json']); // prettier-ignore
    expect(dream.code, dream.err).toBe(0);
    const [row] = JSON.parse(dream.out) as { file: string; start: number; steps: number }[];
    // The smaller size would be less than a tile.
    expect(row).toMatchObject({ name: 'layer(layer1)', steps: 2 });
    expect(await sharp(row!.file).metadata()).toMatchObject({ width: 90, height: 70 });
    const clear = await command(['ascend', 'layer1:0', '--picture', 'transparent', '--pictures', '2', '--steps', '1', '--out', out, '--json']); // prettier-ignore
    expect(clear.code, clear.err).toBe(0);
    const rows = JSON.parse(clear.out) as { name: string; file: string }[];
    expect(rows.map((r) => r.name)).toEqual(Array(2).fill('channel(layer1,0)*(-opacity + 1)'));
    expect(new Set(rows.map((r) => r.file)).size).toBe(2);
    expect((await sharp(rows[1]!.file).metadata()).channels).toBe(4);
    const wrong = await command(['ascend', 'layer(layer1)', '--octaves', '2', '--out', out]);
    expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining('--octaves is for --image') as string });
  });

  it('an interrupted run leaves the best pictures so far, and its page', async () => {
    const out = join(folder, 'stopped');
    // On a busy machine there may be nothing yet.
    let [code, text] = [0, ''];
    for (let wait = 1500; !text && wait < 60_000; wait *= 3) {
      ({ code, out: text } = await wgradAscend(['layer1:3', '--steps', '50000', '--sheet', '--out', out], wait));
    }
    expect(code).toBe(130);
    expect(text).toMatch(/layer1_3\.png: channel\(layer1,3\) from/);
    expect(readdirSync(out).sort()).toEqual(['index.html', 'layer1_3.png', 'sheet.png']);
    expect(readFileSync(join(out, 'index.html'), 'utf8')).toContain('stopped at step');
  });
});

it('units are written short or as expressions', async () => {
  const model = await loadEmbedded(await testEngine());
  const names = (text: string) => unitsOf(model, text, {}).map((u) => u.objective.name);
  expect(names('layer1:*')).toHaveLength(48);
  expect(names('layer1:4-6')).toEqual(['channel(layer1,4)', 'channel(layer1,5)', 'channel(layer1,6)']);
  expect(names('layer1:4@2,3')).toEqual(['neuron(layer1,4,2,3)']);
  expect(names('logit:*')).toHaveLength(model.classes);
  expect(names('logit:ring')).toEqual(['logit(ring)']);
  expect(names('layer(layer2) - tv')).toEqual(['layer(layer2) - tv']);
  expect(layersOf('channel(a,1) + channel(b.c,2)')).toEqual(['a', 'b.c']);
  expect(comparesWith('caricature(layer2)')).toBe(true);
  for (const [text, code] of [['layer1:5-4', 'unknown-name'], ['layer1:999', 'unknown-name'], ['layer1:x', 'usage'], ['layer1', 'usage']] as const) {
    expect(() => unitsOf(model, text, {}), text).toThrow(expect.objectContaining({ code }));
  } // prettier-ignore
  model.dispose();
});
