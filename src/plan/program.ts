/**
 * A compiled step: pipelines, bind groups and memory are made once; a run writes its inputs, encodes one compute pass,
 * submits once, and reads its outputs back.
 */
import { WgradError } from '../errors.ts';
import type { Device } from '../gpu/device.ts';
import { GPU_USAGE, MAP_READ } from '../gpu/device.ts';
import type { PipelineCache } from '../gpu/pipelines.ts';
import { variableOp, type Variable } from '../graph/leaves.ts';
import { show } from '../graph/shape.ts';
import type { Role, TensorData } from '../graph/tensor.ts';
import { memoryLowerBound, planMemory } from './memory.ts';
import { plan, type Plan, type PlanRequest } from './planner.ts';
import type { Region, Step } from './region.ts';
import type { VariableStore } from './variables.ts';

export interface ProgramStats {
  /** Dispatches of one run, by why they exist. */
  dispatches: Record<Role, number>;
  /** Dispatches done once, for values that depend on frozen variables only. */
  hoisted: number;
  /** Graph nodes of one run, by op name. */
  ops: Record<string, number>;
  /** Bytes of the shared buffers that hold all intermediates. */
  plannedBytes: number;
  /** The least bytes that any plan needs for them. */
  lowerBoundBytes: number;
  inputBytes: number;
  /** Bytes of values computed once from frozen variables, and of constants. */
  staticBytes: number;
  /** Bytes of the variables that the program reads or changes. */
  parameterBytes: number;
  /** Floating-point operations of one run; a multiply-add is two. */
  flops: number;
}

export type Feeds = Readonly<Record<string, TensorData | readonly number[] | number>>;

interface EncodedStep {
  pipeline: GPUComputePipeline;
  bindGroup: GPUBindGroup;
  workgroups: [number, number, number];
}

export class Program<Names extends string = string> {
  private readonly owned: GPUBuffer[] = [];
  private readonly staging = new Map<string, GPUBuffer>();
  private prologue: EncodedStep[] = [];
  private steps: EncodedStep[] = [];
  private frozen: Variable[] = [];
  private frozenVersion = -1;
  private turn: Promise<unknown> = Promise.resolve();
  private disposed = false;

  private constructor(
    private readonly device: Device,
    private readonly variables: VariableStore,
    /** What runs, for profilers and for tests that count. */
    readonly plan: Plan,
    readonly stats: ProgramStats,
  ) {}

  static async compile<N extends string>(
    device: Device,
    pipelines: PipelineCache,
    variables: VariableStore,
    request: PlanRequest & { outputs: Readonly<Record<N, unknown>> },
  ): Promise<Program<N>> {
    device.check();
    const planned = plan(request, device.limits);
    const memory = planMemory(planned.regions.filter(isPlaced).map(lifetimeIn(planned)));
    const program = new Program<N>(device, variables, planned, statsOf(planned, memory.slots));
    try {
      await device.allocating('a program', () => program.allocate(memory));
      const encode = (steps: Step[]) => Promise.all(steps.map((s) => program.encodeStep(s, pipelines)));
      [program.prologue, program.steps] = await Promise.all([encode(planned.prologue), encode(planned.steps)]);
      device.check();
    } catch (error) {
      program.release();
      throw error;
    }
    return program;
  }

  private own(bytes: number, usage: number, label: string): GPUBuffer {
    const buffer = this.device.createBuffer(bytes, usage, label);
    this.owned.push(buffer);
    return buffer;
  }

  private allocate(memory: { slots: number[]; assignment: number[] }): void {
    const { STORAGE, COPY_SRC, COPY_DST, MAP_READ: MAPPABLE } = GPU_USAGE;
    const slots = memory.slots.map((bytes, i) => this.own(bytes, STORAGE | COPY_SRC, `intermediates ${i}`));
    let next = 0;
    for (const region of this.plan.regions) {
      if (isPlaced(region)) region.buffer = slots[memory.assignment[next++]!]!;
      else if (region.kind === 'variable') region.buffer = this.variables.bufferOf(region.variable!);
      else if (region.kind !== 'planned') {
        region.buffer = this.own(region.bytes, STORAGE | COPY_SRC | COPY_DST, region.label);
        if (region.data) this.device.gpu.queue.writeBuffer(region.buffer, 0, region.data as Float32Array<ArrayBuffer>);
      }
    }
    for (const [name, { tensor }] of this.plan.outputs) {
      this.staging.set(name, this.own(tensor.size * 4, COPY_DST | MAPPABLE, `result ${name}`));
    }
    const read = new Set(this.plan.regions.flatMap((r) => (r.variable ? [r.variable] : [])));
    this.frozen = [...read].filter((v) => !this.plan.updated.has(v));
  }

  private async encodeStep(step: Step, pipelines: PipelineCache): Promise<EncodedStep> {
    const { pipeline, layout } = await pipelines.get(step.kernel, step.code);
    const numbers = Object.values(step.kernel.bindings).map((b) => b.binding);
    const entries = step.regions.map((region, i) => ({
      binding: numbers[i]!,
      resource: { buffer: region.buffer!, size: region.bytes },
    }));
    const bindGroup = this.device.gpu.createBindGroup({ layout, entries, label: step.kernel.name });
    return { pipeline, bindGroup, workgroups: step.workgroups };
  }

  /**
   * Runs once and resolves with the outputs, row-major in their logical shapes. Runs of one program queue up.
   * @throws WgradError 'missing-feed', 'shape', 'disposed', 'device-lost', 'out-of-memory'.
   */
  run(feeds: Feeds = {}): Promise<Record<Names, Float32Array>> {
    const result = this.turn.then(() => this.runNow(feeds));
    this.turn = result.catch(() => undefined);
    return result;
  }

  private async runNow(feeds: Feeds): Promise<Record<Names, Float32Array>> {
    if (this.disposed) throw new WgradError('disposed', 'the program was disposed of');
    this.device.check();
    this.feed(feeds);
    const { gpu } = this.device;
    const encoder = gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    const version = this.variables.versionOf(this.frozen);
    if (version !== this.frozenVersion) record(pass, this.prologue);
    this.frozenVersion = version;
    record(pass, this.steps);
    pass.end();
    for (const [name, { tensor, region }] of this.plan.outputs) {
      encoder.copyBufferToBuffer(region.buffer!, 0, this.staging.get(name)!, 0, Math.max(4, tensor.size * 4));
    }
    gpu.queue.submit([encoder.finish()]);
    if (this.plan.updated.size > 0) this.variables.touch(this.plan.updated);
    return this.readBack();
  }

  private feed(feeds: Feeds): void {
    for (const name of Object.keys(feeds)) {
      if (!this.plan.inputs.has(name)) {
        const known = [...this.plan.inputs.keys()].join(', ') || 'none';
        throw new WgradError('unknown-name', `the program has no input ${name}`, {
          remedy: `Its inputs are: ${known}`,
        });
      }
    }
    for (const [name, { tensor, region }] of this.plan.inputs) {
      const value = feeds[name];
      if (value === undefined) throw new WgradError('missing-feed', `the program's input ${name} was not given`);
      const list = typeof value === 'number' ? [value] : value;
      if (list.length !== tensor.size) {
        throw new WgradError(
          'shape',
          `input ${name}: ${list.length} values given, ${show(tensor.shape)} needs ${tensor.size}`,
        );
      }
      const Wanted = tensor.dtype === 'i32' ? Int32Array : Float32Array;
      const data = list instanceof Wanted ? list : Wanted.from(list as ArrayLike<number>);
      this.device.gpu.queue.writeBuffer(region.buffer!, 0, data as Float32Array<ArrayBuffer>);
    }
  }

  private async readBack(): Promise<Record<Names, Float32Array>> {
    const results = {} as Record<string, Float32Array>;
    const mapped: GPUBuffer[] = [];
    try {
      if (this.staging.size === 0) await this.device.whileAlive(this.device.gpu.queue.onSubmittedWorkDone());
      await Promise.all(
        [...this.staging].map(async ([name, buffer]) => {
          await this.device.whileAlive(buffer.mapAsync(MAP_READ));
          mapped.push(buffer);
          const { tensor } = this.plan.outputs.get(name)!;
          const bytes = buffer.getMappedRange().slice(0, tensor.size * 4);
          results[name] = tensor.dtype === 'i32' ? Float32Array.from(new Int32Array(bytes)) : new Float32Array(bytes);
        }),
      );
    } catch (error) {
      this.device.check();
      throw error;
    } finally {
      for (const buffer of mapped) buffer.unmap();
    }
    this.device.check();
    return results as Record<Names, Float32Array>;
  }

  /** Frees the program's memory after its last run; variables stay. Idempotent. */
  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    void this.turn.then(() => this.release());
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  private release(): void {
    for (const buffer of this.owned.splice(0)) this.device.destroyBuffer(buffer);
  }
}

const isPlaced = (region: Region) => region.kind === 'planned' && region.last >= 0;

const lifetimeIn = (planned: Plan) => (region: Region) => ({
  bytes: region.bytes,
  first: Math.min(region.first, planned.steps.length),
  last: Math.min(region.last, planned.steps.length),
});

function record(pass: GPUComputePassEncoder, steps: readonly EncodedStep[]): void {
  for (const { pipeline, bindGroup, workgroups } of steps) {
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindGroup);
    pass.dispatchWorkgroups(...workgroups);
  }
}

function statsOf(planned: Plan, slots: readonly number[]): ProgramStats {
  const dispatches: Record<Role, number> = { forward: 0, 'input-gradient': 0, 'weight-gradient': 0, update: 0 };
  for (const step of planned.steps) dispatches[step.node.role]++;
  const ops: Record<string, number> = {};
  let flops = 0;
  for (const node of planned.nodes) {
    if (node.op === variableOp) continue;
    ops[node.op.name] = (ops[node.op.name] ?? 0) + 1;
    flops += node.op.flops?.(node) ?? 0;
  }
  const total = (...kinds: string[]) =>
    planned.regions.filter((r) => kinds.includes(r.kind)).reduce((n, r) => n + r.bytes, 0);
  return {
    dispatches,
    hoisted: planned.prologue.length,
    ops,
    plannedBytes: slots.reduce((a, b) => a + b, 0),
    lowerBoundBytes: memoryLowerBound(planned.regions.filter(isPlaced).map(lifetimeIn(planned))),
    inputBytes: total('input'),
    staticBytes: total('static', 'constant'),
    parameterBytes: total('variable'),
    flops,
  };
}
