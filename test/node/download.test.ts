/** wgrad fetch against a local server that misbehaves in each way that the network knows. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { download } from '../../src/node/download.ts';
import { findPublished, manifest } from '../../src/node/manifest.ts';

const body = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * 7) % 251));
const sha256 = createHash('sha256').update(body).digest('hex');

type Behaviour = (range: string | undefined, response: ServerResponse) => void;

/** Serves ranges as it should. */
const proper: Behaviour = (range, response) => {
  const from = range ? Number(/bytes=(\d+)-/.exec(range)![1]) : 0;
  const headers = { 'content-type': 'application/octet-stream' };
  const place = `bytes ${from}-${body.length - 1}/${body.length}`;
  response.writeHead(range ? 206 : 200, range ? { ...headers, 'content-range': place } : headers);
  response.end(body.subarray(from));
};

describe('download', () => {
  let server: Server;
  let folder: string;
  let behave: Behaviour;
  let requests: (string | undefined)[];

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'wgrad-download-'));
    requests = [];
    server = createServer((request, response) => {
      requests.push(request.headers.range);
      behave(request.headers.range, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });

  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true });
  });

  const entry = (changes = {}) => ({
    name: 'toy',
    file: 'toy.onnx',
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/toy.onnx`,
    sha256,
    bytes: body.length,
    input: null,
    note: '',
    ...changes,
  });
  const partName = `${sha256.slice(0, 12)}-toy.onnx.part`;

  it('stores the file, reports progress, and answers from the cache', async () => {
    behave = proper;
    const seen: number[] = [];
    const file = await download(entry(), { folder, onProgress: (done) => seen.push(done) });
    expect(readFileSync(file).equals(body)).toBe(true);
    expect(seen.at(-1)).toBe(body.length);
    expect(await download(entry(), { folder })).toBe(file);
    expect(requests).toHaveLength(1);
  });

  it('fetches again when the cached file was damaged', async () => {
    behave = proper;
    const file = await download(entry(), { folder });
    writeFileSync(file, 'damaged');
    expect(readFileSync(await download(entry(), { folder })).equals(body)).toBe(true);
  });

  it('resumes from a part', async () => {
    behave = proper;
    writeFileSync(join(folder, partName), body.subarray(0, 70_000));
    await download(entry(), { folder });
    expect(requests).toEqual(['bytes=70000-']);
  });

  it('starts again where Range is ignored', async () => {
    behave = (_, response) => proper(undefined, response);
    writeFileSync(join(folder, partName), body.subarray(0, 70_000));
    expect(readFileSync(await download(entry(), { folder })).equals(body)).toBe(true);
  });

  it.each([
    ['refuses the range', 416, {}],
    ['sends another range', 206, { 'content-range': `bytes 0-${body.length - 1}/${body.length}` }],
  ])('starts again where the server %s', async (_, status, headers) => {
    writeFileSync(join(folder, partName), body.subarray(0, 5000));
    behave = (range, response) => {
      if (!range) return proper(range, response);
      response.writeHead(status, headers);
      response.end(status === 206 ? body : undefined);
    };
    expect(readFileSync(await download(entry(), { folder })).equals(body)).toBe(true);
    expect(requests).toEqual(['bytes=5000-', undefined]);
  });

  it('fails closed on a wrong hash, a short and a long body, and a web page', async () => {
    const page: Behaviour = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/html' });
      response.end('<html>log in</html>');
    };
    const short: Behaviour = (_, response) => response.end(body.subarray(0, 1000));
    const long: Behaviour = (_, response) => response.end(Buffer.concat([body, body]));
    const wrong: Behaviour = (_, response) => response.end(Buffer.alloc(body.length, 1));
    for (const behaviour of [page, short, long, wrong]) {
      behave = behaviour;
      await expect(download(entry(), { folder })).rejects.toMatchObject({ code: 'download-corrupt' });
      expect(readdirSync(folder)).toEqual([]);
    }
  });

  it('names status and connection faults', async () => {
    behave = (_, response) => {
      response.writeHead(404);
      response.end();
    };
    await expect(download(entry(), { folder })).rejects.toMatchObject({ code: 'download-failed', message: /404/ });
    await expect(download(entry({ url: 'http://127.0.0.1:9/x' }), { folder })).rejects.toMatchObject({
      code: 'download-failed',
    });
  });

  it.each([0, 0.5, 0.99])('is aborted at %s of the file, and resumes later', async (share) => {
    behave = (range, response) => {
      if (range) return proper(range, response);
      // The rest never comes: only the abort ends this.
      response.writeHead(200, { 'content-length': body.length });
      response.write(body.subarray(0, Math.max(1, Math.floor(share * body.length))));
    };
    const controller = new AbortController();
    const onProgress = (done: number) => done >= Math.floor(share * body.length) && controller.abort();
    await expect(download(entry(), { folder, onProgress, signal: controller.signal })).rejects.toMatchObject({
      name: 'AbortError',
    });
    expect(readdirSync(folder)).toEqual([partName]);
    expect(readFileSync(await download(entry(), { folder })).equals(body)).toBe(true);
  });
});

describe('manifest', () => {
  it('finds models by name and alias, and says what there is', () => {
    expect(findPublished('resnet50').name).toBe('resnet50-v1-12');
    expect(() => findPublished('resnet51')).toThrow(/There are: .*resnet50/);
  });

  it('has a hash, a size and an https address for every model', () => {
    for (const m of manifest.models) {
      expect(m.sha256).toMatch(/^[0-9a-f]{64}$/);
      expect(m.bytes).toBeGreaterThan(1e6);
      expect(m.url).toMatch(/^https:\/\//);
    }
  });
});
