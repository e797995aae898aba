/** Where variables live on the device: uploaded on first use, versioned so that programs notice writes. */
import { WgradError } from '../errors.ts';
import type { Variable } from '../graph/leaves.ts';
import { reorder } from '../graph/layout.ts';
import { show } from '../graph/shape.ts';
import { GPU_USAGE, MAP_READ, type Device } from '../gpu/device.ts';

interface Entry {
  buffer: GPUBuffer;
  version: number;
}

export class VariableStore {
  private readonly entries = new Map<Variable, Entry>();

  constructor(private readonly device: Device) {}

  bufferOf(variable: Variable): GPUBuffer {
    return this.entry(variable).buffer;
  }

  private entry(variable: Variable): Entry {
    let entry = this.entries.get(variable);
    if (!entry) {
      const { STORAGE, COPY_SRC, COPY_DST } = GPU_USAGE;
      const bytes = variable.initial.length * 4;
      const buffer = this.device.createBuffer(bytes, STORAGE | COPY_SRC | COPY_DST, variable.name);
      entry = { buffer, version: 0 };
      this.entries.set(variable, entry);
      this.upload(variable, entry, variable.initial);
    }
    return entry;
  }

  private upload(variable: Variable, entry: Entry, data: Float32Array): void {
    const ordered = reorder(data, variable.shape, 'row', variable.layout);
    this.device.gpu.queue.writeBuffer(entry.buffer, 0, ordered as Float32Array<ArrayBuffer>);
    entry.version++;
  }

  /** Replaces the value; row-major. */
  write(variable: Variable, data: Float32Array): void {
    this.device.check();
    if (data.length !== variable.initial.length) {
      throw new WgradError('shape', `${variable.name}: ${data.length} values given for ${show(variable.shape)}`);
    }
    this.upload(variable, this.entry(variable), data);
  }

  /** The value, row-major; a copy. */
  async read(variable: Variable): Promise<Float32Array> {
    this.device.check();
    const entry = this.entries.get(variable);
    if (!entry) return variable.initial.slice();
    const bytes = variable.initial.length * 4;
    const { COPY_DST, MAP_READ: MAPPABLE } = GPU_USAGE;
    const staging = this.device.createBuffer(bytes, COPY_DST | MAPPABLE, `read ${variable.name}`);
    try {
      const encoder = this.device.gpu.createCommandEncoder();
      encoder.copyBufferToBuffer(entry.buffer, 0, staging, 0, Math.max(4, bytes));
      this.device.gpu.queue.submit([encoder.finish()]);
      await this.device.whileAlive(staging.mapAsync(MAP_READ));
      const data = new Float32Array(staging.getMappedRange().slice(0, bytes));
      return reorder(data, variable.shape, variable.layout, 'row');
    } finally {
      this.device.destroyBuffer(staging);
    }
  }

  /** Changes whenever any of `variables` was written. */
  versionOf(variables: readonly Variable[]): number {
    return variables.reduce((n, v) => n + this.entry(v).version, 0);
  }

  /** Marks values that a program has changed. */
  touch(variables: Iterable<Variable>): void {
    for (const variable of variables) this.entry(variable).version++;
  }

  /** Frees the device's copy; the variable starts from its initial value if used again. */
  release(variable: Variable): void {
    const entry = this.entries.get(variable);
    if (!entry) return;
    this.entries.delete(variable);
    this.device.destroyBuffer(entry.buffer);
  }
}
