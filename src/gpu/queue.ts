/**
 * The work of an engine in the order of the calls. A call begins at once where it can; at most {@link IN_FLIGHT} wait
 * for the GPU at a time, so that a loop that does not await holds two results' memory, not a thousand.
 */

/** One to compute, one to be read back and asked for anew meanwhile. */
const IN_FLIGHT = 2;

export interface WorkOptions {
  /** Begins only after this: the compilation of the program that runs. What is asked for later waits too. */
  ready?: Promise<unknown> | undefined;
  /** Rejects with its reason at once. Work that has not begun never begins; what the GPU has begun, it ends. */
  signal?: AbortSignal | undefined;
  /** False: it keeps its place in the order, but is not counted as waiting for the GPU. */
  counts?: boolean;
  /** Begins when nothing is with the GPU, and nothing else begins before it is over: a measurement. */
  alone?: boolean;
  /** Called once when it is over: done, failed or taken back. */
  onEnd?: (() => void) | undefined;
}

interface Job {
  ready: Promise<unknown> | undefined;
  /** Its `ready` is being waited for. */
  watched?: boolean;
  counts: boolean;
  alone: boolean;
  begin(): Promise<void>;
}

export class WorkQueue {
  private readonly waiting: Job[] = [];
  private inFlight = 0;
  /** Something runs that was to be alone. */
  private closed = false;
  private unfinished = 0;
  private whenIdle: (() => void)[] = [];

  /** Whether work that is asked for now begins now, before its data can change. */
  get open(): boolean {
    return this.waiting.length === 0 && this.inFlight < IN_FLIGHT && !this.closed;
  }

  /** @param submit makes its calls into WebGPU without a pause, and resolves when the GPU has done them. */
  add<T>(submit: () => Promise<T>, options: WorkOptions = {}): Promise<T> {
    const { ready, signal, counts = true, alone = false, onEnd } = options;
    this.unfinished++;
    return new Promise<T>((resolve, reject) => {
      const end = () => {
        signal?.removeEventListener('abort', abort);
        onEnd?.();
        if (--this.unfinished === 0) for (const tell of this.whenIdle.splice(0)) tell();
      };
      const job: Job = {
        ready,
        counts,
        alone,
        begin: () => attempt(submit).then(resolve, reject).finally(end),
      };
      const abort = () => {
        reject(signal!.reason as Error);
        const at = this.waiting.indexOf(job);
        if (at < 0) return;
        this.waiting.splice(at, 1);
        end();
        this.next();
      };
      signal?.addEventListener('abort', abort);
      this.waiting.push(job);
      this.next();
    });
  }

  get isIdle(): boolean {
    return this.unfinished === 0;
  }

  /** Resolves when nothing is unfinished. */
  idle(): Promise<void> {
    return this.isIdle ? Promise.resolve() : new Promise((resolve) => this.whenIdle.push(resolve));
  }

  private next(): void {
    for (let job = this.waiting[0]; job; job = this.waiting[0]) {
      if (this.closed || (job.counts && this.inFlight >= (job.alone ? 1 : IN_FLIGHT))) return;
      if (job.ready) return this.resumeAfter(job);
      this.waiting.shift();
      void this.begin(job);
    }
  }

  private resumeAfter(job: Job): void {
    if (job.watched) return;
    job.watched = true;
    const resume = () => {
      job.ready = undefined;
      this.next();
    };
    job.ready!.then(resume, resume);
  }

  private async begin(job: Job): Promise<void> {
    if (job.counts) this.inFlight++;
    if (job.alone) this.closed = true;
    await job.begin();
    if (job.alone) this.closed = false;
    if (job.counts) this.inFlight--;
    this.next();
  }
}

const attempt = async <T>(work: () => Promise<T>): Promise<T> => work();
