/**
 * Graph to steps: walks the nodes in order, lets each op lower itself to dispatches, inserts layout conversions where
 * an op asks for another one, and keeps what depends only on frozen variables apart, to be computed once.
 */
import { WgradError } from '../errors.ts';
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
import { fuse, plain } from './fuse.ts';
import type { Region, RegionKind, Step } from './region.ts';

interface Value {
  region: Region;
  layout: Layout;
}

export interface Plan {
  /** Computed once, and again after a frozen variable was written. */
  prologue: Step[];
  steps: Step[];
  regions: Region[];
  inputs: Map<string, { tensor: Tensor; region: Region }>;
  outputs: Map<string, { tensor: Tensor; region: Region }>;
  nodes: PlanNode[];
  /** Variables that the steps change. */
  updated: Set<Variable>;
}

export interface PlanRequest {
  outputs: Readonly<Record<string, Tensor>>;
  /** Results of effect ops: optimiser steps, running statistics, assignments. */
  updates?: readonly Tensor[];
  /** A scalar, such as the loss: in a run where it is NaN or infinite, no update changes anything. */
  updateIf?: Tensor;
  /** False runs every node by itself (default true): to find out whether fusion is to blame. */
  fuse?: boolean;
}

/** @throws WgradError 'shape' where updateIf is no float scalar; 'limit-exceeded'; what ops throw. */
export function plan(request: PlanRequest, limits: GPUSupportedLimits): Plan {
  const { updateIf } = request;
  if (updateIf && (updateIf.size !== 1 || updateIf.dtype !== 'f32')) {
    throw new WgradError('shape', `updateIf must be one f32, not ${updateIf}`);
  }
  return new Planner(request, limits).run();
}

/** A guard for programs that have none. */
const always = new Float32Array(1);

class Planner implements LowerContext {
  private readonly values = new Map<Tensor, Value>();
  private readonly conversions = new Map<Tensor, Value[]>();
  private readonly statics = new Set<Tensor>();
  private readonly variables = new Map<Variable, Region>();
  private readonly constants = new Map<object, Region>();
  private readonly plan: Plan;
  private node!: PlanNode;
  private isStatic = false;
  private guardRegion: Region | undefined;

  constructor(
    private readonly request: PlanRequest,
    readonly limits: GPUSupportedLimits,
  ) {
    this.plan = {
      prologue: [],
      steps: [],
      regions: [],
      inputs: new Map(),
      outputs: new Map(),
      nodes: [],
      updated: new Set(),
    };
  }

  run(): Plan {
    const { plan } = this;
    const outputs = Object.values(this.request.outputs);
    const { updates = [], updateIf } = this.request;
    const kept = updateIf ? [...outputs, updateIf] : outputs;
    const order = topologicalOrder([...kept, ...updates]);
    for (const node of order) {
      if (!node.op.effect) continue;
      for (const t of node.inputs) {
        const variable = variableOf(t);
        if (variable) plan.updated.add(variable);
      }
    }
    const nodes = this.request.fuse === false ? order.map(plain) : fuse(order, new Set(kept));
    for (const node of nodes) if (!node.op.effect) this.lowerNode(node);
    for (const [name, tensor] of Object.entries(this.request.outputs)) this.keep(name, tensor);
    if (updateIf) this.guardRegion = this.settled('updateIf', updateIf);
    for (const node of nodes) if (node.op.effect) this.lowerNode(node);
    return plan;
  }

  private keep(name: string, tensor: Tensor): void {
    const region = this.settled(name, tensor);
    region.last = Infinity;
    this.plan.outputs.set(name, { tensor, region });
  }

  /** Where the tensor's value is that no update of this run changes: a copy, if it is a variable that one does. */
  private settled(name: string, tensor: Tensor): Region {
    this.node = { op: tensor.node.op, attrs: tensor.node.attrs, inputs: [], outputs: [], role: 'forward', name };
    this.isStatic = this.statics.has(tensor);
    let region = this.read(tensor, 'row') as Region;
    if (region.variable && this.plan.updated.has(region.variable)) {
      const source = region;
      region = this.region('planned', source.bytes, name);
      copyLayout(this, source, region, tensor.shape, 'row', 'row');
    }
    return region;
  }

  private lowerNode(node: PlanNode): void {
    this.node = node;
    const first = node.outputs[0]!;
    if (node.op === inputOp) {
      const { name } = node.attrs as InputAttrs;
      if (this.plan.inputs.has(name)) {
        throw new WgradError('invalid-argument', `two different inputs of the graph are called ${name}`);
      }
      const region = this.region('input', first.size * 4, name);
      this.plan.inputs.set(name, { tensor: first, region });
      this.values.set(first, { region, layout: 'row' });
    } else if (node.op === constantOp) {
      this.statics.add(first);
      this.values.set(first, { region: this.constant((node.attrs as ConstantAttrs).data), layout: 'row' });
    } else if (node.op === variableOp) {
      const variable = variableOf(first)!;
      if (!this.plan.updated.has(variable)) this.statics.add(first);
      this.values.set(first, { region: this.variableRegion(variable), layout: variable.layout });
    } else {
      this.isStatic = !node.op.effect && node.inputs.every((t) => this.statics.has(t));
      if (this.isStatic) for (const t of node.outputs) this.statics.add(t);
      this.plan.nodes.push(node);
      node.op.lower(this, node);
    }
  }

  private region(kind: RegionKind, bytes: number, label: string): Region {
    const region: Region = { kind, bytes: Math.max(16, Math.ceil(bytes / 16) * 16), label, first: Infinity, last: -1 };
    this.plan.regions.push(region);
    return region;
  }

  private variableRegion(variable: Variable): Region {
    let region = this.variables.get(variable);
    if (!region) {
      region = this.region('variable', variable.initial.length * 4, variable.name);
      region.variable = variable;
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
    const value = this.value(t);
    if (!layout || sameOrder(t.shape, value.layout, layout)) return value.region;
    const known = this.conversions.get(t) ?? [];
    const hit = known.find((v) => sameOrder(t.shape, v.layout, layout));
    if (hit) return hit.region;
    const outer = this.isStatic;
    this.isStatic = this.statics.has(t);
    const region = this.region(this.isStatic ? 'static' : 'planned', t.size * 4, `${t} as ${layout}`);
    copyLayout(this, value.region, region, t.shape, value.layout, layout);
    this.isStatic = outer;
    this.conversions.set(t, [...known, { region, layout }]);
    return region;
  }

  write(t: Tensor, layout: Layout = 'row'): Storage {
    const region = this.region(this.isStatic ? 'static' : 'planned', t.size * 4, String(t));
    this.values.set(t, { region, layout });
    return region;
  }

  alias(output: Tensor, input: Tensor, layout: Layout = 'row'): void {
    this.values.set(output, { region: this.read(input, layout) as Region, layout });
  }

  update(t: Tensor): Storage {
    const variable = variableOf(t);
    if (!variable || !this.node.op.effect) throw new Error(`${this.node.op.name} cannot update ${t} in place`);
    return this.variableRegion(variable);
  }

  guard(): Storage {
    return this.guardRegion ?? this.constant(always);
  }

  scratch(elements: number): Storage {
    return this.region(
      this.isStatic ? 'static' : 'planned',
      elements * 4,
      `${this.node.name ?? this.node.op.name} scratch`,
    );
  }

  constant(data: Float32Array | Int32Array | Uint32Array): Region {
    let region = this.constants.get(data);
    if (!region) {
      region = this.region('constant', data.byteLength, 'constant');
      region.data = data;
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
    const steps = this.isStatic ? this.plan.prologue : this.plan.steps;
    const bindings = dispatch.bindings as Record<string, Region>;
    const regions = Object.keys(kernel.bindings).map((name) => {
      const region = bindings[name];
      if (!region) throw new Error(`kernel ${kernel.name}: nothing is bound to ${name}`);
      return region;
    });
    if (!this.isStatic) {
      for (const region of regions) {
        region.first = Math.min(region.first, steps.length);
        region.last = Math.max(region.last, steps.length);
      }
    }
    const code = specialize(kernel as Kernel, (dispatch.constants ?? {}) as Constants<Kernel>);
    steps.push({ kernel, code, regions, workgroups: [x, y, z], node: this.node });
  }
}
