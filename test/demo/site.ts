/** The built page on a local server, and a browser that looks at it as a person would. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, ElementHandle, Page } from 'puppeteer';
import { build } from 'vite';
import { launchChromium } from '../../src/node/browser.ts';

const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };

/** Milliseconds: on a busy machine whatever a page does takes its time. */
const PATIENCE = 100_000;

export interface Site {
  url: string;
  /** The same page in a browser that has no WebGPU. */
  withoutWebGpu: string;
  browser: Browser;
  /** A folder for downloads. */
  folder: string;
  close(): Promise<void>;
}

export async function openSite(): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), 'wgrad-demo-'));
  const out = join(folder, 'site');
  const configFile = fileURLToPath(new URL('../../demo/vite.config.ts', import.meta.url));
  await build({ configFile, logLevel: 'error', build: { outDir: out, emptyOutDir: true } });
  const server = createServer((request, response) => {
    const [, blind, path = ''] = /^\/(blind\/)?([^?]*)/.exec(request.url ?? '/') ?? [];
    const file = join(out, path === '' ? 'index.html' : path);
    if (!existsSync(file)) return response.writeHead(404).end();
    response.setHeader('content-type', TYPES[extname(file)] ?? 'application/octet-stream');
    if (blind && file.endsWith('.js'))
      response.write("Object.defineProperty(navigator, 'gpu', { value: undefined });\n");
    return response.end(readFileSync(file));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  // Only this machine is there: a page's pictures and models have nowhere to go, and no test downloads weights.
  const browser = await launchChromium(['--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1']);
  // Of the browser, not of a page: it would end with the page.
  const client = await browser.target().createCDPSession();
  await client.send('Browser.setDownloadBehavior', { behavior: 'allow', downloadPath: folder });
  return {
    url,
    withoutWebGpu: `${url}blind/`,
    browser,
    folder,
    async close() {
      await browser.close();
      server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A tab whose complaints are kept. */
export class Visitor {
  readonly complaints: string[] = [];

  private constructor(readonly page: Page) {}

  static async to(site: Site, url = site.url): Promise<Visitor> {
    const page = await site.browser.newPage();
    const visitor = new Visitor(page);
    page.setDefaultTimeout(PATIENCE);
    page.on('console', (m) => m.type() === 'error' && visitor.complaints.push(m.text()));
    page.on('pageerror', (error) => visitor.complaints.push(String(error)));
    await page.setViewport({ width: 1280, height: 900 });
    await page.goto(url);
    return visitor;
  }

  /** The view by its name in the address. */
  async view(name: string): Promise<void> {
    await this.page.evaluate((to) => (location.hash = to), name);
    await this.page.waitForSelector(`nav a[href="#${name}"][aria-current="page"]`);
  }

  /** What can be pressed, by its words, in the view that is shown. */
  async press(text: string): Promise<void> {
    const handle = await this.page.waitForFunction(
      (wanted) =>
        [...document.querySelectorAll('button, summary')].find(
          (b) =>
            !b.closest('[hidden]') &&
            !(b as HTMLButtonElement).disabled &&
            (b.textContent!.trim().startsWith(wanted) || b.getAttribute('aria-label') === wanted),
        ),
      {},
      text,
    );
    await (handle as ElementHandle<HTMLElement>).evaluate((b) => b.click());
  }

  async give(selector: string, file: string): Promise<void> {
    const input = (await this.page.waitForSelector(selector)) as ElementHandle<HTMLInputElement>;
    await input.uploadFile(file);
  }

  /** A file dropped on what is there, or pasted. */
  async hand(how: 'drop' | 'paste', selector: string, file: string): Promise<void> {
    const bytes = [...readFileSync(file)];
    await this.page.$eval(
      selector,
      (element, kind, data, name) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([Uint8Array.from(data)], name, { type: 'image/png' }));
        const given = { bubbles: true, cancelable: true, dataTransfer: transfer, clipboardData: transfer };
        element.dispatchEvent(kind === 'drop' ? new DragEvent('drop', given) : new ClipboardEvent('paste', given));
      },
      how,
      bytes,
      basename(file),
    );
  }

  text(selector: string): Promise<string> {
    return this.page.$$eval(selector, (all) => all.filter((e) => !e.closest('[hidden]')).map((e) => e.textContent).join('\n')); // prettier-ignore
  }

  /** Waits until the words are there. */
  async sees(selector: string, pattern: RegExp): Promise<string> {
    await this.page.waitForFunction(
      (s, source) =>
        [...document.querySelectorAll(s)].some(
          (e) => !e.closest('[hidden]') && new RegExp(source).test(e.textContent!),
        ),
      {},
      selector,
      pattern.source,
    );
    return this.text(selector);
  }

  /** Pixels of the first picture that matches, to see that it changed. */
  pixels(selector: string): Promise<number> {
    return this.page.$eval(selector, (element) => {
      const canvas = element as HTMLCanvasElement;
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
      return data.reduce((hash, v) => (hash * 31 + v) >>> 0, 7);
    });
  }
}
