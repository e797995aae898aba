/** The device: negotiated limits, typed errors, and an account of every buffer. Knows buffers, never ops. */
import { WgradError } from '../errors.ts';

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

export class Device {
  readonly memory: MemoryUse = { buffers: 0, bytes: 0 };
  /** Settles when the device is lost, with the error that pending work rejects with. */
  readonly lost: Promise<WgradError>;
  private lostError: WgradError | undefined;
  private failure: WgradError | undefined;
  private disposed = false;

  private constructor(
    readonly gpu: GPUDevice,
    readonly info: GPUAdapterInfo,
  ) {
    this.lost = gpu.lost.then((why) => {
      this.lostError = new WgradError('device-lost', `the GPU device was lost (${why.reason}): ${why.message}`, {
        remedy: 'Create a new Engine and load the model again',
      });
      return this.lostError;
    });
    gpu.addEventListener('uncapturederror', (event) => {
      const { error } = event;
      const code = typeof GPUOutOfMemoryError !== 'undefined' && error instanceof GPUOutOfMemoryError;
      this.failure ??= new WgradError(
        code ? 'out-of-memory' : 'kernel-invalid',
        `the GPU refused a call: ${error.message}`,
      );
    });
  }

  static async open(adapter: GPUAdapter): Promise<Device> {
    const requiredLimits: Record<string, number> = {};
    for (const name of wantedLimits) requiredLimits[name] = adapter.limits[name];
    const requiredFeatures = wantedFeatures.filter((f) => adapter.features.has(f));
    try {
      const gpu = await adapter.requestDevice({ requiredLimits, requiredFeatures: [...requiredFeatures] });
      return new Device(gpu, adapter.info);
    } catch (cause) {
      throw new WgradError('no-adapter', `the adapter gave no device: ${(cause as Error).message}`, {
        remedy: 'An adapter serves one device: request a new adapter',
        cause,
      });
    }
  }

  get limits(): GPUSupportedLimits {
    return this.gpu.limits;
  }

  /** Throws what has gone wrong since the last call: loss, disposal, or an error that no scope caught. */
  check(): void {
    if (this.disposed) throw new WgradError('disposed', 'the engine was disposed of');
    if (this.lostError) throw this.lostError;
    if (this.failure) {
      const error = this.failure;
      this.failure = undefined;
      throw error;
    }
  }

  /** A zeroed buffer of at least `bytes`; limits are checked before anything is allocated. */
  createBuffer(bytes: number, usage: GPUBufferUsageFlags, label: string): GPUBuffer {
    this.check();
    const size = Math.max(16, Math.ceil(bytes / 16) * 16);
    const storage = (usage & GPU_USAGE.STORAGE) !== 0;
    const limit = storage ? 'maxStorageBufferBindingSize' : 'maxBufferSize';
    const have = Math.min(this.limits.maxBufferSize, storage ? this.limits.maxStorageBufferBindingSize : Infinity);
    if (size > have) {
      throw new WgradError('limit-exceeded', `${label} needs ${size} bytes, the adapter's ${limit} is ${have}`, {
        remedy: 'Use a smaller batch or picture',
      });
    }
    const buffer = this.gpu.createBuffer({ size, usage, label });
    this.memory.buffers++;
    this.memory.bytes += size;
    return buffer;
  }

  destroyBuffer(buffer: GPUBuffer): void {
    this.memory.buffers--;
    this.memory.bytes -= buffer.size;
    buffer.destroy();
  }

  /** Runs `allocate`, and turns the driver's out-of-memory report into a typed error. */
  async allocating<T>(what: string, allocate: () => T): Promise<T> {
    this.gpu.pushErrorScope('out-of-memory');
    let result: T;
    try {
      result = allocate();
    } finally {
      const error = await this.gpu.popErrorScope();
      if (error) {
        throw new WgradError('out-of-memory', `${what}: the GPU has not enough memory: ${error.message}`, {
          remedy: 'Dispose of programs and models that are no longer used, or use a smaller batch',
        });
      }
    }
    return result;
  }

  /** Rejects as soon as the device is lost, for work that would otherwise wait for ever. */
  async whileAlive<T>(work: Promise<T>): Promise<T> {
    const lost = this.lost.then((error) => {
      throw error;
    });
    lost.catch(() => undefined);
    return Promise.race([work, lost]);
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    this.gpu.destroy();
    this.memory.buffers = 0;
    this.memory.bytes = 0;
  }
}

/** GPUBufferUsage and GPUMapMode by value: the globals exist only in pages. */
export const GPU_USAGE = {
  MAP_READ: 0x1,
  COPY_SRC: 0x4,
  COPY_DST: 0x8,
  STORAGE: 0x80,
} as const;

export const MAP_READ = 1;
