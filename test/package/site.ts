/** A folder as a static host serves it, for pages that the tests write. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import type { Browser } from 'puppeteer';

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.html': 'text/html',
  '.wasm': 'application/wasm',
};

export interface Site {
  /** Contents by path, before the folder's files. */
  files?: Readonly<Record<string, string | Uint8Array>>;
  /** Of every answer: what the page may load and run. */
  policy?: string;
}

/**
 * Opens the page at '/', waits for its `globalThis.run`, and calls it.
 * @returns what it gave, and what the page complained of.
 */
export async function visit<T>(
  browser: Browser,
  folder: string,
  { files = {}, policy }: Site,
  ...args: unknown[]
): Promise<{ value: T; faults: string[] }> {
  const server = createServer(({ url }, response) => {
    const path = url === '/' ? '/index.html' : url!.replace(/\?.*/, '');
    const file = join(folder, path);
    if (policy !== undefined) response.setHeader('content-security-policy', policy);
    response.setHeader('content-type', TYPES[extname(path)] ?? 'application/octet-stream');
    if (path in files) response.end(files[path]);
    else if (existsSync(file) && statSync(file).isFile()) response.end(readFileSync(file));
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const page = await browser.newPage();
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
  try {
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction('globalThis.run');
    const value = (await page.evaluate((given) => (globalThis as any).run(...given), args)) as T;
    return { value, faults: faults.filter((fault) => !/favicon|404/.test(fault)) };
  } finally {
    await page.close();
    server.close();
  }
}
