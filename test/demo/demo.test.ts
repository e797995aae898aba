/**
 * Each view of the page used as a person would. WGRAD_SCREENSHOTS=FOLDER keeps a picture of each, for docs; how long the
 * page's own thread was held is printed, and not asserted: a busy machine holds it too.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import axe from 'axe-core';
import type { CDPSession } from 'puppeteer';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { shapePictures, SIDE } from '../../src/data/shapes.ts';
import type { BenchResult } from '../../bench/core/result.ts';
import { encodePng } from '../../src/image/png.ts';
import { importOnnx } from '../../src/onnx/network.ts';
import { openSite, Visitor, type Site } from './site.ts';

/** Of 255, mean over a picture of 32 x 24: another view, a missing picture or a broken layout differ by more. */
const LOOKS = 10;
/** As docs have it. */
const SCREEN = { width: 1280, height: 900 };
/** Bytes that come and go: compiled code, weak caches; of arrays, a picture and its map. Twenty pictures are 1.2 MB. */
const GROWTH = { objects: 500_000, arrays: 600_000 };

// A person's way through a view is many steps, each of which a busy machine may take its time for.
vi.setConfig({ testTimeout: 400_000 });

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

/** A visitor with a camera who trains on the sample shapes. */
async function training(): Promise<Visitor> {
  const v = await visit(`${site.url}#tune`);
  await v.page.evaluate(() => {
    const canvas = document.createElement('canvas');
    setInterval(() => canvas.getContext('2d')!.fillRect(0, 0, 9, 9), 50);
    navigator.mediaDevices.getUserMedia = () => Promise.resolve(canvas.captureStream());
  });
  await v.press('Use sample shapes');
  await v.page.waitForFunction(() => document.querySelectorAll('.classes .thumb').length === 48);
  await v.press('Train');
  return v;
}

/** Bytes that scripts of the page and of its worker hold, after a collection: objects, and what their arrays lie in. */
async function heapsOf({ page }: Visitor): Promise<Record<string, { objects: number; arrays: number }>> {
  const heap = async (client: CDPSession) => {
    await client.send('HeapProfiler.collectGarbage');
    const { usedSize, backingStorageSize } = (await client.send('Runtime.getHeapUsage')) as { usedSize: number; backingStorageSize: number }; // prettier-ignore
    return { objects: usedSize, arrays: backingStorageSize };
  };
  return { page: await heap(await page.createCDPSession()), worker: await heap(page.workers()[0]!.client) };
}

/** Run in the page: what lies beyond its right edge, and text that is too small. */
function misfits(): string[] {
  const faults: string[] = [];
  if (document.documentElement.scrollWidth > innerWidth) faults.push(`${document.documentElement.scrollWidth} px wide`);
  const shown = [...document.querySelectorAll<HTMLElement>('body *')].filter((e) => e.checkVisibility());
  for (const e of shown) {
    const hasText = [...e.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && n.textContent!.trim());
    const size = parseFloat(getComputedStyle(e).fontSize);
    if (hasText && size < 12) faults.push(`'${e.textContent!.trim().slice(0, 30)}' has ${size} px`);
  }
  return faults;
}

/** From a phone to a wide screen. */
async function fits({ page }: Visitor): Promise<void> {
  const faults: string[] = [];
  for (const width of [360, 600, 900, 1440]) {
    await page.setViewport({ width, height: 800 });
    // Charts follow their boxes a frame later.
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    faults.push(...(await page.evaluate(misfits)).map((fault) => `${width} px: ${fault}`));
  }
  await page.setViewport(SCREEN);
  expect(faults).toEqual([]);
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

/**
 * Whether the page looks as it did, as loosely as eyes half shut: fonts and drivers differ from machine to machine.
 * WGRAD_SCREENSHOTS writes what it is compared with anew.
 */
async function looksLike({ page }: Visitor, name: string): Promise<void> {
  const { default: sharp } = await import('sharp');
  // Pictures and charts show as much as was done by now.
  const hidden = await page.addStyleTag({ content: 'canvas, img, svg { visibility: hidden }' });
  const shot = await page.screenshot({ type: 'png' });
  await hidden.evaluate((style) => (style as Element).remove());
  const seen = await sharp(shot).resize(32, 24, { fit: 'fill' }).greyscale().raw().toBuffer();
  const file = new URL(`../fixtures/demo/${name}.png`, import.meta.url);
  if (process.env['WGRAD_SCREENSHOTS']) {
    const raw = { width: 32, height: 24, channels: 1 } as const;
    return writeFileSync(file, await sharp(seen, { raw }).png().toBuffer());
  }
  const known = await sharp(readFileSync(file)).greyscale().raw().toBuffer();
  const difference = known.reduce((sum, value, i) => sum + Math.abs(value - seen[i]!), 0) / known.length;
  expect(difference, name).toBeLessThan(LOOKS);
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
  await page.setViewport(SCREEN);
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
  await v.press('Methods');
  await accessible(v);
  // A map of many masks shows what it has so far, is stopped in the middle, and may begin again.
  const rise = () => v.page.$$eval('.methods label', (all) => all.find((l) => /^rise/.test(l.textContent!))!.click());
  await rise();
  await v.sees('.card[aria-busy=true] .progress', /[1-9]\d* of/);
  await v.press('Stop');
  await v.sees('.card button', /Stopped. Begin again/);
  await rise();
  await v.press('Methods');
  await looksLike(v, 'explain');
  expect(v.complaints).toEqual([]);
});

it('holds no more after twenty pictures than after three', async () => {
  const v = await explaining();
  // One method is as good as four to see what stays.
  for (const method of ['integrated-gradients', 'deep-shap']) await v.press(`Remove ${method}`);
  const held = () => v.page.evaluate(async () => (globalThis as any).lab.memory() as Promise<{ buffers: number; bytes: number }>); // prettier-ignore
  const another = async () => {
    await v.press('Another sample');
    await v.page.waitForFunction(() => document.querySelector('.card[aria-busy=false] canvas'));
    await v.page.waitForFunction(() => !document.querySelector('.card[aria-busy=true]'));
  };
  for (let i = 0; i < 3; i++) await another();
  const [device, before] = [await held(), await heapsOf(v)];
  for (let i = 0; i < 20; i++) await another();
  // One buffer or two may still be on their way; twenty pictures would leave twenty.
  const now = await held();
  expect(now.buffers).toBeLessThan(device.buffers + 5);
  expect(now.bytes).toBeLessThan(device.bytes * 1.02);
  const after = await heapsOf(v);
  for (const [where, { objects, arrays }] of Object.entries(before)) {
    const grown = { objects: after[where]!.objects - objects, arrays: after[where]!.arrays - arrays };
    console.log(
      `after 20 pictures the ${where} holds ${grown.objects} bytes of objects more, ${grown.arrays} of arrays`,
    );
    expect(grown.objects, where).toBeLessThan(GROWTH.objects);
    expect(grown.arrays, where).toBeLessThan(GROWTH.arrays);
  }
});

it('fits every width, and has no text below 12 px', async () => {
  const v = await explaining();
  for (const view of ['explain', 'tune', 'dream', 'bench']) {
    await v.view(view);
    await fits(v);
  }
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
  // Every op that is not known, with its nodes.
  const strange = readFileSync(new URL('../../weights/shapes.onnx', import.meta.url));
  for (const [op, other] of [
    ['Conv', 'Konv'],
    ['Relu', 'Relx'],
  ] as const) {
    for (let at = strange.indexOf(op); at >= 0; at = strange.indexOf(op, at + 1)) strange.write(other, at);
  }
  const unknown = join(site.folder, 'unknown.onnx');
  writeFileSync(unknown, strange);
  await v.give('.model input[type=file]', unknown);
  await v.sees('.problem li', /unsupported op Konv \('\/conv1\/Konv', .* and 17 more\)/);
  await v.sees('.problem li', /unsupported op Relx/);
  await v.press('Dismiss');
  // There is no way out of this machine.
  await v.press('ResNet-50');
  await v.sees('.problem', /download-failed/);
  await v.press('Dismiss');
  await v.give('.explain input[type=file]', text);
  await v.sees('.problem', /image-decode/);
  // Pictures come in any way: dropped, pasted, drawn by hand.
  await v.hand('drop', '.explain .intake', await pictureOf('disc'));
  await v.sees('.bars li:first-child', /^disc/);
  await v.hand('paste', 'body', await pictureOf('ring'));
  await v.sees('.bars li:first-child', /^ring/);
  const pasted = await v.pixels('.hover canvas');
  await v.press('Draw');
  await v.page.waitForSelector('.sketch canvas');
  await v.press('Use drawing');
  await v.press('Draw');
  await expect.poll(() => v.pixels('.hover canvas'), { timeout: 60_000 }).not.toBe(pasted);
  await v.sees('.bars li:first-child', /%/);
  // The browser's own line on the address that it could not find.
  expect(v.complaints.filter((text) => !/ERR_NAME_NOT_RESOLVED/.test(text))).toEqual([]);
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
  const later = await share(4);
  expect(later).toBeGreaterThan(first + 10);
  expect(await v.page.$$('.confusion tbody tr')).toHaveLength(3);
  await v.press('Stop');
  await idle(v);
  await accessible(v);
  await fits(v);
  await looksLike(v, 'tune');
  await photograph(v, 'tune');
  await v.press('Export .onnx');
  const exported = await downloaded('-tuned.onnx');
  const network = await importOnnx(readFileSync(exported));
  expect(JSON.parse(network.metadata.get('labels')!)).toEqual(['heart', 'arrow', 'hexagon']);
  // What was trained, and on what, comes back after it was undone.
  await v.press('Save project');
  await v.sees('.tune [role=status]', /Saved/);
  await v.press('Undo');
  await v.sees('.tune .note', /as it was before/);
  await v.sees('.model .summary', /8 classes/);
  await v.press('Remove hexagon');
  await v.press('Load project');
  await v.sees('.tune [role=status]', /Loaded/);
  await v.sees('.model .summary', /3 classes/);
  expect(await v.page.$$('.classes .thumb')).toHaveLength(48);
  // What a step will cost is known before it is trained, and more of what more is unfrozen.
  const memory = async () => Number(/([\d.]+) MB/.exec(await v.sees('.facts dd', /about [\d.]+ m?s/) && (await v.text('.facts dd')))![1]); // prettier-ignore
  const head = await memory();
  await v.page.$$eval('.tune .network button', (all) => (all as HTMLElement[]).find((b) => /^layer1/.test(b.textContent!))!.click()); // prettier-ignore
  await expect.poll(memory, { timeout: 100_000 }).toBeGreaterThan(head);
  await v.view('explain');
  await v.sees('.bars li', /heart|arrow|hexagon/);
  await v.view('tune');
  await v.press('Camera');
  await v.page.waitForFunction(() => (document.querySelector('.camera video') as HTMLVideoElement)?.videoWidth > 0);
  await v.press('Take picture');
  await v.page.waitForFunction(() => document.querySelectorAll('.classes .thumb').length === 49);
  await v.press('Camera');
  await v.give('.model input[type=file]', exported);
  await v.sees('.model .summary', /tuned\.onnx3 classes/);
  expect(v.complaints).toEqual([]);
});

it('dreams, stops in the middle and keeps what it has; measures', async () => {
  const v = await explaining();
  await v.view('dream');
  await v.press('Dream');
  // Docs show something that is drawn.
  await v.sees('.dream .progress', process.env['WGRAD_SCREENSHOTS'] ? /step (9\d|1\d\d)/ : /step [1-9]/);
  await v.press('Stop');
  await v.page.waitForFunction(
    () => ![...document.querySelectorAll('.dream button')].some((b) => b.textContent === 'Stop'),
  );
  const kept = await v.pixels('.dream canvas');
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(await v.pixels('.dream canvas')).toBe(kept);
  await accessible(v);
  await looksLike(v, 'dream');
  await photograph(v, 'dream');
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
  await fits(v);
  await photograph(v, 'bench');
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
