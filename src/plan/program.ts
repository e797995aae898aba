/** A compiled step that runs as often as asked: {@link Plan} says what it does, {@link Instance} does it. */
import { WgradError } from '../errors.ts';
import { keepFeeds, orderedFeeds, type FeedData, type Feeds } from './feeds.ts';
import { Instance, type Runtime } from './instance.ts';
import type { Plan, ProgramStats } from './plan.ts';
import type { Profile, ProfileOptions } from './profile.ts';

export type { Feed, Feeds } from './feeds.ts';

/** Options of {@link Program.run}. */
export interface RunOptions {
  /**
   * The run rejects with its reason at once. What has not begun never begins; what the GPU has begun it ends, its
   * updates included.
   */
  signal?: AbortSignal | undefined;
}

/** A compiled graph: feeds in, outputs out, as often as wanted. */
export class Program<Names extends string = string> {
  private ready: Promise<void>;
  private instance: Instance | undefined;
  private unfinished = 0;
  private disposed = false;

  /** Use {@link Engine.compile}. */
  constructor(
    private runtime: Runtime,
    /** What runs: for profilers, for tests that count, and for other engines (`engine.instantiate(plan)`). */
    readonly plan: Plan<Names>,
    signal?: AbortSignal,
  ) {
    runtime.programs.add(this);
    this.ready = this.instantiate(false, signal);
    this.ready.catch(() => runtime.programs.delete(this));
  }

  private instantiate(again: boolean, signal?: AbortSignal): Promise<void> {
    const ready = Instance.create(this.plan, this.runtime, signal, again).then((instance) => {
      this.instance = instance;
      this.releaseIfOver();
    });
    ready.catch(() => undefined);
    return ready;
  }

  /** Resolves when it can run. A run that is asked for before waits for it, and keeps its place in the order. */
  get compiled(): Promise<void> {
    return this.ready;
  }

  /** On the device that comes after a loss; called by {@link Engine.restore}. What it had on the old one is gone with it. */
  moveTo(runtime: Runtime): Promise<void> {
    this.runtime = runtime;
    this.instance = undefined;
    return (this.ready = this.instantiate(true));
  }

  get stats(): ProgramStats {
    return this.plan.stats;
  }

  /**
   * Runs once and resolves with the outputs, row-major in their logical shapes. What is asked of an engine happens in
   * the order of the calls: a variable written after this call is seen by the next run.
   * @throws (rejects) WgradError 'missing-feed', 'unknown-name', 'shape', 'dtype', 'not-finite' (see `updateIf`),
   *   'disposed', 'device-lost', 'out-of-memory': of this run only; the signal's reason.
   */
  async run(feeds: Feeds = {}, { signal }: RunOptions = {}): Promise<Record<Names, Float32Array>> {
    const results = this.add(feeds, signal, false, (instance, data) => instance.submit(data));
    return results as Promise<Record<Names, Float32Array>>;
  }

  /**
   * {@link run} with outputs that stay on the device: one buffer for each, row-major float32 (int32 for outputs of that
   * dtype) and no more, with the usages STORAGE, COPY_SRC and COPY_DST. They are the caller's: nobody else destroys
   * them, and the engine does not count them. Resolves when they are written.
   * @throws (rejects) as {@link run}; then there are none.
   */
  async runToBuffers(feeds: Feeds = {}, { signal }: RunOptions = {}): Promise<Record<Names, GPUBuffer>> {
    const buffers = this.add(feeds, signal, false, (instance, data) => instance.submitToBuffers(data));
    return buffers as Promise<Record<Names, GPUBuffer>>;
  }

  /**
   * The time of each dispatch, on the given feeds: by the device's timestamps, or by waiting for each. Nothing else runs
   * on the engine meanwhile. Updates are carried out and taken back: variables are afterwards as before.
   * @throws (rejects) as {@link run}; 'invalid-argument'; 'limit-exceeded' for timestamps where the device has none.
   */
  async profile(feeds: Feeds = {}, options: ProfileOptions = {}): Promise<Profile> {
    return this.add(feeds, options.signal, true, async (instance, data) => {
      const { profileRun } = await import('./profile.ts');
      return instance.takeApart(data, (parts) => profileRun(parts, options));
    });
  }

  private add<T>(
    feeds: Feeds,
    signal: AbortSignal | undefined,
    alone: boolean,
    work: (instance: Instance, data: readonly FeedData[]) => Promise<T>,
  ): Promise<T> {
    if (this.disposed) throw new WgradError('disposed', 'the program was disposed of');
    const { device, queue } = this.runtime;
    device.check();
    signal?.throwIfAborted();
    const data = orderedFeeds(this.plan, feeds);
    const later = alone || !this.instance || !queue.open;
    const kept = later ? keepFeeds(device, data, feeds) : undefined;
    this.unfinished++;
    // Without a pause, once both are ready: what is asked for next begins behind it.
    const begin = async () => {
      if (!this.instance) await this.compiled;
      if (kept?.fault) throw kept.fault;
      return work(this.instance!, kept?.list ?? data);
    };
    const waits = [...(this.instance ? [] : [this.compiled]), ...(kept?.ready ? [kept.ready] : [])];
    return queue.add(begin, {
      ready: waits.length > 0 ? Promise.all(waits) : undefined,
      signal,
      alone,
      onEnd: () => {
        kept?.free();
        this.unfinished--;
        this.releaseIfOver();
      },
    });
  }

  /** Frees the program's memory once the runs are over that were asked for; variables stay. Idempotent. */
  dispose(): void {
    this.disposed = true;
    this.releaseIfOver();
  }

  /** `using`: {@link Program.dispose} at the end of the block. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  private releaseIfOver(): void {
    if (!this.disposed || this.unfinished > 0) return;
    this.runtime.programs.delete(this);
    this.instance?.destroy();
    this.instance = undefined;
  }
}
