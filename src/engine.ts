/** The engine: one device, its pipelines, and the values that live on it. */
import { openAdapter } from './gpu/adapter.ts';
import { Device, type MemoryUse } from './gpu/device.ts';
import { PipelineCache } from './gpu/pipelines.ts';
import type { Variable } from './graph/leaves.ts';
import type { Tensor } from './graph/tensor.ts';
import { Program, type Feeds } from './plan/program.ts';
import type { PlanRequest } from './plan/planner.ts';
import { VariableStore } from './plan/variables.ts';

export interface EngineOptions {
  /** An adapter of your own; default: the page's `navigator.gpu`. In Node use `createEngine` of 'wgrad/node'. */
  adapter?: GPUAdapter;
  /** Printed name of the adapter, kept for reports. */
  description?: string;
}

export class Engine {
  private readonly pipelines: PipelineCache;
  private readonly variables: VariableStore;

  private constructor(
    private readonly device: Device,
    /** One line that names the adapter. */
    readonly description: string,
  ) {
    this.pipelines = new PipelineCache(device);
    this.variables = new VariableStore(device);
  }

  /** @throws WgradError 'insecure-context', 'no-webgpu', 'no-adapter'. */
  static async create(options: EngineOptions = {}): Promise<Engine> {
    const opened = options.adapter
      ? { adapter: options.adapter, description: options.description ?? options.adapter.info.description }
      : await openAdapter();
    return new Engine(await Device.open(opened.adapter), opened.description);
  }

  get limits(): GPUSupportedLimits {
    return this.device.limits;
  }

  get adapterInfo(): GPUAdapterInfo {
    return this.device.info;
  }

  /** The WebGPU device, for measurements beside other libraries. */
  get gpuDevice(): GPUDevice {
    return this.device.gpu;
  }

  /** Live buffers and bytes on the device. */
  get memory(): Readonly<MemoryUse> {
    return { ...this.device.memory };
  }

  /** Resolves with the error when the device is lost. */
  get lost(): Promise<Error> {
    return this.device.lost;
  }

  /** Plans and compiles; see {@link Program}. */
  compile<N extends string>(
    request: Omit<PlanRequest, 'outputs'> & { outputs: Readonly<Record<N, Tensor>> },
  ): Promise<Program<N>> {
    return Program.compile<N>(this.device, this.pipelines, this.variables, request);
  }

  /** Compiles, runs once and disposes: for tests and one-off values. */
  async evaluate<N extends string>(
    outputs: Readonly<Record<N, Tensor>>,
    feeds: Feeds = {},
  ): Promise<Record<N, Float32Array>> {
    const program = await this.compile({ outputs });
    try {
      return await program.run(feeds);
    } finally {
      program.dispose();
    }
  }

  /** The variable's value now, row-major. */
  read(variable: Variable): Promise<Float32Array> {
    return this.variables.read(variable);
  }

  /** Replaces a variable's value; row-major. */
  write(variable: Variable, data: Float32Array): void {
    this.variables.write(variable, data);
  }

  /** Frees the device's copies of `variables`. */
  release(variables: Iterable<Variable>): void {
    for (const variable of variables) this.variables.release(variable);
  }

  /** Destroys the device: pending work rejects, everything on it is freed. Idempotent. */
  dispose(): void {
    this.device.dispose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.dispose();
  }
}
