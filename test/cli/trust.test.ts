/** `wgrad trust`: page and JSON, shards and their merge, folders with masks. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shapePictures, SIDE } from '../../src/data/shapes.ts';
import type { TrustResult } from '../../src/explain/index.ts';
import { encodePng } from '../../src/image/png.ts';
import { command } from '../support/cli.ts';

/** @param until Ctrl-C when standard error says so. */
const trust = (args: string[], until?: RegExp) =>
  command(['trust', ...args], (text, interrupt) => until?.test(text) && interrupt.ask());

describe('wgrad trust', { timeout: 120_000 }, () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'wgrad-trust-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  const quick = ['--methods', 'gradient,grad-cam', '--measures', 'pointing,energy', '--shapes', '3'];
  const read = (name: string) => JSON.parse(readFileSync(join(folder, name, 'trust.json'), 'utf8')) as TrustResult;

  it('shards merge into what one run measures; the page has the measures, the check and the maps', async () => {
    for (const [name, more] of [['whole', ['--beside', 'test/fixtures/trust_peers.json']], ['a', ['--shard', '1/2']], ['b', ['--shard', '2/2']]] as const) {
      expect((await trust([...quick, ...more, '--out', join(folder, name)])).code).toBe(0);
    } // prettier-ignore
    const parts = ['b', 'a'].map((name) => join(folder, name, 'trust.json')).join(',');
    const merged = await trust(['--merge', parts, '--out', join(folder, 'merged'), '--json']);
    expect(merged.code).toBe(0);
    expect((JSON.parse(merged.out) as TrustResult).kind).toBe('wgrad-trust');
    const [whole, all] = [read('whole'), read('merged')];
    expect(all.pictures).toEqual(whole.pictures);
    for (const method of ['gradient', 'grad-cam']) {
      expect(all.methods[method]!.values).toEqual(whole.methods[method]!.values);
      expect(whole.methods[method]!.randomized.map((s) => s.stage)).toEqual(['fc', 'layer4', 'layer3', 'layer2', 'layer1', 'conv1']); // prettier-ignore
    }
    const page = readFileSync(join(folder, 'whole', 'index.html'), 'utf8');
    for (const title of ['Measures', 'Where the object is', 'Sanity check', 'Cost', 'Maps']) expect(page).toContain(`>${title}</h2>`); // prettier-ignore
    expect(page).not.toMatch(/(href|src)="(?!data:|#|trust\.json)|<script|@import|url\(/);
    expect(readFileSync(join(folder, 'merged', 'index.html'), 'utf8')).toContain('>Measures</h2>');
    expect(page).toContain('>Beside Captum’s formulas, and SHAP</h2>'.replace('’', '&#39;'));
    expect(page).toContain('LayerGradCam');
  });

  it('leaves a page of the methods that are done when it is interrupted', async () => {
    const out = join(folder, 'stopped');
    const args = ['--methods', 'gradient,rise', '--measures', 'energy', '--shapes', '2', '--randomize', '0', '--out', out]; // prettier-ignore
    const { code, err } = await trust(args, /1\/2 gradient 2\/2/);
    expect(code).toBe(130);
    expect(err).toMatch(/index\.html has what was done/);
    expect(Object.keys(read('stopped').methods)).toEqual(['gradient']);
    expect(readFileSync(join(out, 'index.html'), 'utf8')).toContain('Interrupted: 1 of 2 methods are done.');
  });

  it('pictures of a folder, their objects from masks of the same names', async () => {
    for (const kind of ['in', 'masks']) mkdirSync(join(folder, kind));
    for (const [i, p] of shapePictures('masks', 2).entries()) {
      const grey = Uint8Array.from({ length: 3 * SIDE * SIDE }, (_, k) => p.mask[Math.floor(k / 3)]!);
      writeFileSync(join(folder, 'in', `${i}.png`), await encodePng({ width: SIDE, height: SIDE, data: p.pixels }));
      writeFileSync(join(folder, 'masks', `${i}.png`), await encodePng({ width: SIDE, height: SIDE, data: grey }));
    }
    const out = join(folder, 'masked');
    const args = ['--images', join(folder, 'in'), '--masks', join(folder, 'masks'), '--methods', 'gradient', '--measures', 'energy', '--randomize', '0', '--out', out]; // prettier-ignore
    expect((await trust(args)).code).toBe(0);
    const { values } = read('masked').methods['gradient']!;
    expect(values.energy!.every((v) => v! > 0 && v! < 1)).toBe(true);
  });

  it.each<[string, string[], number, RegExp]>([
    ['a shard outside', ['--shard', '3/2'], 2, /a part such as 1\/4/],
    ['a merge of another file', ['--merge', 'package.json'], 1, /no result of wgrad trust/],
    ['masks without pictures', ['--masks', 'x'], 2, /--images/],
    ['an option of no method', ['--methods', 'gradient', '--steps', '3'], 2, /not of gradient/],
  ])('%s is refused', async (_, args, code, message) => {
    const result = await trust([...args, '--out', join(folder, 'none')]);
    expect(result.code).toBe(code);
    expect(result.err).toMatch(message);
  });
});
