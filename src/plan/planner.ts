/**
 * Graph to plan: walks the nodes in order, lets each op lower itself to steps (lowering.ts), effects last, and keeps what
 * depends only on frozen variables apart, to be computed once.
 */
import { WgradError } from '../errors.ts';
import type { Choices } from '../gemm/choose.ts';
import type { Gemm } from '../gemm/tune.ts';
import {
  constantOp,
  inputOp,
  variableOf,
  variableOp,
  type ConstantAttrs,
  type InputAttrs,
  type Variable,
} from '../graph/leaves.ts';
import type { PlanNode } from '../graph/op.ts';
import { topologicalOrder, type Tensor } from '../graph/tensor.ts';
import type { Pieces } from '../pace.ts';
import { elementwiseOp, positiveBitsOp } from '../ops/epilogue.ts';
import { fuse, plain } from './fuse.ts';
import { guardOp } from './guard.ts';
import { Lowering } from './lowering.ts';
import { packMasks } from './masks.ts';
import { planMemory } from './memory.ts';
import { lifetimesOf, statsOf, type Plan, type PlanRequest, type Port, type Region } from './plan.ts';

/** @throws WgradError 'dtype' where updateIf is no f32; 'limit-exceeded'; what ops throw. */
export function* plan<N extends string>(
  request: PlanRequest<N>,
  limits: GPUSupportedLimits,
  choices: Choices,
): Pieces<Plan<N>> {
  return (yield* new Planner(request, limits, choices).run()) as Plan<N>;
}

/** The variables that a request reads or changes. */
export const variablesOf = ({ outputs, updates = [], updateIf = [] }: PlanRequest): Variable[] =>
  topologicalOrder([...Object.values(outputs), ...updates, ...[updateIf].flat()]).flatMap(
    (node) => (node.op === variableOp && variableOf(node.outputs[0]!)) || [],
  );

/** What runs for the request, after fusion, and what must be kept. */
function nodesOf({ outputs, updates = [], updateIf = [], fuse: fused = true }: PlanRequest) {
  const guards = Array.isArray(updateIf) ? (updateIf as readonly Tensor[]) : [updateIf as Tensor];
  const kept = [...Object.values(outputs), ...guards];
  const order = topologicalOrder([...kept, ...updates]);
  if (!fused) return { guards, nodes: order.map(plain) };
  const known = new Set(kept);
  return { guards, nodes: packMasks(fuse(order, known, elementwiseOp), known, elementwiseOp, positiveBitsOp) };
}

/** The GEMMs among nodes, for tuning. */
export const gemmsAmong = (nodes: readonly PlanNode[]): Gemm[] =>
  nodes.flatMap((node) => {
    const layer = node.name ?? node.op.name;
    return (node.op.gemms?.(node) ?? []).map((problem) => ({ problem, layer, role: node.role }));
  });

/** The GEMMs of a request, for kernels to be chosen before it is planned. */
export const gemmsOf = (request: PlanRequest): Gemm[] => gemmsAmong(nodesOf(request).nodes);

class Planner {
  private readonly inputs = new Map<string, Port>();
  private readonly outputs = new Map<string, Port>();
  private readonly nodes: PlanNode[] = [];
  private readonly updated = new Set<Variable>();
  private readonly lowering: Lowering;

  constructor(
    private readonly request: PlanRequest,
    limits: GPUSupportedLimits,
    private readonly choices: Choices,
  ) {
    this.lowering = new Lowering(limits, choices, this.updated);
  }

  *run(): Pieces<Plan> {
    const { lowering } = this;
    const { guards, nodes } = nodesOf(this.request);
    yield;
    for (const node of nodes) {
      for (const at of node.op.effect?.changes ?? []) {
        const variable = node.inputs[at] && variableOf(node.inputs[at]);
        if (variable) this.updated.add(variable);
      }
    }
    for (const node of nodes) {
      if (!node.op.effect) this.lower(node);
      yield;
    }
    for (const [name, tensor] of Object.entries(this.request.outputs)) {
      this.outputs.set(name, { tensor, region: this.settled(name, tensor) });
    }
    if (guards.length > 0) lowering.flag = lowering.region('flag', 4, 'guard');
    for (const tensor of guards) {
      if (tensor.dtype !== 'f32')
        throw new WgradError('dtype', `updateIf must be f32, not ${tensor} of ${tensor.dtype}`);
      lowering.watch(tensor, this.settled('updateIf', tensor), `the ${this.nameOf(tensor)}`);
    }
    for (const node of nodes) if (node.op.effect) this.lower(node);
    yield;
    if (lowering.flag) this.guardEffects(lowering.flag);
    lowering.steps.push(...lowering.effects);
    return yield* this.finished();
  }

  private *finished(): Pieces<Plan> {
    const { inputs, outputs, nodes, updated, lowering } = this;
    const { prologue, steps, regions, flag } = lowering;
    const lifetimes = lifetimesOf(prologue, steps, [...outputs.values()]);
    const all = {
      prologue,
      steps,
      regions,
      placed: [...lifetimes.keys()],
      memory: yield* planMemory([...lifetimes.values()], lowering.limits.maxStorageBufferBindingSize),
      inputs,
      outputs,
      nodes,
      frozen: [...lowering.variables.keys()].filter((v) => !updated.has(v)),
      updated,
      subgroup: [...prologue, ...steps].some((s) => /^enable subgroups/m.test(s.code))
        ? this.choices.device.subgroup
        : 0,
      guard: flag && { region: flag, watched: [...lowering.watched.values()].map((w) => w.name) },
    };
    yield;
    return { ...all, stats: statsOf(all, [...lifetimes.values()]) };
  }

  /** Where the tensor's value is that no update of this run changes. */
  private settled(name: string, tensor: Tensor): Region {
    const { op, attrs } = tensor.node;
    this.lowering.node = { op, attrs, inputs: [], outputs: [], role: 'forward', name };
    return this.lowering.settled(tensor);
  }

  private nameOf(tensor: Tensor): string {
    const output = Object.entries(this.request.outputs).find(([, t]) => t === tensor);
    return output?.[0] ?? tensor.node.name ?? tensor.node.op.name;
  }

  private guardEffects(flag: Region): void {
    const attrs = { watched: [...this.lowering.watched.values()], flag };
    const node: PlanNode = { op: guardOp, attrs, inputs: [], outputs: [], role: 'update', name: 'guard' };
    this.lowering.lower(node, this.lowering.steps);
  }

  private lower(node: PlanNode): void {
    const { lowering } = this;
    const { statics } = lowering;
    const first = node.outputs[0]!;
    if (node.op === inputOp) {
      const { name } = node.attrs as InputAttrs;
      if (this.inputs.has(name)) {
        throw new WgradError('invalid-argument', `two different inputs of the graph are called ${name}`);
      }
      const region = lowering.region('input', first.size * 4, name);
      this.inputs.set(name, { tensor: first, region });
      lowering.leaf(first, region);
    } else if (node.op === constantOp) {
      statics.add(first);
      lowering.leaf(first, lowering.constant((node.attrs as ConstantAttrs).data));
    } else if (node.op === variableOp) {
      const variable = variableOf(first)!;
      if (!this.updated.has(variable)) statics.add(first);
      lowering.leaf(first, lowering.variableRegion(variable), variable.layout);
    } else {
      const isStatic = !node.op.effect && node.inputs.every((t) => statics.has(t));
      if (isStatic) for (const t of node.outputs) statics.add(t);
      this.nodes.push(node);
      lowering.lower(node, node.op.effect ? lowering.effects : isStatic ? lowering.prologue : lowering.steps);
    }
  }
}
