/**
 * Fusion: elementwise neighbours become steps of one epilogue behind the node that they follow, which is either an op
 * that takes steps (a convolution, its input gradient) or such a neighbour itself. What counts as a step, and which ops
 * take steps, the ops say themselves (graph/op.ts): nothing here knows one of them.
 *
 * A step is taken only where the value before it has no other reader and was not asked for. The fused node stands where
 * its last step stood, so that everything it reads is there.
 */
import type { FusedStep, Op, PlanNode } from '../graph/op.ts';
import { topologicalOrder, withName, withRole, type Node, type Tensor } from '../graph/tensor.ts';

const kindsOnce = (steps: readonly FusedStep[]) => new Set(steps.map((s) => s.kind)).size === steps.length;

const operandsOf = (steps: readonly FusedStep[]): Tensor[] => steps.flatMap((s) => s.operand ?? []);

/** A node that takes steps: its own inputs, and the steps that it has already (a convolution's bias). */
function ownPart(node: Node): { inputs: readonly Tensor[]; steps: FusedStep[] } {
  const kinds = (node.attrs as { steps?: readonly FusedStep['kind'][] }).steps ?? [];
  const count = kinds.filter((kind) => kind !== 'relu').length;
  const own = node.inputs.length - count;
  const operands = node.inputs.slice(own);
  const steps = kinds.map((kind): FusedStep => (kind === 'relu' ? { kind } : { kind, operand: operands.shift()! }));
  return { inputs: node.inputs.slice(0, own), steps };
}

/** How a chain begins: the node that will be there, its inputs and its first steps; undefined where none does. */
function beginning(node: Node, elementwise: Op) {
  if (node.outputs.length !== 1 || node.outputs[0]!.dtype !== 'f32') return undefined;
  if (node.op.takesSteps?.(node)) return { op: node.op, attrs: node.attrs, ...ownPart(node) };
  const [x] = node.inputs;
  const steps = x && x.shape.join() === node.outputs[0]!.shape.join() ? node.op.asSteps?.(node, x, []) : undefined;
  return steps && { op: elementwise, attrs: {}, inputs: [x!], steps };
}

/**
 * @param kept tensors whose values are asked for, and so must exist.
 * @param elementwise the op that runs steps behind nothing: one input, then their operands.
 */
export function fuse(order: readonly Node[], kept: ReadonlySet<Tensor>, elementwise: Op): PlanNode[] {
  const readers = new Map<Tensor, Node[]>();
  for (const node of order) for (const t of new Set(node.inputs)) readers.set(t, [...(readers.get(t) ?? []), node]);
  const known = new Set(order);
  const taken = new Set<Node>();
  const fusedAt = new Map<Node, PlanNode[]>();
  for (const node of order) {
    const start = taken.has(node) ? undefined : beginning(node, elementwise);
    if (!start) continue;
    let { steps } = start;
    let last: Node = node;
    for (;;) {
      const value = last.outputs[0]!;
      const [next, more] = readers.get(value) ?? [];
      if (!next || more || kept.has(value) || taken.has(next) || next.outputs[0]?.dtype !== 'f32') break;
      const { role, name } = node;
      const longer = withRole(role, () => withName(name, () => next.op.asSteps?.(next, value, steps)));
      if (!longer || !kindsOnce(longer)) break;
      steps = longer;
      taken.add(next);
      last = next;
    }
    if (last === node) continue;
    taken.add(node);
    // Operands that the joining of steps has made, such as a bias times a scale.
    const made = topologicalOrder(operandsOf(steps)).filter((n) => !known.has(n));
    for (const n of made) known.add(n);
    const fused: PlanNode = {
      ...plain(node),
      op: start.op,
      attrs: { ...start.attrs, steps: steps.map((s) => s.kind) },
      inputs: [...start.inputs, ...operandsOf(steps)],
      outputs: last.outputs,
    };
    fusedAt.set(last, [...made.map(plain), fused]);
  }
  return order.flatMap((node) => fusedAt.get(node) ?? (taken.has(node) ? [] : [plain(node)]));
}

/** The node as the planner takes it, unchanged. */
export function plain(n: PlanNode): PlanNode {
  const { op, attrs, inputs, outputs, role, name } = n;
  return { op, attrs, inputs, outputs, role, ...(name !== undefined && { name }) };
}
