/** wgrad fetch against a local server that misbehaves in each way that the network knows. */
import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { download } from '../../src/node/download.ts';
import { findPublished, manifest } from '../../src/node/manifest.ts';

const module = fileURLToPath(new URL('../../src/node/download.ts', import.meta.url));
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

  it('gives up on a server that does not answer, and on one that falls silent, keeping the part', async () => {
    behave = () => undefined;
    await expect(download(entry(), { folder, headersTimeout: 100 })).rejects.toMatchObject({
      code: 'download-failed',
      message: expect.stringMatching(/toy\.onnx: no answer within 0\.1 s/),
    });
    behave = (_, response) => void response.writeHead(200).write(body.subarray(0, 1000));
    await expect(download(entry(), { folder, silenceTimeout: 100 })).rejects.toMatchObject({
      code: 'download-failed',
      message: expect.stringMatching(/silence after 1000 bytes/),
    });
    expect(readdirSync(folder)).toEqual([partName]);
  });

  it('takes no name out of a manifest that leaves the folder', async () => {
    for (const file of ['../toy.onnx', '/etc/toy.onnx', 'a/b', 'a\\b', '..', '.hidden', '', 'a\0b', 'x'.repeat(300)]) {
      await expect(download(entry({ file }), { folder }), file).rejects.toMatchObject({ code: 'invalid-argument' });
    }
    for (const changes of [{ sha256: '../../..' }, { bytes: NaN }, { bytes: -1 }]) {
      await expect(download(entry(changes), { folder })).rejects.toMatchObject({ code: 'invalid-argument' });
    }
    expect([requests, readdirSync(folder)]).toEqual([[], []]);
  });

  it('names a full disk as one', async ({ skip }) => {
    behave = proper;
    const disk = join(folder, 'disk');
    mkdirSync(disk);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk], { stdio: 'ignore' });
    } catch {
      return skip('a small disk needs the right to mount one');
    }
    try {
      await expect(download(entry(), { folder: disk })).rejects.toMatchObject({ code: 'disk-full' });
    } finally {
      execFileSync('umount', [disk]);
    }
  });

  it('is asked for by three processes at once: one downloads, all have it', async () => {
    // Slow enough that all three are there before the first is done.
    behave = (_, response) => {
      response.writeHead(200, { 'content-length': body.length });
      response.write(body.subarray(0, 100_000));
      setTimeout(() => response.end(body.subarray(100_000)), 1500);
    };
    const code = `import { download } from ${JSON.stringify(module)};
      console.log(await download(${JSON.stringify(entry())}, { folder: ${JSON.stringify(folder)} }));`;
    const process_ = () =>
      new Promise<string>((resolve) => {
        const args = ['--import', 'tsx', '--input-type=module', '--eval', code];
        execFile(process.execPath, args, (_, out, err) => resolve(out.trim() || err));
      });
    const files = await Promise.all([process_(), process_(), process_()]);
    expect(new Set(files)).toEqual(new Set([join(folder, partName.replace('.part', ''))]));
    expect(requests).toHaveLength(1);
    expect(readFileSync(files[0]!).equals(body)).toBe(true);
    expect(readdirSync(folder)).toHaveLength(1);
  });

  const lockFile = () => join(folder, partName.replace('.part', '.lock'));

  it('waits for a process that is at it, and can be aborted while it waits', async () => {
    behave = proper;
    writeFileSync(lockFile(), `${hostname()} ${process.pid} x`);
    const controller = new AbortController();
    const waits: number[] = [];
    const onWait = (pid: number) => {
      waits.push(pid);
      controller.abort();
    };
    await expect(download(entry(), { folder, onWait, signal: controller.signal })).rejects.toMatchObject({
      name: 'AbortError',
    });
    expect([waits, requests]).toEqual([[process.pid], []]);
    rmSync(lockFile());
  });

  it('takes over from a process that is no more', async () => {
    behave = proper;
    writeFileSync(lockFile(), `${hostname()} 4194305 x`);
    await download(entry(), { folder });
    expect(readdirSync(folder)).toHaveLength(1);
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
