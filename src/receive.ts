/**
 * Bytes from an address: the one way in which wgrad uses the network, in a page and in Node. A server that does not
 * answer, falls silent, sends too much or sends a web page in place of the file ends in an error that names the address.
 */
import { WgradError } from './errors.ts';

export interface ReceiveOptions {
  signal?: AbortSignal | undefined;
  headers?: Readonly<Record<string, string>>;
  /** Milliseconds until the answer must have begun; default 30,000. */
  headersTimeout?: number | undefined;
  /** Milliseconds without a byte after which the connection counts as broken; default 30,000. */
  silenceTimeout?: number | undefined;
  /** The most bytes that may come; default 2 GiB, the most that an ONNX file can have. */
  maxBytes?: number | undefined;
  /** Statuses beyond 200 to 299 that the caller deals with. */
  accept?: readonly number[];
}

export interface Incoming {
  status: number;
  headers: Headers;
  /** Bytes to come, where the server says so; else NaN. */
  length: number;
  /** To be read once, or left by {@link cancel}. */
  chunks(): AsyncGenerator<Uint8Array, void, void>;
  cancel(): Promise<void>;
}

export const receiveDefaults = { headersTimeout: 30_000, silenceTimeout: 30_000, maxBytes: 2 ** 31 } as const;

/**
 * @throws WgradError 'download-failed' (no connection, no answer, silence, status), 'download-corrupt' (too much, or a
 *   web page); the signal's reason when it aborts, and only then.
 */
export async function receive(url: string, options: ReceiveOptions = {}): Promise<Incoming> {
  const { signal, headers = {}, accept = [] } = options;
  const headersTimeout = options.headersTimeout ?? receiveDefaults.headersTimeout;
  const silenceTimeout = options.silenceTimeout ?? receiveDefaults.silenceTimeout;
  const maxBytes = options.maxBytes ?? receiveDefaults.maxBytes;
  const failed = (why: string, cause?: unknown) =>
    new WgradError('download-failed', `${url}: ${why}`, {
      remedy: 'Check the address and the network, then try again',
      cause,
    });
  const corrupt = (why: string, remedy?: string) =>
    new WgradError('download-corrupt', `${url}: ${why}`, remedy === undefined ? {} : { remedy });
  signal?.throwIfAborted();

  /** Ends the connection, when the caller aborts and when a time is over. */
  const connection = new AbortController();
  const abort = () => connection.abort(signal!.reason);
  signal?.addEventListener('abort', abort, { once: true });
  const close = () => signal?.removeEventListener('abort', abort);

  /** `work` in time, or the fault that it ended in: the caller's abort goes before all others. */
  async function within<T>(ms: number, work: Promise<T>, late: string, broken: string): Promise<T> {
    let timedOut: WgradError | undefined;
    const timer = setTimeout(() => {
      timedOut = failed(`${late} within ${ms / 1000} s`);
      connection.abort(timedOut);
    }, ms);
    try {
      return await work;
    } catch (cause) {
      close();
      signal?.throwIfAborted();
      throw timedOut ?? failed(broken + reasonOf(cause), cause);
    } finally {
      clearTimeout(timer);
    }
  }

  const request = fetch(url, { headers, signal: connection.signal });
  const response = await within(headersTimeout, request, 'no answer', '');
  const cancel = async () => {
    close();
    await response.body?.cancel().catch(() => undefined);
  };
  const refuse = async (error: WgradError) => {
    await cancel();
    return error;
  };
  const { status } = response;
  if (!accept.includes(status)) {
    if (!response.ok) throw await refuse(failed(`HTTP status ${status}`));
    if (/text\/html/i.test(response.headers.get('content-type') ?? '')) {
      const remedy = 'A login or proxy page may be in the way: open the address in a browser';
      throw await refuse(corrupt('the server sent a web page in place of the file', remedy));
    }
  }
  // The header counts packed bytes where the body was packed on the way.
  const packed = response.headers.has('content-encoding');
  const length = packed ? NaN : Number(response.headers.get('content-length') ?? NaN);
  if (length > maxBytes) throw await refuse(corrupt(`${length} bytes are more than the ${maxBytes} that may come`));

  async function* chunks(): AsyncGenerator<Uint8Array, void, void> {
    const reader = response.body?.getReader();
    let received = 0;
    try {
      while (reader) {
        const broken = `the connection broke after ${received} bytes: `;
        const next = await within(
          silenceTimeout,
          reader.read(),
          `silence after ${received} bytes: nothing came`,
          broken,
        );
        if (next.done) break;
        received += next.value.length;
        if (received > maxBytes) throw corrupt(`more than the ${maxBytes} bytes that may come came`);
        yield next.value;
      }
    } finally {
      close();
      // Also where the caller leaves the loop: the rest is not wanted.
      await reader?.cancel().catch(() => undefined);
    }
  }
  return { status, headers: response.headers, length, chunks, cancel };
}

/** First byte of a partial answer; NaN where the server does not say. */
export const firstByte = (headers: Headers): number =>
  Number(/^bytes (\d+)-/.exec(headers.get('content-range') ?? '')?.[1] ?? NaN);

/** All of it in memory. */
export async function receiveBytes(
  url: string,
  options: ReceiveOptions & { onProgress?: ((received: number, total: number) => void) | undefined } = {},
): Promise<Uint8Array> {
  const incoming = await receive(url, options);
  const parts: Uint8Array[] = [];
  let received = 0;
  for await (const part of incoming.chunks()) {
    parts.push(part);
    received += part.length;
    options.onProgress?.(received, incoming.length);
  }
  return joined(parts);
}

/** One array of several. */
export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Node says "fetch failed" and puts the reason below. */
const reasonOf = (error: unknown): string =>
  ((error as Error).cause as Error | undefined)?.message ?? (error as Error).message;
