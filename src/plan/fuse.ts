/** Graph rewrites before lowering. Each keeps the values of every tensor that is still read. */
import type { PlanNode } from '../graph/op.ts';
import type { Node, Tensor } from '../graph/tensor.ts';

/** @param kept tensors whose values are asked for, and so must exist. */
export function fuse(order: readonly Node[], kept: ReadonlySet<Tensor>): PlanNode[] {
  void kept;
  return order.map((n) => ({
    op: n.op,
    attrs: n.attrs,
    inputs: n.inputs,
    outputs: n.outputs,
    role: n.role,
    ...(n.name !== undefined && { name: n.name }),
  }));
}
