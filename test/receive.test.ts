/** The network as it should not be: each fault ends in time, in an error that names the address. */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { receive, receiveBytes } from '../src/receive.ts';

describe('receive', () => {
  let server: Server;
  let url: string;
  let behave: (response: ServerResponse) => void;

  beforeEach(async () => {
    server = createServer((_, response) => behave(response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/model.onnx`;
  });

  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const fails = (options: object, code: string, message: RegExp) =>
    expect(receiveBytes(url, options)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(new RegExp(`model\\.onnx: .*${message.source}`)),
    });

  it('gives the bytes, and what was said of their number', async () => {
    behave = (response) => response.writeHead(200, { 'content-length': 6 }).end('abcdef');
    const seen: number[][] = [];
    const bytes = await receiveBytes(url, { onProgress: (...p) => seen.push(p) });
    expect([new TextDecoder().decode(bytes), seen.at(-1)]).toEqual(['abcdef', [6, 6]]);
  });

  it('waits neither for an answer nor for its rest without end', async () => {
    behave = () => undefined;
    await fails({ headersTimeout: 80 }, 'download-failed', /no answer within 0.08 s/);
    behave = (response) => void response.writeHead(200).write('abc');
    await fails({ silenceTimeout: 80 }, 'download-failed', /silence after 3 bytes.*within 0.08 s/);
  });

  it('is slow where the server is, as long as something comes', async () => {
    behave = (response) => {
      let left = 6;
      const timer = setInterval(() => (left-- > 0 ? response.write('x') : (clearInterval(timer), response.end())), 60);
    };
    expect(await receiveBytes(url, { silenceTimeout: 250 })).toHaveLength(6);
  });

  it('takes no more than it may, said or unsaid', async () => {
    behave = (response) => response.writeHead(200, { 'content-length': 1000 }).end('x'.repeat(1000));
    await fails({ maxBytes: 999 }, 'download-corrupt', /1000 bytes are more than the 999/);
    behave = (response) => {
      // Without an end: it must be the receiver that hangs up.
      const timer = setInterval(() => response.write('x'.repeat(500)), 10);
      response.on('close', () => clearInterval(timer));
    };
    await fails({ maxBytes: 999 }, 'download-corrupt', /more than the 999/);
  });

  it('tells a status, a web page, a broken connection and no connection', async () => {
    behave = (response) => response.writeHead(503).end();
    await fails({}, 'download-failed', /status 503/);
    behave = (response) => response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<html>');
    await fails({}, 'download-corrupt', /web page/);
    behave = (response) => {
      response.writeHead(200, { 'content-length': 1000 });
      response.write('abc', () => response.destroy());
    };
    await fails({}, 'download-failed', /broke after 3 bytes/);
    await expect(receiveBytes('http://127.0.0.1:9/x')).rejects.toMatchObject({ code: 'download-failed' });
    await expect(receiveBytes('no address')).rejects.toMatchObject({ code: 'download-failed' });
  });

  it('rejects with the reason of the signal, before, between and after, and with no other AbortError', async () => {
    behave = () => undefined;
    await expect(receiveBytes(url, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
    const controller = new AbortController();
    const waiting = receive(url, { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    behave = (response) => void response.writeHead(200).write('abc');
    const later = new AbortController();
    const reading = receiveBytes(url, { signal: later.signal, onProgress: () => later.abort() });
    await expect(reading).rejects.toMatchObject({ name: 'AbortError' });
  });
});
