/** A compiled step that runs as often as asked: {@link Plan} says what it does, {@link Instance} does it. */
import { WgradError } from '../errors.ts';
import { show } from '../graph/shape.ts';
import type { Tensor, TensorData } from '../graph/tensor.ts';
import { Instance, type Runtime } from './instance.ts';
import type { Plan, ProgramStats } from './plan.ts';
import type { Profile, ProfileOptions } from './profile.ts';

/** Values for the inputs, by name, row-major. They are copied when the run is asked for. */
export type Feeds = Readonly<Record<string, TensorData | readonly number[] | number>>;

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
    work: (instance: Instance, data: readonly TensorData[]) => Promise<T>,
  ): Promise<T> {
    if (this.disposed) throw new WgradError('disposed', 'the program was disposed of');
    const { device, queue } = this.runtime;
    device.check();
    signal?.throwIfAborted();
    const data = this.ordered(feeds, alone || !this.instance || !queue.open);
    this.unfinished++;
    const begin = async () => {
      if (!this.instance) await this.compiled;
      return work(this.instance!, data);
    };
    return queue.add(begin, {
      ready: this.instance ? undefined : this.compiled,
      signal,
      alone,
      onEnd: () => {
        this.unfinished--;
        this.releaseIfOver();
      },
    });
  }

  /** Feeds as the device takes them, in the order of the plan's inputs. */
  private ordered(feeds: Feeds, copy: boolean): TensorData[] {
    const { inputs } = this.plan;
    for (const name of Object.keys(feeds)) {
      if (inputs.has(name)) continue;
      const known = [...inputs.keys()].join(', ') || 'none';
      throw new WgradError('unknown-name', `the program has no input ${name}`, { remedy: `Its inputs are: ${known}` });
    }
    return [...inputs].map(([name, { tensor }]) => {
      const value = feeds[name];
      if (value === undefined) throw new WgradError('missing-feed', `the program's input ${name} was not given`);
      const data = asTensorData(name, tensor, value);
      return copy && data === value ? data.slice() : data;
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

function asTensorData(name: string, tensor: Tensor, value: TensorData | readonly number[] | number): TensorData {
  const list = typeof value === 'number' ? [value] : value;
  if (list?.length !== tensor.size) {
    const given = list?.length === undefined ? `${typeof value} given` : `${list.length} values given`;
    throw new WgradError('shape', `input ${name}: ${given}, ${show(tensor.shape)} needs ${tensor.size}`);
  }
  const Wanted = tensor.dtype === 'i32' ? Int32Array : Float32Array;
  if (list instanceof Wanted) return list;
  if (tensor.dtype === 'i32' && !Array.prototype.every.call(list, Number.isInteger)) {
    throw new WgradError('dtype', `input ${name} is of whole numbers (i32), not all values given are`);
  }
  return Wanted.from(list as ArrayLike<number>);
}
