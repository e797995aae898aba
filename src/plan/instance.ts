/** A plan on one device: its buffers, pipelines and bind groups. A run is one submission. */
import { WgradError } from '../errors.ts';
import { unreadable } from '../gpu/read_range.ts';
import { GPU_USAGE, type Device } from '../gpu/device.ts';
import type { CompiledKernel, PipelineCache } from '../gpu/pipelines.ts';
import type { WorkQueue } from '../gpu/queue.ts';
import { submitAndRead } from '../gpu/readback.ts';
import type { FeedData } from './feeds.ts';
import type { Plan, Region, Step } from './plan.ts';
import { requireRoom } from './room.ts';
import type { RunParts } from './profile.ts';
import type { Held, VariableStore } from './variables.ts';

/** What an engine has for its programs. */
export interface Runtime {
  device: Device;
  queue: WorkQueue;
  pipelines: PipelineCache;
  variables: VariableStore;
  /** Those that are not disposed of: they come back with another device after a loss. */
  programs: Set<{ readonly plan: Plan; moveTo(runtime: Runtime): Promise<void> }>;
}

interface EncodedStep {
  pipeline: GPUComputePipeline;
  bindGroup: GPUBindGroup;
  workgroups: readonly [number, number, number];
}

/** Where a result lies in the staging buffer. */
interface Result {
  name: string | symbol;
  region: Region;
  offset: number;
  bytes: number;
  isInt: boolean;
}

/** The guard's flag comes back like an output, under a name that no output can have. */
const GUARD = Symbol('guard');

export class Instance {
  /** Where regions lie, by {@link Region.index}; intermediates share buffers. */
  private readonly places: GPUBufferBinding[] = [];
  private readonly owned: GPUBuffer[] = [];
  /** Free for a run's results: as many as runs have been under way at once. */
  private readonly staging: GPUBuffer[] = [];
  private readonly results: Result[] = [];
  private stagingBytes = 0;
  private prologue: EncodedStep[] = [];
  private steps: EncodedStep[] = [];
  /** The last change of a frozen variable that the prologue has seen. */
  private seen = -1;

  private constructor(
    private readonly plan: Plan,
    private readonly runtime: Runtime,
    private readonly held: readonly Held[],
  ) {
    for (const [name, { tensor, region }] of plan.outputs) {
      this.addResult(name, region, tensor.size * 4, tensor.dtype === 'i32');
    }
    if (plan.guard) this.addResult(GUARD, plan.guard.region, 4, true);
  }

  private addResult(name: string | symbol, region: Region, bytes: number, isInt: boolean): void {
    this.results.push({ name, region, offset: this.stagingBytes, bytes, isInt });
    this.stagingBytes += Math.max(4, bytes);
  }

  /**
   * Holds the plan's variables from the call on; pipelines compile in parallel.
   * @throws (rejects) WgradError 'out-of-memory', 'limit-exceeded', 'kernel-invalid', 'disposed', 'device-lost'; the
   *   signal's reason. Then nothing of it is left.
   */
  static async create(plan: Plan, runtime: Runtime, signal?: AbortSignal, again = false): Promise<Instance> {
    const { device, variables, pipelines } = runtime;
    requireRoom(plan, device);
    const held = variables.hold([...plan.frozen, ...plan.updated], again);
    const instance = new Instance(plan, runtime, held);
    try {
      const [, allocated] = device.scoped('a program', () => instance.allocate());
      const compiling = pipelines.getAll([...plan.prologue, ...plan.steps], signal);
      const [kernels] = await Promise.all([compiling, allocated, ...held.map((h) => h.ready)]);
      device.check();
      const [, bound] = device.scoped('a program', () => instance.bind(kernels));
      await bound;
    } catch (error) {
      instance.free();
      variables.abandon(held);
      if (error instanceof WgradError && error.code === 'out-of-memory') device.reclaim();
      throw error;
    }
    return instance;
  }

  private own(bytes: number, usage: number, label: string): GPUBuffer {
    const buffer = this.runtime.device.createBuffer(bytes, usage, label);
    this.owned.push(buffer);
    return buffer;
  }

  private allocate(): void {
    const { STORAGE, UNIFORM, COPY_SRC, COPY_DST } = GPU_USAGE;
    const { memory, placed, regions } = this.plan;
    const slots = memory.slots.map((bytes, i) => this.own(bytes, STORAGE | COPY_SRC, `intermediates ${i}`));
    placed.forEach((region, i) => {
      const { slot, offset } = memory.places[i]!;
      this.places[region.index] = { buffer: slots[slot]!, offset, size: region.bytes };
    });
    const variables = new Map(this.held.map((h) => [h.variable, h.buffer]));
    for (const { kind, index, bytes, label, variable, data } of regions) {
      if (kind === 'planned' || this.places[index]) continue;
      const usage = STORAGE | COPY_SRC | COPY_DST | (kind === 'constant' ? UNIFORM : 0);
      const buffer = variable ? variables.get(variable)! : this.own(bytes, usage, label);
      this.places[index] = { buffer, offset: 0, size: bytes };
      if (data) this.runtime.device.gpu.queue.writeBuffer(buffer, 0, data as Float32Array<ArrayBuffer>);
    }
    if (this.stagingBytes > 0) this.staging.push(this.newStaging());
  }

  private newStaging(): GPUBuffer {
    const { COPY_DST, MAP_READ } = GPU_USAGE;
    return this.own(this.stagingBytes, COPY_DST | MAP_READ, 'results');
  }

  private bind(kernels: ReadonlyMap<string, CompiledKernel>): void {
    const encode = ({ kernel, code, regions, workgroups }: Step): EncodedStep => {
      const { pipeline, layout } = kernels.get(code)!;
      const numbers = Object.values(kernel.bindings).map((b) => b.binding);
      const entries = regions.map(({ index }, i) => ({ binding: numbers[i]!, resource: this.places[index]! }));
      const bindGroup = this.runtime.device.gpu.createBindGroup({ layout, entries, label: kernel.name });
      return { pipeline, bindGroup, workgroups };
    };
    this.prologue = this.plan.prologue.map(encode);
    this.steps = this.plan.steps.map(encode);
  }

  /**
   * One run. All its calls into WebGPU are made before it returns, the copies of the feeds among them.
   * @param feeds in the order of the plan's inputs.
   * @throws (rejects) WgradError 'not-finite' where the guard held the updates back, 'out-of-memory', 'device-lost'.
   */
  async submit(feeds: readonly FeedData[]): Promise<Record<string, Float32Array>> {
    return this.submitFor(this.results, feeds);
  }

  /** {@link submit} with outputs in buffers of their own, which are the caller's. */
  async submitToBuffers(feeds: readonly FeedData[]): Promise<Record<string, GPUBuffer>> {
    const { device } = this.runtime;
    const given: Record<string, GPUBuffer> = {};
    const isOutput = (result: Result): result is Result & { name: string } => typeof result.name === 'string';
    const hand = (encoder: GPUCommandEncoder) => {
      for (const { name, region, bytes } of this.results.filter(isOutput)) {
        given[name] = device.handOut(bytes, name);
        this.copyOut(encoder, region, bytes, given[name], 0);
      }
    };
    try {
      await this.submitFor(this.results.filter((result) => !isOutput(result)), feeds, hand); // prettier-ignore
      return given;
    } catch (error) {
      for (const buffer of Object.values(given)) buffer.destroy();
      throw error;
    }
  }

  /** @param wanted of the results: those that come to the host. */
  private async submitFor(
    wanted: readonly Result[],
    feeds: readonly FeedData[],
    also?: (encoder: GPUCommandEncoder) => void,
  ): Promise<Record<string, Float32Array>> {
    let staging: GPUBuffer | undefined;
    const encode = (encoder: GPUCommandEncoder) => {
      this.feed(feeds, encoder);
      this.record(encoder);
      also?.(encoder);
      if (wanted.length > 0) staging = this.staging.pop() ?? this.newStaging();
      for (const { region, offset, bytes } of wanted) this.copyOut(encoder, region, bytes, staging!, offset);
      return staging;
    };
    const read = (mapped: ArrayBuffer) => this.read(wanted, mapped);
    let results: Record<string | symbol, Float32Array>;
    try {
      results = await submitAndRead(this.runtime.device, 'a run', encode, read);
      if (staging) this.staging.push(staging);
    } catch (error) {
      this.seen = -1;
      if (staging) this.disown(staging);
      throw feeds.every((feed) => ArrayBuffer.isView(feed)) ? error : unreadable(error as Error);
    }
    if (this.plan.guard) this.checkGuard(results[GUARD]![0]!, this.plan.guard.watched);
    return results;
  }

  private copyOut(encoder: GPUCommandEncoder, region: Region, bytes: number, to: GPUBuffer, offset: number): void {
    const from = this.places[region.index]!;
    encoder.copyBufferToBuffer(from.buffer, from.offset!, to, offset, Math.max(4, bytes));
  }

  /** The plan's steps for `measure` to run as it likes, on these feeds; afterwards variables are as before. */
  async takeApart<T>(feeds: readonly FeedData[], measure: (parts: RunParts) => Promise<T>): Promise<T> {
    const { device } = this.runtime;
    const changed = this.held.slice(this.plan.frozen.length);
    const { COPY_SRC, COPY_DST } = GPU_USAGE;
    const kept: { buffer: GPUBuffer; copy: GPUBuffer }[] = [];
    const copyAll = (back: boolean) =>
      submitAndRead(
        device,
        'a profile',
        (encoder) => {
          for (const { buffer, copy } of kept) {
            const [from, to] = back ? [copy, buffer] : [buffer, copy];
            encoder.copyBufferToBuffer(from, 0, to, 0, buffer.size);
          }
          return undefined;
        },
        () => undefined,
      );
    try {
      const [, allocated] = device.scoped('a profile', () => {
        for (const { buffer } of changed) {
          kept.push({ buffer, copy: device.createBuffer(buffer.size, COPY_SRC | COPY_DST, 'before a profile') });
        }
      });
      await allocated;
      await copyAll(false);
      await submitAndRead(device, 'a profile', (encoder) => this.feed(feeds, encoder), () => undefined); // prettier-ignore
      const all = (encoder: GPUCommandEncoder) => this.record(encoder);
      const one = (pass: GPUComputePassEncoder, step: number) => dispatch(pass, [this.steps[step]!]);
      try {
        return await measure({ device, plan: this.plan, all, one });
      } finally {
        await copyAll(true);
      }
    } finally {
      for (const { copy } of kept) device.destroyBuffer(copy);
    }
  }

  private feed(feeds: readonly FeedData[], encoder: GPUCommandEncoder): undefined {
    let next = 0;
    for (const { region } of this.plan.inputs.values()) {
      const feed = feeds[next++]!;
      const { buffer } = this.places[region.index]!;
      if (ArrayBuffer.isView(feed))
        this.runtime.device.gpu.queue.writeBuffer(buffer, 0, feed as Float32Array<ArrayBuffer>);
      else encoder.copyBufferToBuffer(feed.buffer, feed.offset, buffer, 0, feed.size);
    }
  }

  private record(encoder: GPUCommandEncoder): void {
    const { variables } = this.runtime;
    const { guard, frozen } = this.plan;
    if (guard) encoder.clearBuffer(this.places[guard.region.index]!.buffer);
    const pass = encoder.beginComputePass();
    const change = variables.lastChange(this.held.slice(0, frozen.length));
    if (change > this.seen) dispatch(pass, this.prologue);
    this.seen = change;
    dispatch(pass, this.steps);
    pass.end();
    variables.touch(this.held.slice(frozen.length));
  }

  private read(wanted: readonly Result[], mapped: ArrayBuffer): Record<string | symbol, Float32Array> {
    const results: Record<string | symbol, Float32Array> = {};
    for (const { name, offset, bytes, isInt } of wanted) {
      results[name] = isInt
        ? Float32Array.from(new Int32Array(mapped, offset, bytes / 4))
        : new Float32Array(mapped, offset, bytes / 4).slice();
    }
    return results;
  }

  private checkGuard(flag: number, watched: readonly string[]): void {
    if (flag === 0) return;
    throw new WgradError('not-finite', `${watched[watched.length - flag]} is NaN or infinite: nothing was updated`);
  }

  private disown(buffer: GPUBuffer): void {
    this.owned.splice(this.owned.indexOf(buffer), 1);
    this.runtime.device.destroyBuffer(buffer);
  }

  /** Frees the buffers; the variables go on. */
  destroy(): void {
    this.free();
    this.runtime.variables.drop(this.held);
  }

  private free(): void {
    for (const buffer of this.owned.splice(0)) this.runtime.device.destroyBuffer(buffer);
  }
}

/** Calls into WebGPU are what a warm run costs on the host: none that changes nothing. */
function dispatch(pass: GPUComputePassEncoder, steps: readonly EncodedStep[]): void {
  let current: GPUComputePipeline | undefined;
  for (const { pipeline, bindGroup, workgroups } of steps) {
    if (pipeline !== current) pass.setPipeline((current = pipeline));
    pass.setBindGroup(0, bindGroup);
    pass.dispatchWorkgroups(workgroups[0], workgroups[1], workgroups[2]);
  }
}
