/**
 * Threads that decode, resize and crop pictures while the device computes: the decoder has threads of its own, but
 * resizing is done here and would keep the loop that feeds the device. What comes back is the picture's bytes, moved and
 * not copied.
 */
import { Worker } from 'node:worker_threads';
import { WgradError, type ErrorCode } from '../errors.ts';
import type { Image } from '../image/image.ts';
import type { Size } from '../image/preprocess.ts';
import type { Preprocess } from '../image/preprocess_spec.ts';

/** What all pictures are brought to. */
export interface PictureTask {
  spec: Preprocess;
  size: Size;
  maxPixels: number | undefined;
}

export interface PictureJob {
  id: number;
  path: string;
}

export interface PictureReply {
  id: number;
  image?: Image & { data: Uint8Array };
  fault?: { message: string; code?: ErrorCode; remedy?: string };
}

interface Waiting {
  resolve(image: Image): void;
  reject(error: Error): void;
}

interface Thread {
  worker: Worker;
  waiting: Map<number, Waiting>;
}

/** Beside this file, in the package and from the sources alike; a thread must be told how to read these. */
const isSource = import.meta.url.endsWith('.ts');
const script = new URL(`./picture_worker.${isSource ? 'ts' : 'js'}`, import.meta.url);
const fromSource = `import('tsx/esm/api').then(({ register }) => (register(), import('${script.href}')))`;

export class PictureWorkers {
  /** Pictures that came back. */
  done = 0;
  private readonly threads: Thread[] = [];
  private nextId = 0;

  /** @param count threads, started when they are first needed; they do not keep the process when nobody waits for them. */
  constructor(
    private readonly task: PictureTask,
    private readonly count: number,
  ) {}

  /** @throws (rejects) WgradError as {@link decodeImage} does; 'worker-failed' where a thread ends. */
  load(path: string): Promise<Image> {
    const thread = this.idlest();
    const id = this.nextId++;
    thread.worker.ref();
    const job: PictureJob = { id, path };
    return new Promise((resolve, reject) => {
      thread.waiting.set(id, { resolve, reject });
      thread.worker.postMessage(job);
    });
  }

  /** A new one as long as there may be more and all others are busy. */
  private idlest(): Thread {
    const least = this.threads.reduce<Thread | undefined>((a, b) => (a && a.waiting.size <= b.waiting.size ? a : b), undefined); // prettier-ignore
    if (least && (least.waiting.size === 0 || this.threads.length >= this.count)) return least;
    const { task: workerData } = this;
    const worker = isSource ? new Worker(fromSource, { workerData, eval: true }) : new Worker(script, { workerData });
    const thread: Thread = { worker, waiting: new Map() };
    worker.on('message', (reply: PictureReply) => this.receive(thread, reply));
    const fail = (why: string, cause?: unknown) => {
      const error = new WgradError('worker-failed', `a thread that decodes pictures ${why}`, { cause });
      for (const { reject } of thread.waiting.values()) reject(error);
      thread.waiting.clear();
      const at = this.threads.indexOf(thread);
      if (at >= 0) this.threads.splice(at, 1);
    };
    worker.on('error', (cause) => fail(`failed: ${cause.message}`, cause));
    worker.on('exit', (code) => fail(`ended with code ${code}`));
    this.threads.push(thread);
    return thread;
  }

  private receive({ worker, waiting }: Thread, { id, image, fault }: PictureReply): void {
    const entry = waiting.get(id);
    waiting.delete(id);
    if (waiting.size === 0) worker.unref();
    this.done++;
    if (image) return entry?.resolve(image);
    const { message, code, remedy } = fault!;
    const error = code ? new WgradError(code, message, remedy === undefined ? {} : { remedy }) : new Error(message);
    entry?.reject(error);
  }
}
