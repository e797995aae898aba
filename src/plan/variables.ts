/**
 * Where variables live on the device: uploaded on first use, and kept as long as somebody holds them. The engine does
 * until {@link VariableStore.release}, every program that uses one until it is disposed of, and every read and write
 * until it is done.
 */
import { WgradError } from '../errors.ts';
import { fromHalf, toHalf } from '../formats/half.ts';
import { readRange } from '../gpu/read_range.ts';
import { GPU_USAGE, type Device } from '../gpu/device.ts';
import type { WorkQueue } from '../gpu/queue.ts';
import type { Variable } from '../graph/leaves.ts';
import { reorder } from '../graph/layout.ts';
import { show } from '../graph/shape.ts';
import { Pace } from '../pace.ts';

/** A variable on the device. */
export interface Held {
  readonly variable: Variable;
  readonly buffer: GPUBuffer;
  /** When it changed last, by the store's clock. */
  changed: number;
  /** Whether it may be other than its initial value. */
  written: boolean;
  holders: number;
  /** Rejects where the device had no room for it, or its values could not be read; then nobody holds it. */
  ready: Promise<void>;
  /** Its first values are still to come: from a file, or in their turn. */
  awaited: boolean;
}

/** Values that are laid out and uploaded at once; more are in turns, so that a page stays alive. */
const AT_ONCE = 2 ** 20;

export class VariableStore {
  private readonly held = new Map<Variable, Held>();
  private clock = 0;

  /**
   * @param kept values on the host that are not the initial ones: of writes and of snapshots.
   * @param released what only the programs that have it may use.
   */
  private constructor(
    private readonly device: Device,
    private readonly queue: WorkQueue,
    private readonly kept: WeakMap<Variable, Float32Array>,
    private readonly released: WeakSet<Variable>,
  ) {}

  static create(device: Device, queue: WorkQueue): VariableStore {
    return new VariableStore(device, queue, new WeakMap(), new WeakSet());
  }

  /** The store of the device that comes after this one's loss, with the values that the host knows. */
  onDevice(device: Device): VariableStore {
    return new VariableStore(device, this.queue, this.kept, this.released);
  }

  /** What is other than its initial value, and can be read. */
  get readable(): Variable[] {
    const written = [...this.held.values()].filter((held) => held.written).map((held) => held.variable);
    return written.filter((variable) => !this.released.has(variable));
  }

  /** Every variable that is on the device. */
  get all(): Variable[] {
    return [...this.held.keys()];
  }

  /** Keeps `values` as what a lost variable comes back with; row-major, not copied. */
  keep(values: Iterable<readonly [Variable, Float32Array]>): void {
    for (const [variable, data] of values) this.kept.set(variable, data);
  }

  /**
   * Holds `variables` until {@link drop}; await `ready` of each before its buffer is used.
   * @param again whether the program had them before its device was lost, be they released or not.
   * @throws WgradError 'disposed' naming one that was released, 'limit-exceeded'; then none is held.
   */
  hold(variables: Iterable<Variable>, again = false): Held[] {
    const list = [...variables];
    const gone = list.find((v) => this.released.has(v) && !again);
    if (gone) throw releasedError(gone);
    const fresh: Held[] = [];
    try {
      const missing = list.filter((v) => !this.held.has(v));
      if (missing.length > 0) this.create(missing, fresh);
    } catch (error) {
      this.forget(fresh);
      throw error;
    }
    return list.map((variable) => {
      const held = this.held.get(variable)!;
      held.holders++;
      return held;
    });
  }

  private create(missing: readonly Variable[], fresh: Held[]): void {
    const { STORAGE, COPY_SRC, COPY_DST } = GPU_USAGE;
    const what = missing.length === 1 ? `variable ${missing[0]!.name}` : `${missing.length} variables`;
    const inTurns = missing.reduce((sum, { tensor, isZero }) => sum + (isZero ? 0 : tensor.size), 0) > AT_ONCE;
    const [, accepted] = this.device.scoped(what, () => {
      for (const variable of missing) {
        const buffer = this.device.createBuffer(variable.bytes, STORAGE | COPY_SRC | COPY_DST, variable.name);
        const kept = this.kept.get(variable);
        const holders = this.released.has(variable) ? 0 : 1;
        const isZero = !kept && variable.isZero;
        const awaited = !isZero && (inTurns || (!kept && !variable.isAtHand));
        const ready = Promise.resolve();
        const held = { variable, buffer, changed: 0, written: kept !== undefined, holders, ready, awaited };
        fresh.push(held);
        this.held.set(variable, held);
        // Buffers begin as zeros.
        if (isZero) held.changed = ++this.clock;
        else if (!awaited) this.upload(held, inLayout(variable, kept ?? variable.initial));
      }
    });
    const filled = this.fill(fresh.filter((held) => held.awaited));
    const ready = Promise.all([accepted, filled]).then(
      () => fresh.forEach((held) => held.variable.letGo()),
      (error: unknown) => {
        this.forget(fresh);
        if (this.device.isAlive) this.device.reclaim();
        throw error;
      },
    );
    ready.catch(() => undefined);
    for (const held of fresh) held.ready = ready;
  }

  /** With values that take a while. Whoever uses them waits for `ready`; a write meanwhile goes before them. */
  private async fill(list: readonly Held[]): Promise<void> {
    const coming = list.map(async ({ variable }) => this.kept.get(variable) ?? variable.bring());
    const accepted: Promise<void>[] = [];
    // They are waited for one after the other, and may fail before.
    const settled = Promise.allSettled(coming);
    const pace = new Pace();
    for (const [i, held] of list.entries()) {
      const data = await coming[i]!;
      this.device.checkAlive();
      if (!held.awaited || held.holders === 0) continue;
      held.awaited = false;
      const { variable } = held;
      const [, done] = this.device.scoped(`variable ${variable.name}`, () =>
        this.upload(held, inLayout(variable, data)),
      );
      accepted.push(done);
      await pace.next();
    }
    await Promise.all([settled, ...accepted]);
  }

  private upload(held: Held, data: Float32Array): void {
    const stored = held.variable.half ? toHalf(data) : (data as Float32Array<ArrayBuffer>);
    this.device.gpu.queue.writeBuffer(held.buffer, 0, stored);
    held.changed = ++this.clock;
  }

  /** Ends a {@link hold} that came to nothing: what it has brought here goes again. */
  abandon(list: readonly Held[]): void {
    this.drop(list);
    this.forget(list.filter((held) => held.holders === 1 && !held.written));
  }

  /** Ends a {@link hold}. */
  drop(list: Iterable<Held>): void {
    for (const held of list) {
      if (--held.holders > 0) continue;
      if (this.held.get(held.variable) === held) this.held.delete(held.variable);
      this.device.destroyBuffer(held.buffer);
    }
  }

  private forget(list: readonly Held[]): void {
    for (const held of list) {
      if (this.held.get(held.variable) === held) this.held.delete(held.variable);
      held.holders = 0;
      this.device.destroyBuffer(held.buffer);
    }
  }

  /** Replaces the value; row-major, copied at the call. Rejects where it could not, and the value is as before. */
  async write(variable: Variable, data: Float32Array, signal?: AbortSignal): Promise<void> {
    this.device.check();
    signal?.throwIfAborted();
    if (data.length !== variable.tensor.size) {
      throw new WgradError('shape', `${variable.name}: ${data.length} values given for ${show(variable.shape)}`);
    }
    const [held] = this.hold([variable]) as [Held];
    const ordered = inLayout(variable, data);
    const copy = data.slice();
    const write = async () => {
      this.device.checkAlive();
      const sent = ordered === data ? copy : ordered;
      const [, accepted] = this.device.scoped(`a write of ${variable.name}`, () => this.upload(held, sent));
      held.written = true;
      held.awaited = false;
      await Promise.all([held.ready, accepted]);
      this.kept.set(variable, copy);
    };
    await this.queue.add(write, { signal, counts: false, onEnd: () => this.drop([held]) });
  }

  /** The value, row-major; a copy. */
  async read(variable: Variable, signal?: AbortSignal): Promise<Float32Array> {
    this.device.check();
    signal?.throwIfAborted();
    if (this.released.has(variable)) throw releasedError(variable);
    if (!this.held.has(variable)) return (this.kept.get(variable) ?? (await variable.bring())).slice();
    const [held] = this.hold([variable]) as [Held];
    const ready = held.awaited ? held.ready : undefined;
    return this.queue.add(() => this.readNow(held), { ready, signal, onEnd: () => this.drop([held]) });
  }

  private async readNow({ variable, buffer, ready }: Held): Promise<Float32Array> {
    const { bytes, half } = variable;
    const take = (mapped: ArrayBuffer) =>
      half ? fromHalf(new Uint16Array(mapped, 0, bytes / 2)) : new Float32Array(mapped.slice(0, bytes));
    const range = { buffer, offset: 0, size: Math.max(4, bytes) };
    const [data] = await Promise.all([readRange(this.device, `a read of ${variable.name}`, range, take), ready]);
    return reorder(data, variable.shape, variable.layout, 'row');
  }

  /** When any of them changed last. */
  lastChange(list: readonly Held[]): number {
    let last = 0;
    for (const held of list) last = Math.max(last, held.changed);
    return last;
  }

  /** Marks values that a program has changed. */
  touch(list: readonly Held[]): void {
    this.clock++;
    for (const held of list) Object.assign(held, { changed: this.clock, written: true });
  }

  /** Ends the engine's own hold: programs that use it go on, nothing else may. Idempotent. */
  release(variable: Variable): void {
    this.released.add(variable);
    const held = this.held.get(variable);
    if (!held) return;
    this.held.delete(variable);
    this.drop([held]);
  }
}

const inLayout = ({ shape, layout }: Variable, data: Float32Array) => reorder(data, shape, 'row', layout);

const releasedError = (variable: Variable) =>
  new WgradError('disposed', `the variable ${variable.name} was released`, {
    remedy: 'Make a new Variable, or load the model again',
  });
