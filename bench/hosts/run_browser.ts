/** A run in a page of a browser, here or elsewhere. */
import { readFileSync } from 'node:fs';
import type { Browser } from 'puppeteer';
import { launchChromium } from '../../src/node/browser.ts';
import type { NetworkSource } from '../core/case.ts';
import type { BenchResult, CaseScore, Measured } from '../core/result.ts';
import type { DrivenRequest } from '../page/driven.ts';
import { writeResult } from './files.ts';
import { resultOf } from './header.ts';
import { machine, networksOf } from './node_host.ts';
import type { BenchOptions } from './options.ts';
import { root } from './paths.ts';
import { ensureInstalled } from './peers.ts';
import { answerRequests, partsOf, serve, siteFor } from './site.ts';
import { printSummary, progress } from './terminal.ts';
import { tfliteOf } from './tflite.ts';

/** @param connect address of a browser's debugging protocol; else headless Chromium is started here. */
async function openBrowser(connect: string | undefined): Promise<Browser> {
  if (connect === undefined) return launchChromium();
  const puppeteer = await import('puppeteer');
  return puppeteer.connect({ browserWSEndpoint: connect });
}

export async function runInBrowser(options: BenchOptions): Promise<BenchResult> {
  const started = performance.now();
  const { selection, rounds, seconds, limit, peers, connect } = options;
  ensureInstalled(peers, console.log);
  const networks = await networksOf(selection.size === 'tiny');
  const { version } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as { version: string };
  const described = ({ bytes, ...rest }: NetworkSource) => ({ ...rest, parts: partsOf(bytes) });
  const needsTflite = peers.some((name) => name.startsWith('litert-'));
  const extra: Record<string, Uint8Array> = needsTflite ? { tflite: tfliteOf(networks.network, console.log) } : {};
  const request: DrivenRequest = {
    selection: { ...selection, filter: selection.filter?.source },
    rounds,
    seconds,
    limit: limit === undefined ? undefined : limit - (performance.now() - started) / 1000,
    peers,
    version,
    network: described(networks.network),
    small: described(networks.small),
    extra: Object.fromEntries(Object.entries(extra).map(([name, bytes]) => [name, partsOf(bytes)])),
  };
  const files = { network: networks.network.bytes, small: networks.small.bytes, ...extra };
  const respond = await siteFor(peers, { request, files });
  const browser = await openBrowser(connect);
  const site = connect === undefined ? await serve(respond) : undefined;
  const page = await browser.newPage();
  try {
    const done = new Promise<Measured>((resolve, reject) => {
      page.on('pageerror', (error) => reject(error as Error));
      page.on('close', () => reject(new Error('bench: the page was closed')));
      browser.on('disconnected', () => reject(new Error('bench: the browser is gone')));
      const onDone = (json: string) => {
        const { result, error } = JSON.parse(json) as { result?: Measured; error?: string };
        if (result) resolve(result);
        else reject(new Error(`bench: in the page: ${error}`));
      };
      const onCase = (json: string) => {
        const { id, index, count, done } = JSON.parse(json) as { id: string; index: number; count: number; done: CaseScore }; // prettier-ignore
        progress(id, index, count, done);
      };
      void Promise.all([page.exposeFunction('benchDone', onDone), page.exposeFunction('benchCase', onCase)])
        .then(async () => page.goto(site?.url ?? (await answerRequests(page, respond))))
        .catch(reject);
    });
    const measured = await done;
    const where = {
      host: 'browser',
      runtime: await browser.version(),
      machine: connect === undefined ? machine() : 'elsewhere',
      started,
    } as const;
    const result = resultOf(options, networks.network, where, measured);
    await writeResult(options.out, result);
    printSummary(result);
    return result;
  } finally {
    await page.close().catch(() => undefined);
    await (connect === undefined ? browser.close() : browser.disconnect());
    site?.close();
  }
}
