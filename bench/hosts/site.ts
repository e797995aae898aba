/** The page and its files, from memory: by a local server, or into the requests of a browser elsewhere. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'puppeteer';
import { build, type Rollup } from 'vite';
import { browserPeers, entryFor, peersFolder } from './peers.ts';

export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: Uint8Array | string;
}

export type Respond = (path: string) => Answer;

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

/** With these a page is isolated: its clock is finer, and WebAssembly may have threads. */
const ISOLATED = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };

const answer = (body: Answer['body'], name: string): Answer => ({
  status: 200,
  headers: { 'content-type': TYPES[extname(name)] ?? 'application/octet-stream', ...ISOLATED },
  body,
});

const nothing: Answer = { status: 404, headers: { ...ISOLATED }, body: '' };

/** The page's code, with the peers that are asked for. */
async function bundle(peers: readonly string[]): Promise<Map<string, string | Uint8Array>> {
  const entry = 'virtual:bench-entry';
  const result = (await build({
    configFile: false,
    logLevel: 'error',
    root: fileURLToPath(new URL('../..', import.meta.url)),
    // One tfjs for all of its backends.
    resolve: { dedupe: ['@tensorflow/tfjs-core'] },
    plugins: [
      {
        name: 'bench-entry',
        resolveId: (id: string) => (id === entry ? `\0${entry}` : undefined),
        load: (id: string) => (id === `\0${entry}` ? entryFor(peers) : undefined),
      },
    ],
    build: {
      write: false,
      target: 'es2022',
      minify: false,
      modulePreload: false,
      rollupOptions: {
        input: { page: entry },
        output: { entryFileNames: 'page.js', chunkFileNames: 'chunk-[hash].js' },
      },
    },
  })) as Rollup.RollupOutput;
  return new Map(result.output.map((o) => [o.fileName, 'code' in o ? o.code : o.source]));
}

/** Bytes of a file in one message. */
const PART = 8 << 20;

export interface SiteFiles {
  request: object;
  files: Readonly<Record<string, Uint8Array>>;
}

/** How many parts a file comes in. */
export const partsOf = (bytes: Uint8Array): number => Math.ceil(bytes.length / PART);

export const siteFor = async (peers: readonly string[], files: SiteFiles): Promise<Respond> =>
  respondWith(await bundle(peers), peers, files);

/** @param code of the page, by file name. */
export function respondWith(
  code: ReadonlyMap<string, string | Uint8Array>,
  peers: readonly string[],
  { request, files }: SiteFiles,
): Respond {
  const assets = Object.assign({}, ...peers.map((name) => browserPeers[name]?.assets ?? {})) as Record<string, string>;
  return (path) => {
    if (path === '/') return answer('<!doctype html><title>wgrad bench</title><script type="module" src="/page.js"></script>', 'index.html'); // prettier-ignore
    if (path === '/request.json') return answer(JSON.stringify(request), path);
    const [, name, part] = /^\/files\/(\w+)\/(\d+)$/.exec(path) ?? [];
    const bytes = name === undefined ? undefined : files[name];
    if (bytes) return answer(bytes.subarray(Number(part) * PART, (Number(part) + 1) * PART), '');
    const own = code.get(path.slice(1));
    if (own !== undefined) return answer(own, path);
    return asset(path, assets) ?? nothing;
  };
}

/** A file of a peer's package. */
function asset(path: string, assets: Readonly<Record<string, string>>): Answer | undefined {
  const [, kind, rest] = /^\/assets\/([\w-]+)\/(.+)$/.exec(path) ?? [];
  const folder = kind === undefined ? undefined : assets[kind];
  if (folder === undefined) return undefined;
  const root = resolve(join(peersFolder, 'node_modules', folder));
  const file = resolve(join(root, rest!));
  if (!file.startsWith(root + sep) || !existsSync(file) || !statSync(file).isFile()) return undefined;
  return answer(readFileSync(file), file);
}

/** On this machine. @returns the address, and the end of it. */
export async function serve(respond: Respond): Promise<{ url: string; close: () => void }> {
  const server = createServer((request, response) => {
    const { status, headers, body } = respond(new URL(request.url ?? '/', 'http://localhost').pathname);
    response.writeHead(status, headers).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, close: () => server.close() };
}

/** A name that no server has: https, so that the page may use WebGPU. */
const ELSEWHERE = 'https://wgrad-bench.invalid/';

/** A browser elsewhere cannot reach this machine: what it asks for is answered through the debugging protocol. */
export async function answerRequests(page: Page, respond: Respond): Promise<string> {
  await page.setRequestInterception(true);
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.origin !== new URL(ELSEWHERE).origin) return void request.continue();
    const { status, headers, body } = respond(url.pathname);
    return void request.respond({ status, headers, body: typeof body === 'string' ? body : Buffer.from(body) });
  });
  return ELSEWHERE;
}
