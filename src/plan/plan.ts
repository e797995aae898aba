/**
 * A plan: what a Program does, as data that nothing changes once it is made. It names kernels, regions of memory and
 * variables, and holds no buffer, so that any number of engines can carry it out (see instance.ts).
 */
import type { Kernel } from '../gpu/kernel.ts';
import { variableOp, type Variable } from '../graph/leaves.ts';
import type { Storage } from '../graph/lower.ts';
import type { PlanNode } from '../graph/op.ts';
import type { Role, Tensor, TensorData } from '../graph/tensor.ts';
import { memoryLowerBound, type Lifetime, type MemoryPlan } from './memory.ts';

/**
 * planned: an intermediate, placed by the memory plan. static: depends on frozen variables and constants only, computed
 * once and kept. flag: zero at the start of every run. input, constant, variable: what the names say.
 */
export type RegionKind = 'planned' | 'static' | 'flag' | 'input' | 'constant' | 'variable';

export interface Region extends Storage {
  readonly kind: RegionKind;
  /** Its place in {@link Plan.regions}. */
  readonly index: number;
  readonly bytes: number;
  readonly label: string;
  readonly variable?: Variable;
  readonly data?: TensorData | Uint32Array<ArrayBufferLike>;
}

export interface Step {
  readonly kernel: Kernel;
  readonly code: string;
  /** In the order of the kernel's bindings. */
  readonly regions: readonly Region[];
  readonly workgroups: readonly [number, number, number];
  readonly node: PlanNode;
}

/** An input or an output. */
export interface Port {
  readonly tensor: Tensor;
  readonly region: Region;
}

/** What a program is to compute. */
export interface PlanRequest<Names extends string = string> {
  outputs: Readonly<Record<Names, Tensor>>;
  /**
   * Results of effect ops: optimiser steps, running statistics, assignments. All of them read the values of before the
   * run; two that change one variable do so in the order of this list.
   */
  updates?: readonly Tensor[];
  /**
   * The loss, say, or several tensors: in a run where one of their values, or any value that an update reads (a
   * gradient, a learning rate), is NaN or infinite, no update changes anything and the run rejects with 'not-finite'.
   */
  updateIf?: Tensor | readonly Tensor[];
  /** False runs every node by itself (default true): to find out whether fusion is to blame. */
  fuse?: boolean;
}

/** What a program does, without any buffer: it can be instantiated on any device. */
export interface Plan<Names extends string = string> {
  /** Computed once, and again after a frozen variable was written. */
  readonly prologue: readonly Step[];
  readonly steps: readonly Step[];
  readonly regions: readonly Region[];
  /** The regions that share buffers, and which. */
  readonly placed: readonly Region[];
  readonly memory: MemoryPlan;
  readonly inputs: ReadonlyMap<string, Port>;
  readonly outputs: ReadonlyMap<Names, Port>;
  readonly nodes: readonly PlanNode[];
  /** Variables that the steps read and do not change. */
  readonly frozen: readonly Variable[];
  /** Variables that the steps change. */
  readonly updated: ReadonlySet<Variable>;
  /** With `updateIf`: the flag that stops the updates, and what it may be raised by, the first with the highest value. */
  readonly guard: { readonly region: Region; readonly watched: readonly string[] } | undefined;
  readonly stats: ProgramStats;
  /** Lanes of a subgroup that its kernels count on; 0 where none does. */
  readonly subgroup: number;
}

/** What can be counted of a program before it runs. */
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
  /** Bytes of values computed once from frozen variables and kept, and of constants. */
  staticBytes: number;
  /** Bytes of the variables that the program reads or changes. */
  parameterBytes: number;
  /** Floating-point operations of one run; a multiply-add is two. */
  flops: number;
}

export function statsOf(
  { prologue, steps, nodes, regions, placed, memory }: Omit<Plan, 'stats'>,
  lifetimes: readonly Lifetime[],
): ProgramStats {
  const dispatches: Record<Role, number> = { forward: 0, 'input-gradient': 0, 'weight-gradient': 0, update: 0 };
  for (const step of steps) dispatches[step.node.role]++;
  const ops: Record<string, number> = {};
  let flops = 0;
  for (const node of nodes) {
    if (node.op === variableOp) continue;
    ops[node.op.name] = (ops[node.op.name] ?? 0) + 1;
    flops += node.op.flops?.(node) ?? 0;
  }
  const shared = new Set(placed);
  const total = (...kinds: RegionKind[]) =>
    regions.filter((r) => kinds.includes(r.kind) && !shared.has(r)).reduce((n, r) => n + r.bytes, 0);
  return {
    dispatches,
    hoisted: prologue.length,
    ops,
    plannedBytes: memory.slots.reduce((a, b) => a + b, 0),
    lowerBoundBytes: memoryLowerBound(lifetimes),
    inputBytes: total('input'),
    staticBytes: total('static', 'constant'),
    parameterBytes: total('variable'),
    flops,
  };
}

/**
 * Of the regions that share memory: intermediates, and what only the prologue uses, which comes before the steps.
 * Outputs live to the end.
 */
export function lifetimesOf(
  prologue: readonly Step[],
  steps: readonly Step[],
  outputs: readonly Port[],
): Map<Region, Lifetime> {
  const kept = new Set([...steps.flatMap((step) => step.regions), ...outputs.map((port) => port.region)]);
  const lifetimes = new Map<Region, Lifetime & { writes: Set<number>; uses: Set<number> }>();
  const use = (region: Region, step: number, writes: boolean) => {
    if (region.kind !== 'planned' && (region.kind !== 'static' || kept.has(region))) return;
    let value = lifetimes.get(region);
    if (!value) {
      value = { bytes: region.bytes, first: step, last: step, writes: new Set(), uses: new Set() };
      lifetimes.set(region, value);
    }
    value.last = step;
    value.uses.add(step);
    if (writes) value.writes.add(step);
  };
  const all = [...prologue, ...steps];
  all.forEach(({ kernel, regions }, step) => {
    const accesses = Object.values(kernel.bindings).map((b) => b.access);
    regions.forEach((region, i) => use(region, step, accesses[i] === 'read_write'));
  });
  for (const { region } of outputs) use(region, all.length, false);
  return lifetimes;
}
