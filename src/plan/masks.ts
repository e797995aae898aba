/**
 * Masks as bits: a backward pass that needs only the sign of an activation keeps one bit an element of it, not the
 * activation. A frozen network's saliency then holds about a thirtieth of its ReLUs' outputs.
 *
 * Packed is what is read by nothing but masks from the first mask on; an activation that a weight gradient reads later
 * has to stay anyway.
 */
import type { Op, PlanNode } from '../graph/op.ts';
import { apply1, withName, withRole, type Tensor } from '../graph/tensor.ts';
import { plain } from './fuse.ts';

interface Steps {
  steps: readonly string[];
}

/** Where the node reads a gate, among its inputs; -1 where it has none. */
function gateOf({ attrs, inputs }: PlanNode): number {
  const { steps = [] } = attrs as Partial<Steps>;
  const operands = steps.filter((kind) => kind !== 'relu');
  const at = operands.indexOf('mask');
  return at < 0 ? -1 : inputs.length - operands.length + at;
}

/** A mask by itself, as one step behind nothing. */
function asSteps(node: PlanNode, elementwise: Op): PlanNode {
  const [x] = node.inputs;
  const steps = node.op.asSteps?.(node as Parameters<NonNullable<Op['asSteps']>>[0], x!, []);
  const [step] = steps ?? [];
  if (steps?.length !== 1 || step?.kind !== 'mask' || x!.rank !== 4) return node;
  return { ...node, op: elementwise, attrs: { steps: ['mask'] }, inputs: [x!, step.operand!] };
}

/**
 * @param kept tensors whose values are asked for.
 * @param bits the op that makes bits of an activation.
 */
export function packMasks(
  nodes: readonly PlanNode[],
  kept: ReadonlySet<Tensor>,
  elementwise: Op,
  bits: Op,
): PlanNode[] {
  const all = nodes.map((node) => asSteps(node, elementwise));
  const firstMask = new Map<Tensor, number>();
  const lastOther = new Map<Tensor, number>();
  all.forEach((node, i) => {
    const gate = gateOf(node);
    node.inputs.forEach((t, at) => {
      if (at !== gate) lastOther.set(t, i);
      else if (!firstMask.has(t)) firstMask.set(t, i);
    });
  });
  const fits = (t: Tensor) =>
    t.rank === 4 && t.shape[1]! % 4 === 0 && !kept.has(t) && (lastOther.get(t) ?? -1) < firstMask.get(t)!;
  const packed = new Map<Tensor, Tensor>();
  return all.flatMap((node) => {
    const gate = gateOf(node);
    const small = gate < 0 ? undefined : packed.get(node.inputs[gate]!);
    const steps = small && (node.attrs as Steps).steps.map((kind) => (kind === 'mask' ? 'bits' : kind));
    const own = small
      ? { ...node, attrs: { ...node.attrs, steps }, inputs: node.inputs.map((t, i) => (i === gate ? small : t)) }
      : node;
    const made = node.outputs
      .filter((t) => firstMask.has(t) && fits(t))
      .map((t) => {
        const small = withRole(node.role, () => withName(node.name, () => apply1(bits, [t], {})));
        packed.set(t, small);
        return plain(small.node);
      });
    return [own, ...made];
  });
}
