/**
 * Each view of the page used as a person would. WGRAD_SCREENSHOTS=FOLDER keeps a picture of each, for docs; how long the
 * page's own thread was held is printed, and not asserted: a busy machine holds it too.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import axe from 'axe-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { shapePictures, SIDE } from '../../src/data/shapes.ts';
import type { BenchResult } from '../../bench/core/result.ts';
import { encodePng } from '../../src/image/png.ts';
import { importOnnx } from '../../src/onnx/network.ts';
import { openSite, Visitor, type Site } from './site.ts';

let site: Site;
/** Of one test. */
const visitors: Visitor[] = [];
/** Who stays, from test to test: each page compiles everything anew. */
let regular: Promise<Visitor> | undefined;

beforeAll(async () => {
  site = await openSite();
}, 120_000);

afterAll(() => site?.close());

afterEach(async () => {
  for (const { page } of visitors.splice(0)) await page.close();
});

async function visit(url?: string): Promise<Visitor> {
  const visitor = await Visitor.to(site, url);
  visitors.push(visitor);
  return visitor;
}

/** The one who stays, where pictures are explained. */
async function explaining(): Promise<Visitor> {
  regular ??= Visitor.to(site);
  const v = await regular;
  await v.view('explain');
  await v.sees('.bars li', /%/);
  return v;
}

/** A visitor who trains on the sample shapes. */
async function training(): Promise<Visitor> {
  const v = await visit(`${site.url}#tune`);
  await v.press('Use sample shapes');
  await v.page.waitForFunction(() => document.querySelectorAll('.classes .thumb').length === 48);
  await v.press('Train');
  return v;
}

/** Until nothing is trained any more. */
const idle = ({ page }: Visitor) =>
  page.waitForFunction(() => [...document.querySelectorAll('.tune button')].some((b) => b.textContent === 'Train'));

/** Nothing serious for those who cannot see or point. */
async function accessible({ page }: Visitor): Promise<void> {
  await page.evaluate(axe.source);
  const found = await page.evaluate(async () => {
    const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run(document);
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`);
  });
  expect(found).toEqual([]);
}

async function photograph({ page }: Visitor, name: string): Promise<void> {
  const folder = process.env['WGRAD_SCREENSHOTS'];
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  for (const scheme of ['light', 'dark']) {
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
    await page.screenshot({
      path: join(folder, `${name}-${scheme}.webp`) as `${string}.webp`,
      type: 'webp',
      quality: 80,
    });
  }
  await page.setViewport({ width: 390, height: 844 });
  await page.screenshot({ path: join(folder, `${name}-phone.webp`) as `${string}.webp`, type: 'webp', quality: 80 });
  await page.setViewport({ width: 1280, height: 900 });
  await page.emulateMediaFeatures([]);
}

/** The file that the page gave, whose name ends so: whole, since browsers write under another name at first. */
async function downloaded(end: string): Promise<string> {
  const name = await expect
    .poll(() => readdirSync(site.folder).find((file) => file.endsWith(end)), { timeout: 60_000 })
    .toBeTruthy()
    .then(() => readdirSync(site.folder).find((file) => file.endsWith(end))!);
  return join(site.folder, name);
}

async function pictureOf(shape: 'ring' | 'disc'): Promise<string> {
  const [p] = shapePictures('demo test', 1, [shape]);
  const file = join(site.folder, `${shape}.png`);
  writeFileSync(file, await encodePng({ width: SIDE, height: SIDE, data: p!.pixels }));
  return file;
}

it('classifies a picture, explains it, asks about another class, hides a region', async () => {
  const v = await explaining();
  await v.give('.explain input[type=file]', await pictureOf('ring'));
  await v.sees('.bars li:first-child', /^ring/);
  await v.page.waitForSelector('.card[aria-busy=false]');
  await v.page.waitForFunction(() => document.querySelectorAll('.card[aria-busy=false] canvas').length === 4);
  await v.sees('.card .figure', /Completeness gap/);
  await photograph(v, 'explain');
  const before = await v.pixels('.card canvas');
  await v.page.$eval('.bars li:nth-child(2) button', (b) => b.click());
  await v.page.waitForFunction(() => document.querySelectorAll('.card[aria-busy=true]').length === 0);
  await v.page.waitForFunction((old) => {
    const canvas = document.querySelector<HTMLCanvasElement>('.card canvas')!;
    const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
    return data.reduce((hash, x) => (hash * 31 + x) >>> 0, 7) !== old;
  }, {}, before); // prettier-ignore
  await v.page.hover('.hover');
  await v.sees('.explain .note', /painted over/);
  await v.press('Remove gradient');
  expect(await v.page.$$('.card')).toHaveLength(3);
  await accessible(v);
  expect(v.complaints).toEqual([]);
});

it('says what is wrong with a broken model, a text file and a broken picture, and goes on', async () => {
  const v = await explaining();
  const broken = join(site.folder, 'broken.onnx');
  writeFileSync(broken, readFileSync(new URL('../../weights/shapes.onnx', import.meta.url)).subarray(0, 5000));
  await v.give('.model input[type=file]', broken);
  await v.sees('.problem', /onnx-parse/);
  await v.press('Dismiss');
  const text = join(site.folder, 'note.onnx');
  writeFileSync(text, 'not a model');
  await v.give('.model input[type=file]', text);
  await v.sees('.problem', /onnx-parse/);
  await v.press('Dismiss');
  await v.give('.explain input[type=file]', text);
  await v.sees('.problem', /image-decode/);
  await v.give('.explain input[type=file]', await pictureOf('disc'));
  await v.sees('.bars li:first-child', /^disc/);
  expect(v.complaints).toEqual([]);
});

it('fine-tunes to a visible gain, stops, undoes, exports, and opens what it exported', async () => {
  const v = await training();
  const share = async (epoch: number) =>
    Number(
      /([\d.]+) % of the training/.exec(await v.sees('.results [role=status]', new RegExp(`Epoch ${epoch}:`)))![1],
    );
  const first = await share(1);
  await v.press('Pause');
  await v.press('Go on');
  const later = await share(6);
  expect(later).toBeGreaterThan(first + 10);
  expect(await v.page.$$('.confusion tbody tr')).toHaveLength(3);
  await v.press('Stop');
  await idle(v);
  await photograph(v, 'tune');
  await accessible(v);
  await v.press('Export .onnx');
  const exported = await downloaded('-tuned.onnx');
  const network = await importOnnx(readFileSync(exported));
  expect(JSON.parse(network.metadata.get('labels')!)).toEqual(['heart', 'arrow', 'hexagon']);
  await v.press('Undo');
  await v.sees('.tune .note', /as it was before/);
  await v.give('.model input[type=file]', exported);
  await v.sees('.model .summary', /tuned\.onnx3 classes/);
  expect(v.complaints).toEqual([]);
});

it('dreams, stops in the middle and keeps what it has; measures', async () => {
  const v = await explaining();
  await v.view('dream');
  await v.press('Dream');
  await v.sees('.dream .progress', /step [1-9]/);
  await v.press('Stop');
  await v.page.waitForFunction(
    () => ![...document.querySelectorAll('.dream button')].some((b) => b.textContent === 'Stop'),
  );
  const kept = await v.pixels('.dream canvas');
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(await v.pixels('.dream canvas')).toBe(kept);
  await photograph(v, 'dream');
  await accessible(v);
  // Steps of a photograph of one's own, then all of them as one file.
  await v.press('A photograph');
  await v.give('.dream input[type=file]', await pictureOf('ring'));
  await v.page.$$eval('.dream input[type=range]', ([steps]) => {
    (steps as HTMLInputElement).value = '16';
    steps!.dispatchEvent(new Event('input', { bubbles: true }));
  });
  await v.press('Dream');
  await v.sees('.film', /Frame: step 4 of 4/);
  await v.press('Save animation');
  const film = readFileSync(await downloaded('.apng'));
  const frames = film.readUInt32BE(film.indexOf('acTL') + 4);
  expect(frames).toBeGreaterThan(1);
  expect(film.toString('latin1').split('fcTL')).toHaveLength(frames + 1);
  await v.view('bench');
  await v.press('A taste');
  await v.press('Measure this device');
  await v.sees('.bench tbody tr:nth-child(3)', /\d to \d/);
  await v.press('Stop after this case');
  // The roof is measured, and there are points below it.
  await v.sees('.roofline', /tiny, forward/);
  await v.press('Save JSON');
  const result = await downloaded('.json');
  const { made, roofline, cases } = JSON.parse(readFileSync(result, 'utf8')) as BenchResult;
  expect(made).toMatchObject({ host: 'browser', interrupted: true });
  expect(roofline.gflops).toBeGreaterThan(0);
  expect(cases[0]!.scores['wgrad']!.readback!.samples.length).toBeGreaterThan(0);
  // Beside itself nothing is faster.
  await v.give('.bench input[type=file]', result);
  await v.sees('.bench section', /geometric mean: 1\.00/);
  await accessible(v);
  expect(v.complaints).toEqual([]);
});

// After all others of that browser: their pages lose the device too.
it('goes on training on another device when the GPU process dies in the middle', async () => {
  const v = await training();
  await v.sees('.results [role=status]', /Epoch 1:/);
  const protocol = await site.browser.target().createCDPSession();
  await protocol.send('Browser.crashGpuProcess').catch(() => undefined);
  await v.sees('.tune .note', /GPU was lost; epoch \d+ begins again/);
  await v.sees('.results [role=status]', /Epoch 3:/);
  await v.press('Stop');
  await idle(v);
  expect(v.complaints.filter((text) => !/device|GPU/i.test(text))).toEqual([]);
});

it('says why there is nothing to see without WebGPU', async () => {
  const v = await visit(site.withoutWebGpu);
  await v.sees('.problem', /no WebGPU.*current Chrome/);
  expect(v.complaints).toEqual([]);
});
