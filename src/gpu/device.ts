/** The device: negotiated limits, typed errors, and an account of every buffer. Knows buffers, never ops. */
import { WgradError, type ErrorCode } from '../errors.ts';

/** Asked for at the adapter's full value; wgrad's kernels choose tiles within what is granted. */
const wantedLimits = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupStorageSize',
] as const;

const wantedFeatures = ['shader-f16', 'subgroups', 'timestamp-query'] as const;

export interface MemoryUse {
  /** Live buffers. */
  buffers: number;
  /** Their bytes. */
  bytes: number;
}

/** What a caller wants of a device beyond what wgrad asks for. */
export interface DeviceWishes {
  requiredLimits?: Readonly<Record<string, number>> | undefined;
  requiredFeatures?: Iterable<GPUFeatureName> | undefined;
  /** Bytes that buffers may take in all; default: as many as the GPU gives. */
  memoryLimit?: number | undefined;
}

/** What each error scope catches and how it is called; the first is the outermost. */
const scopes = [
  { filter: 'internal', code: 'kernel-invalid', why: 'the GPU failed' },
  { filter: 'validation', code: 'kernel-invalid', why: 'the GPU refused a call' },
  { filter: 'out-of-memory', code: 'out-of-memory', why: 'the GPU has not enough memory' },
] as const satisfies readonly { filter: GPUErrorFilter; code: ErrorCode; why: string }[];

const NEEDS_ROOM = 'Dispose of programs and models that are no longer used, or use a smaller batch';

const ignore = () => undefined;

export class Device {
  readonly memory: MemoryUse = { buffers: 0, bytes: 0 };
  /** Resolves with the error when the device is lost; never because of {@link destroy}. */
  readonly lost: Promise<WgradError>;
  /** Live buffers and the bytes asked for. */
  private readonly buffers = new Map<GPUBuffer, number>();
  /** Who waits for the GPU, to be told of its end. No promise is raced: on one that lives long, each wait leaves a trace. */
  private readonly waiting = new Set<(error: WgradError) => void>();
  private closed = false;
  private tellLost!: (error: WgradError) => void;
  /** Set once nothing can run any more. */
  private end: WgradError | undefined;

  private constructor(
    readonly gpu: GPUDevice,
    readonly info: GPUAdapterInfo,
    private readonly owned: boolean,
    /** Bytes that buffers may take in all. */
    readonly most: number,
  ) {
    this.lost = new Promise((resolve) => (this.tellLost = resolve));
    void gpu.lost.then(({ reason, message }) => this.lose(lostError(`${reason}: ${message}`)));
  }

  /** A device of our own, with what `wanted` asks for beside our own wishes. */
  static async open(adapter: GPUAdapter, wanted: DeviceWishes = {}): Promise<Device> {
    const requiredLimits: Record<string, number> = {};
    for (const name of wantedLimits) requiredLimits[name] = adapter.limits[name];
    Object.assign(requiredLimits, wanted.requiredLimits);
    const features = new Set<GPUFeatureName>([
      ...wantedFeatures.filter((f) => adapter.features.has(f)),
      ...(wanted.requiredFeatures ?? []),
    ]);
    checkWishes(adapter, requiredLimits, features);
    try {
      const gpu = await adapter.requestDevice({ requiredLimits, requiredFeatures: [...features] });
      return new Device(gpu, adapter.info, true, wanted.memoryLimit ?? Infinity);
    } catch (cause) {
      throw new WgradError('no-adapter', `the adapter gave no device: ${(cause as Error).message}`, {
        remedy: 'An adapter serves one device: request a new adapter',
        cause,
      });
    }
  }

  /** A device that others use too: it is never destroyed from here, and its errors stay with whoever caused them. */
  static share(gpu: GPUDevice, memoryLimit = Infinity): Device {
    return new Device(gpu, gpu.adapterInfo, false, memoryLimit);
  }

  get isAlive(): boolean {
    return this.end === undefined;
  }

  /** Takes the device for lost: what was to be built on it failed. */
  fail(cause: Error): void {
    this.lose(cause instanceof WgradError && cause.code === 'device-lost' ? cause : lostError(cause.message, cause));
    this.abandon();
  }

  /** After a loss: lets go of what was on it. */
  abandon(): void {
    for (const buffer of [...this.buffers.keys()]) this.destroyBuffer(buffer);
    if (this.owned) this.gpu.destroy();
  }

  get limits(): GPUSupportedLimits {
    return this.gpu.limits;
  }

  /** Before work is asked for. @throws WgradError 'disposed' after {@link close}, 'device-lost'. */
  check(): void {
    if (this.closed) throw disposedError();
    this.checkAlive();
  }

  /** Before work begins that was asked for earlier: {@link close} lets it end. */
  checkAlive(): void {
    if (this.end) throw this.end;
  }

  /** A zeroed buffer of at least `bytes`; limits are checked before anything is allocated. */
  createBuffer(bytes: number, usage: GPUBufferUsageFlags, label: string): GPUBuffer {
    this.checkAlive();
    const size = Math.max(16, Math.ceil(bytes / 16) * 16);
    const storage = (usage & GPU_USAGE.STORAGE) !== 0;
    const limit = storage ? 'maxStorageBufferBindingSize' : 'maxBufferSize';
    const have = Math.min(this.limits.maxBufferSize, storage ? this.limits.maxStorageBufferBindingSize : Infinity);
    if (size > have) {
      throw new WgradError('limit-exceeded', `${label} needs ${size} bytes, the adapter's ${limit} is ${have}`, {
        remedy: 'Use a smaller batch or picture',
      });
    }
    this.requireFree(size, label);
    const buffer = this.gpu.createBuffer({ size, usage, label });
    this.buffers.set(buffer, size);
    this.memory.buffers++;
    this.memory.bytes += size;
    return buffer;
  }

  private requireFree(size: number, label: string): void {
    const free = this.most - this.memory.bytes;
    if (size <= free) return;
    const message = `${label} needs ${size} bytes, of ${this.most} for the engine ${free} are free`;
    throw new WgradError('out-of-memory', message, { remedy: NEEDS_ROOM });
  }

  /** A buffer for somebody else, who destroys it: it is in no account. */
  handOut(bytes: number, label: string): GPUBuffer {
    this.checkAlive();
    this.requireFree(bytes, label);
    const { STORAGE, COPY_SRC, COPY_DST } = GPU_USAGE;
    return this.gpu.createBuffer({ size: Math.max(4, bytes), usage: STORAGE | COPY_SRC | COPY_DST, label });
  }

  destroyBuffer(buffer: GPUBuffer): void {
    const size = this.buffers.get(buffer);
    if (size === undefined) return;
    this.buffers.delete(buffer);
    this.memory.buffers--;
    this.memory.bytes -= size;
    buffer.destroy();
  }

  /** A destroyed buffer's memory comes back with the next submission: after running out of it, at once. */
  reclaim(): void {
    if (!this.end) this.gpu.queue.submit([]);
  }

  /**
   * Makes `calls` into WebGPU, all in one go, under error scopes of their own.
   * @returns what they gave, and a promise that rejects with what they caused: 'out-of-memory' or 'kernel-invalid',
   *   named after `what`.
   */
  scoped<T>(what: string, calls: () => T): [T, Promise<void>] {
    for (const { filter } of scopes) this.gpu.pushErrorScope(filter);
    let value: T;
    let errors: Promise<(GPUError | null)[]>;
    try {
      value = calls();
    } finally {
      errors = Promise.all(scopes.map(() => this.gpu.popErrorScope()));
      errors.catch(ignore);
    }
    const judged = this.whileAlive(errors).then((innermostFirst) => judge(what, innermostFirst));
    judged.catch(ignore);
    return [value, judged];
  }

  /** `work` of the GPU's; rejects as soon as the device is lost or destroyed, which may leave `work` waiting for ever. */
  whileAlive<T>(work: Promise<T>): Promise<T> {
    if (this.end) return Promise.reject(this.end);
    return new Promise<T>((resolve, reject) => {
      this.waiting.add(reject);
      work.then(resolve, reject).finally(() => this.waiting.delete(reject));
    });
  }

  /** `buffer` mapped for reading: {@link whileAlive} with an error of ours, whatever the browser calls it. */
  async map(buffer: GPUBuffer): Promise<void> {
    await this.whileAlive(
      buffer.mapAsync(MAP_READ).catch(async (cause: Error) => {
        // Valid calls are refused only where the device is gone; the news of it may come a moment later.
        await Promise.race([this.gpu.lost, new Promise((resolve) => setTimeout(resolve, 1000))]);
        throw this.end ?? lostError(cause.message, cause);
      }),
    );
  }

  /** Nothing more may be asked for; what was asked for goes on until {@link destroy}. */
  close(): void {
    this.closed = true;
  }

  /** Frees every buffer, and the device if it is ours. */
  destroy(): void {
    this.close();
    if (!this.end) this.finish(disposedError());
    for (const buffer of [...this.buffers.keys()]) this.destroyBuffer(buffer);
    if (this.owned) this.gpu.destroy();
  }

  private lose(error: WgradError): void {
    if (this.end) return;
    this.finish(error);
    this.tellLost(error);
  }

  private finish(error: WgradError): void {
    this.end = error;
    for (const reject of this.waiting) reject(error);
    this.waiting.clear();
  }
}

function checkWishes(adapter: GPUAdapter, limits: Readonly<Record<string, number>>, features: Iterable<string>): void {
  const refuse = (what: string) =>
    new WgradError('limit-exceeded', `the adapter cannot give ${what}`, { remedy: 'Ask for less, or use another one' });
  for (const feature of features) if (!adapter.features.has(feature)) throw refuse(`the feature '${feature}'`);
  for (const [name, value] of Object.entries(limits)) {
    const most = (adapter.limits as unknown as Record<string, number | undefined>)[name];
    if (most === undefined) throw refuse(`the limit '${name}', which WebGPU does not know`);
    const isLeast = name.startsWith('min');
    if (isLeast ? value < most : value > most) throw refuse(`${name} ${value}: it has ${most}`);
  }
}

function judge(what: string, innermostFirst: readonly (GPUError | null)[]): void {
  [...scopes].reverse().forEach(({ code, why }, i) => {
    const error = innermostFirst[i];
    if (!error) return;
    const details = code === 'out-of-memory' ? { remedy: NEEDS_ROOM } : {};
    throw new WgradError(code, `${what}: ${why}: ${error.message}`, details);
  });
}

const disposedError = () => new WgradError('disposed', 'the engine was disposed of');

const lostError = (why: string, cause?: unknown) =>
  new WgradError('device-lost', `the GPU device was lost (${why})`, {
    remedy: 'Call engine.restore(), which brings programs and weights back on another device',
    cause,
  });

/** GPUBufferUsage and GPUMapMode by value: the globals exist only in pages. */
export const GPU_USAGE = {
  MAP_READ: 0x1,
  COPY_SRC: 0x4,
  COPY_DST: 0x8,
  UNIFORM: 0x40,
  STORAGE: 0x80,
  QUERY_RESOLVE: 0x200,
} as const;

const MAP_READ = 1;
