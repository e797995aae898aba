/** `wgrad activation-grid`: the page, the pictures, the JSON, refusals. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shapePicture, SIDE } from '../../src/data/shapes.ts';
import { encodePng } from '../../src/image/png.ts';
import { Random } from '../../src/random.ts';
import { command } from '../support/cli.ts';

describe('wgrad activation-grid', { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'wgrad-grid-'));
  const photo = join(folder, 'ring.png');
  beforeAll(async () => {
    const { pixels } = shapePicture('ring', 1, new Random(2));
    writeFileSync(photo, await encodePng({ width: SIDE, height: SIDE, data: pixels }));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('draws groups and places', async () => {
    const out = join(folder, 'out');
    const { code, out: json, err } = await command(['activation-grid', photo, '--layer', 'layer1', '--groups', '2', '--cells', '2', '--cell-size', '32', '--steps', '1', '--out', out, '--json']); // prettier-ignore
    expect(code, err).toBe(0);
    const { error, groups } = JSON.parse(json) as { error: number; groups: { share: number; channels: number[] }[] };
    expect(error).toBeGreaterThan(0);
    expect(error).toBeLessThan(1);
    expect(groups.map((g) => g.channels.length)).toEqual([3, 3]);
    expect(groups[0]!.share).toBeGreaterThanOrEqual(groups[1]!.share);
    const html = readFileSync(join(out, 'index.html'), 'utf8');
    expect(html.match(/<img /g)).toHaveLength(6);
    expect(await sharp(join(out, 'grid.png')).metadata()).toMatchObject({ width: 64, height: 64 });
    expect(await sharp(join(out, 'groups.png')).metadata()).toMatchObject({ width: 3 * 164 - 4, height: 324 });
  });

  it.each([
    [['none.png', '--layer', 'layer1'], /none\.png/, 1],
    [['@', '--layer', 'layer9'], /layer9/, 1],
    [['@'], /layer/, 2],
  ])('%j is refused', async (args, message, code) => {
    const ran = await command(['activation-grid', ...args.map((a) => a.replace('@', photo))]);
    expect(ran).toMatchObject({ code, err: expect.stringMatching(message) as string });
  });
});
