/**
 * Calls between two threads, both ways, over anything that posts messages. What goes across is cloned, but:
 *
 *   functions      can be called from the other side, and give a promise there
 *   AbortSignals   abort there as well
 *   async iterables give their values as they are asked for; leaving the loop ends the work
 *   errors         keep their class, code and remedy
 *   transfer(x)    moves buffers and bitmaps instead of copying them
 */
import { WgradError, type ErrorCode } from '../errors.ts';

/** A Worker, the inside of one, or a MessagePort. */
export interface Port {
  /** As that of a Worker or MessagePort. */
  postMessage(message: unknown, transfer: Transferable[]): void;
  /** As that of a Worker or MessagePort. */
  addEventListener(type: 'message' | 'messageerror' | 'error', listener: (event: any) => void): void;
  /** Of message ports, which are silent before. */
  start?(): void;
}

/** How one side sees the functions of the other. */
export type Remote<T> = {
  readonly [K in keyof T]: T[K] extends (...args: infer A) => infer R ? (...args: A) => Promise<Awaited<R>> : never;
};

type Callable = (...args: any[]) => unknown;

const TAG = '$wgrad';

interface Call {
  call: number;
  /** A method's name, or the number of a function of the receiver's. */
  of: string | number;
  args: unknown[];
}
type Message =
  Call | { reply: number; value?: unknown; fault?: unknown } | { abort: number; reason: unknown } | { free: number };

/** What is moved with a value. */
const moved = new WeakMap<object, readonly Transferable[]>();

/**
 * Marks a value whose buffers are moved to the other thread instead of copied: they are empty here afterwards.
 * @param parts default: the buffers of typed arrays in it, one level deep.
 */
export function transfer<T extends object>(value: T, parts?: readonly Transferable[]): T {
  const arrays = ArrayBuffer.isView(value) ? [value] : Object.values(value).filter((v) => ArrayBuffer.isView(v));
  moved.set(value, parts ?? [...new Set(arrays.map(({ buffer }) => buffer as ArrayBuffer))]);
  return value;
}

const isPlain = (value: object): value is Record<string, unknown> => {
  const proto: unknown = Object.getPrototypeOf(value);
  return proto === Object.prototype || proto === null;
};

/** What goes along with one message. */
class Outgoing {
  readonly parts = new Set<Transferable>();
  readonly signals: AbortSignal[] = [];
  /** Aborted when nobody listens to the signals any more. */
  readonly over = new AbortController();
  hasFunctions = false;

  get list(): Transferable[] {
    return [...this.parts];
  }
}

/** One end. */
export class Wire {
  private nextId = 1;
  private readonly waiting = new Map<number, { resolve(value: unknown): void; reject(reason: unknown): void }>();
  private readonly functions = new Map<number, Callable>();
  private readonly aborts = new Map<number, AbortController>();
  private readonly unused = new FinalizationRegistry<number>((free) => this.post({ free }));
  /** Functions of the other side that were met. */
  private met = 0;
  private broken: WgradError | undefined;

  /** @param methods what the other side may call by name. */
  constructor(
    private readonly port: Port,
    private readonly methods: object = {},
  ) {
    port.addEventListener('message', ({ data }: MessageEvent<Message>) => this.receive(data));
    // Of a Worker as its page sees it; inside one they are the Worker's own affair.
    if ((port as unknown) !== globalThis) {
      port.addEventListener('error', (event: ErrorEvent) => {
        this.fail(`the Worker failed: ${event.message || 'its script cannot be loaded'}`);
      });
    }
    port.start?.();
  }

  /** Calls what the other side has under a name. @throws (rejects) what it throws; a signal's reason among `args` at once. */
  call(of: string | number, args: readonly unknown[]): Promise<any> {
    if (this.broken) return Promise.reject(this.broken);
    const { met } = this;
    const out = new Outgoing();
    const id = this.nextId++;
    const encoded = args.map((arg) => this.encode(arg, out));
    const result = new Promise((resolve, reject) => {
      for (const signal of out.signals) {
        if (signal.aborted) return reject(signal.reason as Error);
        signal.addEventListener('abort', () => reject(signal.reason as Error), { signal: out.over.signal });
      }
      this.waiting.set(id, { resolve, reject });
      try {
        this.port.postMessage({ call: id, of, args: encoded } satisfies Message, out.list);
      } catch (cause) {
        this.waiting.delete(id);
        reject(new WgradError('invalid-argument', `${String(of)}: what was given cannot go to a Worker`, { cause }));
      }
    });
    // What the other side goes on with, such as a loop, may still be aborted.
    return result.finally(() => this.met === met && out.over.abort());
  }

  /** Ends everything that is under way with an error. */
  fail(reason: string): void {
    this.broken ??= new WgradError('worker-failed', reason);
    for (const { reject } of this.waiting.values()) reject(this.broken);
    this.waiting.clear();
  }

  private post(message: Message, parts: Transferable[] = []): void {
    this.port.postMessage(message, parts);
  }

  private receive(message: Message): void {
    if ('reply' in message) {
      const entry = this.waiting.get(message.reply);
      this.waiting.delete(message.reply);
      if (message.fault === undefined) entry?.resolve(this.decode(message.value));
      else entry?.reject(this.decode(message.fault));
    } else if ('call' in message) void this.answer(message);
    else if ('abort' in message) this.aborts.get(message.abort)?.abort(this.decode(message.reason));
    else this.functions.delete(message.free);
  }

  private async answer({ call, of, args }: Call): Promise<void> {
    const heard: number[] = [];
    const out = new Outgoing();
    let reply: Message;
    try {
      const f = typeof of === 'number' ? this.functions.get(of) : this.method(of);
      if (!f) throw new WgradError('unknown-name', `the other side has no function '${of}'`);
      const value = await f(...args.map((arg) => this.decode(arg, heard)));
      reply = { reply: call, value: this.encode(value, out) };
    } catch (error) {
      reply = { reply: call, fault: faultOf(error) };
    }
    if (!out.hasFunctions) for (const id of heard) this.aborts.delete(id);
    try {
      this.post(reply, out.list);
    } catch (cause) {
      this.post({ reply: call, fault: faultOf(cause) });
    }
  }

  private method(name: string): Callable | undefined {
    const { methods } = this;
    const found: unknown = name in Object.prototype ? undefined : methods[name as keyof typeof methods];
    return typeof found === 'function' ? (...args) => (found as Callable).apply(methods, args) : undefined;
  }

  private hold(f: Callable, out: Outgoing): number {
    const id = this.nextId++;
    this.functions.set(id, f);
    out.hasFunctions = true;
    return id;
  }

  private encode(value: unknown, out: Outgoing): unknown {
    if (typeof value === 'function') return { [TAG]: 'function', id: this.hold(value as Callable, out) };
    if (typeof value !== 'object' || value === null) return value;
    for (const part of moved.get(value) ?? []) out.parts.add(part);
    if (value instanceof AbortSignal) {
      const id = this.nextId++;
      out.signals.push(value);
      const abort = () => this.post({ abort: id, reason: faultOf(value.reason) });
      value.addEventListener('abort', abort, { signal: out.over.signal });
      return { [TAG]: 'signal', id };
    }
    if (value instanceof Error) return faultOf(value);
    if (value instanceof URL) return { [TAG]: 'url', href: value.href };
    if (Symbol.asyncIterator in value) {
      const values = (value as AsyncIterable<unknown>)[Symbol.asyncIterator]();
      const next = this.hold(() => values.next(), out);
      return { [TAG]: 'stream', next, end: this.hold(() => values.return?.(), out) };
    }
    const inner = (v: unknown) => this.encode(v, out);
    if (Array.isArray(value)) return value.map(inner);
    if (isPlain(value)) return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, inner(v)]));
    return value;
  }

  private decode(value: unknown, heard: number[] = []): unknown {
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map((v) => this.decode(v, heard));
    if (!isPlain(value)) return value;
    switch (value[TAG]) {
      case 'function':
        return this.remote(value['id'] as number);
      case 'signal': {
        const controller = new AbortController();
        this.aborts.set(value['id'] as number, controller);
        heard.push(value['id'] as number);
        return controller.signal;
      }
      case 'url':
        return new URL(value['href'] as string);
      case 'fault':
        return errorOf(value as unknown as Fault);
      case 'stream':
        return values(this.remote(value['next'] as number), this.remote(value['end'] as number));
      default:
        return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, this.decode(v, heard)]));
    }
  }

  private remote(id: number): (...args: unknown[]) => Promise<any> {
    const f = (...args: unknown[]) => this.call(id, args);
    this.unused.register(f, id);
    this.met++;
    return f;
  }
}

async function* values(next: () => Promise<IteratorResult<unknown>>, end: () => Promise<unknown>) {
  try {
    for (;;) {
      const { done, value } = await next();
      if (done) return value;
      yield value;
    }
  } finally {
    await end();
  }
}

interface Fault {
  [TAG]: 'fault';
  name: string;
  message: string;
  code?: ErrorCode;
  remedy?: string | undefined;
  stack?: string | undefined;
  cause?: unknown;
}

function faultOf(error: unknown): unknown {
  if (error instanceof WgradError) {
    const { code, remedy, stack } = error;
    const message = remedy === undefined ? error.message : error.message.slice(0, -`. ${remedy}`.length);
    return {
      [TAG]: 'fault',
      name: 'WgradError',
      code,
      message,
      remedy,
      stack,
      cause: error.cause && faultOf(error.cause),
    };
  }
  if (error instanceof Error) return { [TAG]: 'fault', name: error.name, message: error.message, stack: error.stack };
  return { [TAG]: 'fault', name: 'Error', message: String(error) };
}

function errorOf({ name, message, code, remedy, stack, cause }: Fault): Error {
  const reason = cause === undefined ? undefined : errorOf(cause as Fault);
  if (name === 'AbortError' || name === 'TimeoutError') return new DOMException(message, name);
  const details = { cause: reason, ...(remedy !== undefined && { remedy }) };
  const error = code ? new WgradError(code, message, details) : Object.assign(new Error(message), { name });
  if (stack !== undefined) error.stack = stack;
  return error;
}

/** Offers the functions of an object to the other side: in a Worker, `expose({ ... })` or `expose(new Mine())`. */
export function expose(methods: object, port: Port = globalThis as unknown as Port): Wire {
  return new Wire(port, methods);
}

/** The functions that the other side {@link expose}s: `connect<typeof methods>(new Worker(...))`. */
export function connect<T>(port: Port | Wire): Remote<T> {
  const wire = port instanceof Wire ? port : new Wire(port);
  return new Proxy({} as Remote<T>, {
    get: (_, name) => (name === 'then' ? undefined : (...args: unknown[]) => wire.call(String(name), args)),
  });
}
