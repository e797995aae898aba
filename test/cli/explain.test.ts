/** `wgrad explain`: methods and targets of the command line, the files that it leaves, and the page. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fileNames } from '../../src/cli/explain_page.ts';
import { settingsOf } from '../../src/cli/explain_options.ts';
import { embeddedModel } from '../../src/cli/model.ts';
import { shapePictures, SIDE } from '../../src/data/shapes.ts';
import { methodNames } from '../../src/explain/index.ts';
import { encodePng } from '../../src/image/png.ts';
import { command } from '../support/cli.ts';

const explain = (args: string[], stopAt?: RegExp) =>
  command(['explain', ...args], (text, interrupt) => stopAt?.test(text) && interrupt.ask());

describe('wgrad explain', { timeout: 120_000 }, () => {
  let folder: string;
  let pictures: string[];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'wgrad-explain-'));
    pictures = [];
    for (const [i, p] of shapePictures('page', 2, ['disc', 'ring']).entries()) {
      const dir = join(folder, 'in', p.label ? 'ring' : 'disc');
      mkdirSync(dir, { recursive: true });
      pictures.push(join(dir, `${i}.png`));
      writeFileSync(pictures[i]!, await encodePng({ width: SIDE, height: SIDE, data: p.pixels }));
    }
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('writes a page with a row a picture, a column a method, and the files beside it', async () => {
    const out = join(folder, 'page');
    const { code } = await explain(['--methods', 'gradient,grad-cam', '--out', out, join(folder, 'in')]);
    expect(code).toBe(0);
    expect(readdirSync(out).sort()).toEqual(['0.grad-cam.png', '0.gradient.png', '0.png', '0.svg', '1.grad-cam.png', '1.gradient.png', '1.png', '1.svg', 'index.html']); // prettier-ignore
    const html = readFileSync(join(out, 'index.html'), 'utf8');
    const count = (pattern: RegExp) => html.match(pattern)?.length ?? 0;
    expect([count(/<tr class="row">/g), count(/scope="col"/g), count(/<img /g), count(/class="bar"/g)]).toEqual([2, 3, 6, 4]); // prettier-ignore
    expect(count(/<h3>[^<]* <span class="(right|wrong)">/g)).toBe(2);
    expect(html).toContain('wgrad explain --methods gradient,grad-cam');
    expect(html).not.toMatch(/(href|src)="(?!data:)|<script|@import|url\(/);
  });

  it('takes several targets: classes, units with commas, the top ones', async () => {
    const out = join(folder, 'targets');
    const args = [
      '--json',
      '--methods',
      'gradient',
      '--target',
      'ring,layer3[:,7,1,1]',
      '--target',
      'top2',
      '--out',
      out,
    ];
    const { code, out: json } = await explain([embeddedModel, ...args, pictures[0]!]);
    const maps = JSON.parse(json) as { file: string; target: number | null; label: string }[];
    expect([code, new Set(maps.map((m) => m.file)).size]).toEqual([0, maps.length]);
    expect(maps.map((m) => m.label).slice(0, 2)).toEqual(['ring', 'layer3[:,7,1,1]']);
    expect(maps.length).toBeGreaterThanOrEqual(3);
    for (const { file } of maps) expect(existsSync(file)).toBe(true);
    expect(['svg', 'png'].map((type) => existsSync(join(out, `outputs.gradient.${type}`)))).toEqual([true, true]);
  });

  it('--flip: below the picture the nearest one of another class, the maps of both classes beside each other', async () => {
    const out = join(folder, 'flip');
    const { code, out: printed } = await explain(['--flip', '--methods', 'grad-cam', '--out', out, pictures[0]!, '--json']); // prettier-ignore
    expect(code).toBe(0);
    const maps = JSON.parse(printed) as { path: string; target: number; score: number }[];
    expect(maps.length).toBe(4);
    const [own, other, ownAfter, otherAfter] = maps as [(typeof maps)[0], (typeof maps)[0], (typeof maps)[0], (typeof maps)[0]]; // prettier-ignore
    expect([ownAfter.target, otherAfter.target]).toEqual([own.target, other.target]);
    // The first is taken for the one class, the second for the other.
    expect(own.score).toBeGreaterThan(other.score);
    expect(otherAfter.score).toBeGreaterThan(ownAfter.score);
    expect(ownAfter.path).toMatch(/changed by at most [\d.]+ of 255 levels/);
    expect(readFileSync(join(out, 'index.html'), 'utf8')).toContain('changed by at most');
  });

  it('all: says first what it costs, and what is left out as too dear', async () => {
    const args = ['--methods', 'all', '--budget', '1', '--out', join(folder, 'all'), pictures[0]!];
    const { code, err } = await explain(args, /left out/);
    const [, methods, passes] = /(\d+) methods for 1 map each: about (\d+) forward passes; left out.*--budget 1: .*rise \(4001\)/.exec(err)!; // prettier-ignore
    expect(methods).toBe(passes);
    expect(code).toBe(130);
  });

  it('leaves a page of what was done when it is interrupted', async () => {
    const out = join(folder, 'stopped');
    const { code, err } = await explain(['--methods', 'gradient,rise', '--out', out, ...pictures], /1\.gradient\.png/);
    expect(code).toBe(130);
    expect(err).toMatch(/index\.html has what was done/);
    const html = readFileSync(join(out, 'index.html'), 'utf8');
    expect(html).toContain('Interrupted: 2 of 4 maps are done.');
    expect([html.match(/<img /g)!.length, html.match(/not done/g)!.length]).toEqual([4, 2]);
  });

  it('goes on where one of several methods cannot run, and says so', async () => {
    const out = join(folder, 'part');
    const { code, err } = await explain(['--methods', 'neuron-conductance,gradient', '--out', out, pictures[0]!]);
    expect([code, existsSync(join(out, '0.gradient.png'))]).toEqual([1, true]);
    expect(err).toMatch(/no neuron is given/);
    expect(readFileSync(join(out, 'index.html'), 'utf8')).toMatch(/no neuron is given/);
  });

  it.each([
    [['--methods', 'grad-cam', '--samples', '3'], /--samples is an option of .*smoothgrad.*, not of grad-cam/],
    [['--methods', 'smoothgrad', '--samples', '0'], /--samples 0: .* is needed/],
    [['--target', 'unicorn'], /no class 'unicorn'/],
    [['--target', 'layer9[:,1]'], /layer9/],
  ])('%j is refused', async (args, message) => {
    const { code, err } = await explain([...args, '--out', join(folder, 'bad'), pictures[0]!]);
    expect(err).toMatch(message);
    expect(code).toBeGreaterThan(0);
  });

  it('help: every method with its cost, its options and their defaults', async () => {
    const { out } = await explain(['--help']);
    for (const name of methodNames)
      expect(out).toMatch(new RegExp(`^  ${name.replaceAll('+', '\\+')} +[\\d.?]+  `, 'm'));
    expect(out).toMatch(/ {2}smoothgrad +52 .*\n +--samples 25 --sigma 0\.15/);
  });
});

it('an option goes to the methods that can read it', () => {
  const both = settingsOf(['lrp', 'integrated-gradients'], { rule: 'gauss-legendre' });
  expect(both).toEqual([{ method: 'lrp' }, { method: 'integrated-gradients', rule: 'gauss-legendre' }]);
  expect(settingsOf(['lime', 'rise'], { samples: '200', 'rise.samples': '900' })).toEqual([{ method: 'lime', samples: 200 }, { method: 'rise', samples: 900 }]); // prettier-ignore
  expect(() => settingsOf(['lime'], { 'rise.samples': '900' })).toThrow(/rise\.samples is of a method/);
  expect(settingsOf(['smoothgrad', 'gradient'], { samples: '7' })).toEqual([{ method: 'smoothgrad', samples: 7 }, { method: 'gradient' }]); // prettier-ignore
});

it('files of different pictures, targets and methods never have the same name', () => {
  const names = fileNames(['a', 'a.lime', 'outputs.lime'], [['x y', 'x_y'], ['x'], ['x']], ['lime', 'rise']);
  const all = [...names.pictures, ...names.outputs, ...names.maps.flat(2)];
  expect(new Set(all.map((n) => n.toLowerCase())).size).toBe(all.length);
});
