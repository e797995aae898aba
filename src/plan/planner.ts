/**
 * Graph to steps: walks the nodes in order, lets each op lower itself to dispatches, inserts layout conversions where
 * an op asks for another one, and keeps what depends only on frozen variables apart, to be computed once.
 */
import { WgradError } from '../errors.ts';
import type { Choices } from '../gemm/choose.ts';
import type { GemmProblem } from '../gemm/problem.ts';
import { specialize, type Constants, type Kernel } from '../gpu/kernel.ts';
import {
  constantOp,
  inputOp,
  variableOf,
  variableOp,
  type ConstantAttrs,
  type InputAttrs,
  type Variable,
} from '../graph/leaves.ts';
import { sameOrder } from '../graph/layout.ts';
import type { Dispatch, LowerContext, Storage } from '../graph/lower.ts';
import type { PlanNode } from '../graph/op.ts';
import { topologicalOrder, type Layout, type Tensor } from '../graph/tensor.ts';
import { copyLayout } from '../ops/copy.ts';
import { elementwiseOp, positiveBitsOp } from '../ops/epilogue.ts';
import { fuse, plain } from './fuse.ts';
import { guardOp, type Watched } from './guard.ts';
import { packMasks } from './masks.ts';
import { planMemory } from './memory.ts';
import {
  lifetimesOf,
  statsOf,
  type Plan,
  type PlanRequest,
  type Port,
  type Region,
  type RegionKind,
  type Step,
} from './plan.ts';

interface Value {
  region: Region;
  layout: Layout;
}

/** @throws WgradError 'dtype' where updateIf is no f32; 'limit-exceeded'; what ops throw. */
export function plan<N extends string>(request: PlanRequest<N>, limits: GPUSupportedLimits, choices: Choices): Plan<N> {
  return new Planner(request, limits, choices).run() as Plan<N>;
}

/** What runs for the request, after fusion, and what must be kept. */
function nodesOf({ outputs, updates = [], updateIf = [], fuse: fused = true }: PlanRequest) {
  const guards = Array.isArray(updateIf) ? (updateIf as readonly Tensor[]) : [updateIf as Tensor];
  const kept = [...Object.values(outputs), ...guards];
  const order = topologicalOrder([...kept, ...updates]);
  if (!fused) return { guards, nodes: order.map(plain) };
  const known = new Set(kept);
  return { guards, nodes: packMasks(fuse(order, known, elementwiseOp), known, elementwiseOp, positiveBitsOp) };
}

/** The GEMMs of a request, for kernels to be chosen before it is planned. */
export const gemmsOf = (request: PlanRequest): GemmProblem[] =>
  nodesOf(request).nodes.flatMap((node) => node.op.gemms?.(node) ?? []);

/** A guard for programs that have none: never raised. */
const never = new Uint32Array(1);

class Planner implements LowerContext {
  private readonly values = new Map<Tensor, Value>();
  private readonly conversions = new Map<Tensor, Value[]>();
  private readonly statics = new Set<Tensor>();
  private readonly variables = new Map<Variable, Region>();
  private readonly constants = new Map<object, Region>();
  private readonly inputs = new Map<string, Port>();
  private readonly outputs = new Map<string, Port>();
  private readonly regions: Region[] = [];
  private readonly nodes: PlanNode[] = [];
  private readonly prologue: Step[] = [];
  private readonly steps: Step[] = [];
  /** Of effects: after all other steps, whose results they must not disturb. */
  private readonly effects: Step[] = [];
  private readonly updated = new Set<Variable>();
  /** What effects read, in the order in which a guard names it. */
  private readonly watched = new Map<Region, Watched>();
  /** Values of variables before this run's updates. */
  private readonly snapshots = new Map<Region, Region>();
  private flag: Region | undefined;
  private node!: PlanNode;
  /** Where dispatches go. */
  private target = this.steps;

  constructor(
    private readonly request: PlanRequest,
    readonly limits: GPUSupportedLimits,
    readonly choices: Choices,
  ) {}

  run(): Plan {
    const { outputs } = this.request;
    const { guards, nodes } = nodesOf(this.request);
    for (const node of nodes) {
      for (const at of node.op.effect?.changes ?? []) {
        const variable = node.inputs[at] && variableOf(node.inputs[at]);
        if (variable) this.updated.add(variable);
      }
    }
    for (const node of nodes) if (!node.op.effect) this.lowerNode(node);
    for (const [name, tensor] of Object.entries(outputs)) {
      this.outputs.set(name, { tensor, region: this.settled(name, tensor) });
    }
    if (guards.length > 0) this.flag = this.region('flag', 4, 'guard');
    for (const tensor of guards) {
      if (tensor.dtype !== 'f32')
        throw new WgradError('dtype', `updateIf must be f32, not ${tensor} of ${tensor.dtype}`);
      this.watch(tensor, this.settled('updateIf', tensor), `the ${this.nameOf(tensor)}`);
    }
    for (const node of nodes) if (node.op.effect) this.lowerNode(node);
    if (this.flag) this.guardEffects(this.flag);
    this.steps.push(...this.effects);
    return this.finished();
  }

  private finished(): Plan {
    const { prologue, steps, regions, inputs, outputs, nodes, updated, flag } = this;
    const lifetimes = lifetimesOf(steps, outputs.values());
    const all = {
      prologue,
      steps,
      regions,
      placed: [...lifetimes.keys()],
      memory: planMemory([...lifetimes.values()]),
      inputs,
      outputs,
      nodes,
      frozen: [...this.variables.keys()].filter((v) => !updated.has(v)),
      updated,
      subgroup: [...prologue, ...steps].some((s) => /^enable subgroups/m.test(s.code))
        ? this.choices.device.subgroup
        : 0,
      guard: flag && { region: flag, watched: [...this.watched.values()].map((w) => w.name) },
    };
    return { ...all, stats: statsOf(all, [...lifetimes.values()]) };
  }

  /** Where the tensor's value is that no update of this run changes. */
  private settled(name: string, tensor: Tensor): Region {
    this.node = { op: tensor.node.op, attrs: tensor.node.attrs, inputs: [], outputs: [], role: 'forward', name };
    return this.snapshot(this.stored(tensor, 'row'), tensor);
  }

  /** A copy, if `region` is a variable that an update of this run changes. */
  private snapshot(region: Region, { size }: Tensor): Region {
    if (!region.variable || !this.updated.has(region.variable)) return region;
    let copy = this.snapshots.get(region);
    if (!copy) {
      copy = this.region('planned', region.bytes, `${region.label} before`);
      const [from, to] = [region, copy];
      this.into(this.steps, () => copyLayout(this, from, to, [size], 'row', 'row'));
      this.snapshots.set(region, copy);
    }
    return copy;
  }

  private nameOf(tensor: Tensor): string {
    const output = Object.entries(this.request.outputs).find(([, t]) => t === tensor);
    return output?.[0] ?? tensor.node.name ?? tensor.node.op.name;
  }

  private watch({ size, dtype }: Tensor, region: Region, name: string): void {
    if (dtype === 'f32' && !this.watched.has(region)) this.watched.set(region, { region, size, name });
  }

  private guardEffects(flag: Region): void {
    const attrs = { watched: [...this.watched.values()], flag };
    this.node = { op: guardOp, attrs, inputs: [], outputs: [], role: 'update', name: 'guard' };
    this.into(this.steps, () => guardOp.lower(this, this.node));
  }

  private into(target: Step[], emit: () => void): void {
    const outer = this.target;
    this.target = target;
    emit();
    this.target = outer;
  }

  private lowerNode(node: PlanNode): void {
    this.node = node;
    const first = node.outputs[0]!;
    if (node.op === inputOp) {
      const { name } = node.attrs as InputAttrs;
      if (this.inputs.has(name)) {
        throw new WgradError('invalid-argument', `two different inputs of the graph are called ${name}`);
      }
      const region = this.region('input', first.size * 4, name);
      this.inputs.set(name, { tensor: first, region });
      this.values.set(first, { region, layout: 'row' });
    } else if (node.op === constantOp) {
      this.statics.add(first);
      this.values.set(first, { region: this.constant((node.attrs as ConstantAttrs).data), layout: 'row' });
    } else if (node.op === variableOp) {
      const variable = variableOf(first)!;
      if (!this.updated.has(variable)) this.statics.add(first);
      this.values.set(first, { region: this.variableRegion(variable), layout: variable.layout });
    } else {
      const isStatic = !node.op.effect && node.inputs.every((t) => this.statics.has(t));
      if (isStatic) for (const t of node.outputs) this.statics.add(t);
      this.nodes.push(node);
      const target = node.op.effect ? this.effects : isStatic ? this.prologue : this.steps;
      this.into(target, () => node.op.lower(this, node));
    }
  }

  private region(kind: RegionKind, bytes: number, label: string, of: Partial<Region> = {}): Region {
    const size = Math.max(16, Math.ceil(bytes / 16) * 16);
    const region: Region = { kind, index: this.regions.length, bytes: size, label, ...of };
    this.regions.push(region);
    return region;
  }

  /** Memory for what is computed now. */
  private working(bytes: number, label: string): Region {
    return this.region(this.target === this.prologue ? 'static' : 'planned', bytes, label);
  }

  private variableRegion(variable: Variable): Region {
    let region = this.variables.get(variable);
    if (!region) {
      region = this.region('variable', variable.initial.length * 4, variable.name, { variable });
      this.variables.set(variable, region);
    }
    return region;
  }

  private value(t: Tensor): Value {
    const value = this.values.get(t);
    if (!value) throw new Error(`${this.node.op.name} reads ${t} before it is written`);
    return value;
  }

  layoutOf(t: Tensor): Layout {
    return this.value(t).layout;
  }

  read(t: Tensor, layout?: Layout): Storage {
    const region = this.stored(t, layout);
    const { op, inputs } = this.node;
    if (!op.effect) return region;
    const before = this.snapshot(region, t);
    // Looked for from the end: a variable may be its own new value.
    this.watch(t, before, `the ${op.effect.inputs[inputs.lastIndexOf(t)]} of ${variableOf(inputs[0]!)!.name}`);
    return before;
  }

  private stored(t: Tensor, layout?: Layout): Region {
    const value = this.value(t);
    if (!layout || sameOrder(t.shape, value.layout, layout)) return value.region;
    const known = this.conversions.get(t) ?? [];
    const hit = known.find((v) => sameOrder(t.shape, v.layout, layout));
    if (hit) return hit.region;
    let region!: Region;
    this.into(this.statics.has(t) ? this.prologue : this.steps, () => {
      region = this.working(t.size * 4, `${t} as ${layout}`);
      copyLayout(this, value.region, region, t.shape, value.layout, layout);
    });
    this.conversions.set(t, [...known, { region, layout }]);
    return region;
  }

  write(t: Tensor, layout: Layout = 'row'): Storage {
    const region = this.working(t.size * 4, String(t));
    this.values.set(t, { region, layout });
    return region;
  }

  alias(output: Tensor, input: Tensor, layout: Layout = 'row'): void {
    this.values.set(output, { region: this.stored(input, layout), layout });
  }

  update(t: Tensor): Storage {
    const variable = variableOf(t);
    if (!variable || !this.node.op.effect) throw new Error(`${this.node.op.name} cannot update ${t} in place`);
    return this.variableRegion(variable);
  }

  guard(): Storage {
    return this.flag ?? this.constant(never);
  }

  scratch(elements: number): Storage {
    return this.working(elements * 4, `${this.node.name ?? this.node.op.name} scratch`);
  }

  constant(data: Float32Array | Int32Array | Uint32Array): Region {
    let region = this.constants.get(data);
    if (!region) {
      region = this.region('constant', data.byteLength, 'constant', { data });
      this.constants.set(data, region);
    }
    return region;
  }

  dispatch<K extends Kernel>(kernel: K, dispatch: Dispatch<K>): void {
    const [x, y = 1, z = 1] = dispatch.workgroups;
    const most = this.limits.maxComputeWorkgroupsPerDimension;
    if (Math.max(x, y, z) > most) {
      throw new WgradError(
        'limit-exceeded',
        `${this.node.op.name} needs ${x}x${y}x${z} workgroups, the most is ${most}`,
      );
    }
    const bindings = dispatch.bindings as Record<string, Region>;
    const regions = Object.keys(kernel.bindings).map((name) => {
      const region = bindings[name];
      if (!region) throw new Error(`kernel ${kernel.name}: nothing is bound to ${name}`);
      return region;
    });
    const code = specialize(kernel as Kernel, (dispatch.constants ?? {}) as Constants<Kernel>);
    this.target.push({ kernel, code, regions, workgroups: [x, y, z], node: this.node });
  }
}
