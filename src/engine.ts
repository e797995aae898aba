/// <reference lib="esnext.disposable" preserve="true" />
/** The engine: one device, its pipelines, and the values that live on it. */
import type * as EngineCore from './engine_core.ts';
import type { CompileOptions, EngineOptions, PictureDecoder, RestoreOptions } from './engine_options.ts';
import { WgradError } from './errors.ts';
import type { Choices, TuningOptions } from './gemm/choose.ts';
import type { Gemm, TunedGemm, TuneOptions } from './gemm/tune.ts';
import type { Device, MemoryUse } from './gpu/device.ts';
import type { TexturePixels } from './gpu/texture.ts';
import type { Variable } from './graph/leaves.ts';
import type { Tensor } from './graph/tensor.ts';
import type { Runtime } from './plan/instance.ts';
import type { Plan, PlanRequest } from './plan/plan.ts';
import { atOnce, Pace } from './pace.ts';
import type { Feeds, Program, RunOptions } from './plan/program.ts';

export type { CompileOptions, EngineOptions, PictureDecoder, RestoreOptions } from './engine_options.ts';

/** Planning, programs and the device: a page loads them when it creates an engine. */
type Core = typeof EngineCore;

/** Variables of a graph that takes long to build. */
const LARGE = 64;

/**
 * What is asked of an engine happens in the order of the calls, whichever program it is asked of: run, write, read and
 * the updates of a run. Data are copied at the call. At most two runs or reads are with the GPU at a time; others wait
 * for their turn.
 */
export class Engine {
  private runtime: Runtime;
  private disposal: Promise<void> | undefined;
  private restoring: Promise<void> | undefined;

  private constructor(
    private readonly core: Core,
    private device: Device,
    /** Another device after this one's loss; undefined where it was another library's. */
    private readonly reopen: (() => Promise<Device>) | undefined,
    /** One line that names the adapter; never empty. */
    readonly description: string,
    /** What reads pictures' files outside a page. */
    readonly decoder: PictureDecoder | undefined,
    restores: number,
    private readonly tuning: TuningOptions | undefined,
    private choices: Choices,
  ) {
    const queue = new core.WorkQueue();
    const variables = core.VariableStore.create(device, queue);
    this.runtime = { device, queue, pipelines: new core.PipelineCache(device), variables, programs: new Set() };
    if (restores > 0) void this.keepAlive(restores);
  }

  /**
   * @throws WgradError 'insecure-context' (the page is neither https nor localhost), 'no-webgpu' (the browser has none),
   *   'no-adapter' (there is WebGPU, but no GPU for it); 'limit-exceeded' for limits and features that the adapter does
   *   not have; 'invalid-argument' (both adapter and device).
   */
  static async create(options: EngineOptions = {}): Promise<Engine> {
    const core = await import('./engine_core.ts');
    const { device, reopen, description, restores } = await core.openDevice(options);
    const { decoder, tuning } = options;
    const choices = await core.openChoices(device, tuning);
    return new Engine(core, device, reopen, description, decoder, restores, tuning, choices);
  }

  /** Whether the adapter computes on the processor: right, but slow. */
  get isSoftware(): boolean {
    return this.core.isSoftwareAdapter(this.device.info);
  }

  get limits(): GPUSupportedLimits {
    return this.device.limits;
  }

  get adapterInfo(): GPUAdapterInfo {
    return this.device.info;
  }

  /** The WebGPU device, to share it with other libraries. */
  get gpuDevice(): GPUDevice {
    return this.device.gpu;
  }

  /** Live buffers and bytes of this engine. */
  get memory(): Readonly<MemoryUse> {
    return { ...this.device.memory };
  }

  /** Resolves with the error when the device is lost; not because of {@link dispose}. */
  get lost(): Promise<Error> {
    return this.device.lost;
  }

  /**
   * Keeps on the host what the variables hold that are other than in the beginning, all as of this call: what
   * {@link restore} gives back after a loss of the device. Without one, trained values fall back to the last
   * {@link write}, or to the initial ones.
   * @throws (rejects) as {@link read}; the snapshot before is then still there.
   */
  async snapshot(options: RunOptions = {}): Promise<void> {
    const { variables } = this.runtime;
    const read = async (v: Variable) => [v, await variables.read(v, options.signal)] as const;
    variables.keep(await Promise.all(variables.readable.map(read)));
  }

  /**
   * After a loss of the device: another device, on which everything goes on that was not disposed of. Programs run again
   * from their plans, weights have their initial values (read again from the model's file where no copy of them was
   * kept), those of the last {@link write}, or of the last {@link snapshot}. What was under way at the loss was rejected with 'device-lost', and is not repeated. Nothing happens
   * where the device is alive; calls during a restoration wait for that one.
   * @throws (rejects) WgradError 'disposed'; 'no-adapter', 'device-lost' where no new device is to be had, or it goes as
   *   well: try again later; what reading a model's file throws, 'file-missing' where it was given as bytes;
   *   'invalid-argument' for a shared device without `device`; 'limit-exceeded' where the new one
   *   can less. The engine is then lost as before.
   */
  restore(options: RestoreOptions = {}): Promise<void> {
    this.restoring ??= this.restoreNow(options).finally(() => (this.restoring = undefined));
    return this.restoring;
  }

  private async restoreNow({ device: given, values }: RestoreOptions): Promise<void> {
    if (this.disposal) throw new WgradError('disposed', 'the engine was disposed of');
    if (this.device.isAlive) return;
    if (!given && !this.reopen) {
      throw new WgradError('invalid-argument', 'the device was lent to the engine, which cannot make another', {
        remedy: 'Give the new one: engine.restore({ device })',
      });
    }
    const { queue, programs, variables: before } = this.runtime;
    // What was asked for before is rejected, not carried over.
    await queue.idle();
    const device = given ? this.core.Device.share(given, this.device.most) : await this.reopen!();
    try {
      if (values) {
        const used = [...programs].flatMap(({ plan }) => [...plan.frozen, ...plan.updated]);
        const pairs = [...new Set([...before.all, ...used])].map(async (v) => [v, await values(v)] as const);
        before.keep(
          (await Promise.all(pairs)).filter((pair): pair is [Variable, Float32Array] => pair[1] !== undefined),
        );
      }
      const runtime = {
        device,
        queue,
        pipelines: new this.core.PipelineCache(device),
        variables: before.onDevice(device),
        programs,
      };
      this.runtime = runtime;
      this.device.abandon();
      this.device = device;
      this.choices = await this.core.openChoices(device, this.tuning);
      await Promise.all([...programs].map((program) => program.moveTo(runtime)));
    } catch (error) {
      device.fail(error as Error);
      throw error;
    }
  }

  /** At most so many tries in all: a driver that keeps failing is not called for ever. */
  private async keepAlive(tries: number): Promise<void> {
    for (let i = 0; i < tries; i++) {
      await this.device.lost;
      if (this.disposal) return;
      try {
        await this.restore();
      } catch {
        // The browser may refuse devices for a while after a crash.
        await new Promise((resolve) => setTimeout(resolve, 250 * 2 ** i));
      }
    }
  }

  /**
   * Plans and compiles; see {@link Program}.
   * @throws (rejects) WgradError 'dtype', 'invalid-argument', 'limit-exceeded', 'out-of-memory', 'kernel-invalid',
   *   'disposed', 'device-lost'; the signal's reason. A failed compilation leaves nothing behind.
   */
  async compile<N extends string>(request: PlanRequest<N>, options: CompileOptions = {}): Promise<Program<N>> {
    if (this.choices.mode === 'full') await this.tuneAll(this.core.gemmsOf(request), options);
    this.device.check();
    options.signal?.throwIfAborted();
    // What is released while it is planned is its own from here on.
    const { variables } = this.runtime;
    const held = variables.hold(this.core.variablesOf(request));
    let program: Program<N>;
    try {
      const pieces = this.core.plan<N>(request, this.device.limits, this.choices);
      // A large graph took its builder a turn.
      const pace = new Pace(options.signal, held.length > LARGE);
      const planned = await pace.through(pieces);
      await pace.next();
      this.device.check();
      program = new this.core.Program<N>(this.runtime, planned, options.signal);
    } catch (error) {
      variables.abandon(held);
      throw error;
    }
    variables.drop(held);
    await program.compiled;
    return program;
  }

  /** {@link compile} without the wait: the program takes runs at once, which begin when it is compiled. */
  prepare<N extends string>(request: PlanRequest<N>, { signal }: CompileOptions = {}): Program<N> {
    this.device.check();
    signal?.throwIfAborted();
    return new this.core.Program<N>(
      this.runtime,
      atOnce(this.core.plan<N>(request, this.device.limits, this.choices)),
      signal,
    );
  }

  /**
   * A program from the plan of another, of this engine or of one that was lost: `engine.instantiate(program.plan)`. Its
   * variables have this engine's values, which are the initial ones where it has none.
   * @throws (rejects) as {@link compile}; 'limit-exceeded' where the plan is of an engine that can more.
   */
  async instantiate<N extends string>(plan: Plan<N>, { signal }: CompileOptions = {}): Promise<Program<N>> {
    this.device.check();
    signal?.throwIfAborted();
    const { subgroup } = this.choices.device;
    if (plan.subgroup !== 0 && plan.subgroup !== subgroup) {
      throw new WgradError(
        'limit-exceeded',
        `the plan is for subgroups of ${plan.subgroup}, the device has ${subgroup || 'none'}`,
        {
          remedy: 'Compile the graph on this engine',
        },
      );
    }
    const program = new this.core.Program<N>(this.runtime, plan, signal);
    await program.compiled;
    return program;
  }

  /**
   * Measures, on this device, the kernels that fit each convolution and matrix product of the programs, and keeps the
   * winners in the store (see {@link TuningOptions}). Programs that are compiled afterwards use them, by this engine or
   * the next; those that there are go on as they are. A kernel whose result is off from that of the plain one cannot win.
   * @returns what won for each distinct problem. Takes seconds to minutes; other work waits between two problems only.
   * @throws (rejects) WgradError 'out-of-memory', 'disposed', 'device-lost'; the signal's reason: what was measured by
   *   then is kept.
   */
  tune(programs: Program | readonly Program[], options: TuneOptions = {}): Promise<TunedGemm[]> {
    return this.tuneAll(
      [programs].flat().flatMap((program) => this.core.gemmsAmong(program.plan.nodes)),
      options,
    );
  }

  private async tuneAll(gemms: readonly Gemm[], options: TuneOptions): Promise<TunedGemm[]> {
    this.device.check();
    const { tuneGemms } = await import('./gemm/tune.ts');
    return tuneGemms(this.runtime, this.choices, gemms, options);
  }

  /** Compiles, runs once and disposes: for tests and one-off values. */
  async evaluate<N extends string>(
    outputs: Readonly<Record<N, Tensor>>,
    feeds: Feeds = {},
    options: RunOptions = {},
  ): Promise<Record<N, Float32Array>> {
    const program = this.prepare({ outputs }, options);
    try {
      return await program.run(feeds, options);
    } finally {
      program.dispose();
    }
  }

  /**
   * The variable's value as of this call, row-major; a copy.
   * @throws (rejects) WgradError 'disposed', 'device-lost', 'out-of-memory'; the signal's reason.
   */
  read(variable: Variable, { signal }: RunOptions = {}): Promise<Float32Array> {
    return this.runtime.variables.read(variable, signal);
  }

  /**
   * Replaces a variable's value; row-major, copied at the call. Runs that are asked for after this call see it; await
   * it to learn that it succeeded.
   * @throws (rejects) WgradError 'shape', 'disposed', 'device-lost', 'out-of-memory': the value is then as before.
   */
  write(variable: Variable, data: Float32Array): Promise<void> {
    return this.runtime.variables.write(variable, data);
  }

  /**
   * Pixels of a texture of this engine's device, 8-bit RGBA, as of this call.
   * @throws (rejects) WgradError 'invalid-argument' (not copyable, or not of four bytes a texel), 'kernel-invalid' (of
   *   another device), 'disposed', 'device-lost', 'out-of-memory'; the signal's reason.
   */
  readTexture(texture: GPUTexture, { signal }: RunOptions = {}): Promise<TexturePixels> {
    this.device.check();
    return this.runtime.queue.add(() => this.core.readTexture(this.device, texture), { signal });
  }

  /**
   * Values of a buffer of this engine's device, or of a part of one, as float32, as of this call.
   * @throws (rejects) WgradError 'invalid-argument' (no COPY_SRC; mapped; of another device, or destroyed; a part that
   *   it does not have), 'disposed', 'device-lost', 'out-of-memory'; the signal's reason.
   */
  async readBuffer(source: GPUBuffer | GPUBufferBinding, { signal }: RunOptions = {}): Promise<Float32Array> {
    this.device.check();
    const { checkReadable, rangeOf, readRange, unreadable } = this.core;
    const range = rangeOf(source);
    if (!range) throw new WgradError('invalid-argument', 'readBuffer: no GPUBuffer was given');
    checkReadable(range, 'readBuffer');
    const read = () => readRange(this.device, 'a read of a buffer', range, (mapped) => new Float32Array(mapped.slice(0, range.size))); // prettier-ignore
    return this.runtime.queue.add(read, { signal }).catch((error: Error) => Promise.reject(unreadable(error)));
  }

  /**
   * Ends the engine's hold on `variables`. Programs that use them go on, with the memory freed after the last of them;
   * to read, write or compile with them again is the error 'disposed'.
   */
  release(variables: Iterable<Variable>): void {
    for (const variable of variables) this.runtime.variables.release(variable);
  }

  /**
   * Takes no more work, ends what was asked for, and then frees everything, at once where nothing is under way.
   * Idempotent. @returns a promise of the end.
   */
  dispose(): Promise<void> {
    this.disposal ??= this.end();
    return this.disposal;
  }

  private async end(): Promise<void> {
    this.device.close();
    if (!this.runtime.queue.isIdle) await this.runtime.queue.idle();
    this.device.destroy();
  }

  /** `await using`: {@link Engine.dispose} at the end of the block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }
}
