/** What puppeteer drives: the request and the files from the server, progress and the result through its functions. */
import type { NetworkSource } from '../core/case.ts';
import { runInPage, type OpenPeer, type PageRequest } from './page.ts';

declare global {
  var benchCase: (json: string) => Promise<void>;
  var benchDone: (json: string) => Promise<void>;
}

/** Files come in parts: a browser elsewhere gets them through the debugging protocol, whose messages are limited. */
async function fetched(name: string, parts: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for (let i = 0; i < parts; i++) {
    const response = await fetch(`/files/${name}/${i}`);
    if (!response.ok) throw new Error(`${name}: ${response.status}`);
    chunks.push(new Uint8Array(await response.arrayBuffer()));
  }
  const bytes = new Uint8Array(chunks.reduce((n, c) => n + c.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

type Described = Omit<NetworkSource, 'bytes'> & { parts: number };

export interface DrivenRequest extends Omit<PageRequest, 'network' | 'small' | 'extra'> {
  /** Parts of each, by name. */
  extra: Readonly<Record<string, number>>;
  network: Described;
  small: Described;
}

export async function drive(peers: Readonly<Record<string, OpenPeer>>): Promise<void> {
  try {
    const request = (await (await fetch('/request.json')).json()) as DrivenRequest;
    const [network, small] = await Promise.all(
      (['network', 'small'] as const).map(async (name) => ({
        ...request[name],
        bytes: await fetched(name, request[name].parts),
      })),
    );
    const extra: Record<string, Uint8Array> = {};
    for (const [name, parts] of Object.entries(request.extra)) extra[name] = await fetched(name, parts);
    const whole = { ...request, network: network!, small: small!, extra };
    const result = await runInPage(whole, peers, (id, index, count, done) => {
      if (done) void benchCase(JSON.stringify({ id, index, count, done }));
    });
    await benchDone(JSON.stringify({ result }));
  } catch (error) {
    await benchDone(JSON.stringify({ error: String((error as Error)?.stack ?? error) }));
  }
}
