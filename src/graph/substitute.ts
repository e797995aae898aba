/** Graph surgery: the same computation with one value replaced by another of its shape. */
import { apply, topologicalOrder, withName, withRole, type Tensor } from './tensor.ts';

/**
 * `outputs` as they would be if `from` were `to`. Only what depends on `from` is built again; what led to `from` alone
 * is needed no more, and no Program will compute it.
 */
export function substitute(outputs: readonly Tensor[], from: Tensor, to: Tensor): Tensor[] {
  const replaced = new Map<Tensor, Tensor>([[from, to]]);
  const now = (t: Tensor) => replaced.get(t) ?? t;
  for (const node of topologicalOrder(outputs)) {
    if (node.outputs.includes(from) || !node.inputs.some((t) => replaced.has(t))) continue;
    const inputs = node.inputs.map(now);
    const made = withRole(node.role, () => withName(node.name, () => apply(node.op, inputs, node.attrs)));
    node.outputs.forEach((t, i) => replaced.set(t, made[i]!));
  }
  return outputs.map(now);
}
