/** loadOnnx from an address, as a web page does it. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packageFolder } from '../../src/node/package.ts';
import { importOnnx, loadOnnx, type LoadProgress } from '../../src/onnx/index.ts';
import { testEngine } from '../support/engine.ts';

const file = readFileSync(`${packageFolder}weights/shapes.onnx`);

describe('loadOnnx', () => {
  let server: Server;
  let url: string;
  let behave: (response: ServerResponse) => void;

  beforeEach(async () => {
    server = createServer((_, response) => behave(response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/shapes.onnx`;
    behave = (response) => response.writeHead(200, { 'content-length': file.length }).end(file);
  });

  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it('reads an address, checks its hash and reports progress', async () => {
    const seen: LoadProgress[] = [];
    const sha256 = createHash('sha256').update(file).digest('hex');
    const model = await loadOnnx(await testEngine(), url, { sha256, onProgress: (p) => seen.push(p) });
    const whole = { loaded: file.length, total: file.length };
    expect(seen.slice(-2)).toEqual([
      { ...whole, phase: 'download' },
      { ...whole, phase: 'parse' },
    ]);
    expect(model.classes).toBe(8);
    model.dispose();
  });

  it('takes what a program has: an answer of fetch, a Blob, an ArrayBuffer, the handle of a file', async () => {
    const engine = await testEngine();
    const handle = { getFile: () => Promise.resolve(new File([file], 'shapes.onnx')) } as FileSystemFileHandle;
    const sources = [await fetch(url), new Blob([file]), Uint8Array.from(file).buffer, handle, new URL(url)];
    for (const source of sources) {
      using model = await loadOnnx(engine, source);
      expect(model.classes).toBe(8);
    }
    await expect(loadOnnx(engine, 5 as never)).rejects.toMatchObject({ code: 'invalid-argument' });
    await expect(loadOnnx(engine, url, { cache: true })).rejects.toThrow(/SHA-256, which is not given/);
    behave = (response) => response.writeHead(404).end();
    await expect(loadOnnx(engine, await fetch(url))).rejects.toMatchObject({ code: 'download-failed' });
  });

  it('names the address in every fault', async () => {
    const engine = await testEngine();
    const failing = (options = {}) => expect(loadOnnx(engine, url, options)).rejects;
    await failing({ sha256: '00' }).toMatchObject({ code: 'download-corrupt', message: expect.stringContaining(url) });
    behave = (response) => response.writeHead(404).end();
    await failing().toMatchObject({ code: 'download-failed', message: expect.stringMatching(/shapes\.onnx.*404/) });
    behave = (response) => {
      response.writeHead(200, { 'content-length': file.length });
      response.write(file.subarray(0, 1000), () => response.destroy());
    };
    await failing().toMatchObject({ code: 'download-failed', message: expect.stringContaining(url) });
    behave = (response) => response.end('<html>log in</html>');
    await failing().toMatchObject({ code: 'onnx-parse', message: expect.stringContaining(url) });
  });

  it('has the caps that fetch has: size, silence, a web page', async () => {
    const engine = await testEngine();
    const failing = (options: object, code: string) =>
      expect(loadOnnx(engine, url, options)).rejects.toMatchObject({ code, message: expect.stringContaining(url) });
    await failing({ maxBytes: 1000 }, 'download-corrupt');
    behave = (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>log in</html>');
    await failing({}, 'download-corrupt');
    behave = (response) => void response.writeHead(200).write(file.subarray(0, 1000));
    await failing({ silenceTimeout: 100 }, 'download-failed');
  });

  it('stops when it is aborted', async () => {
    behave = (response) => {
      response.writeHead(200, { 'content-length': file.length });
      response.write(file.subarray(0, 1000));
    };
    const controller = new AbortController();
    const options = { signal: controller.signal, onProgress: () => controller.abort() };
    await expect(loadOnnx(await testEngine(), url, options)).rejects.toMatchObject({ name: 'AbortError' });
  });

  it.each([NaN, Infinity])('refuses a parameter that holds %s', async (value) => {
    const network = await importOnnx(file);
    const values = new Map([...network.parameters].map(([name, p]) => [name, p.variable.initial.slice()]));
    values.get('layer2.0.conv1.weight')![5] = value;
    const spoilt = await network.save(values, network.metadata);
    await expect(loadOnnx(await testEngine(), spoilt)).rejects.toMatchObject({
      code: 'not-finite',
      message: expect.stringContaining('layer2.0.conv1.weight'),
    });
  });
});
