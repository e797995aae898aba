/** Graph surgery: the same computation with some values replaced by others of their shapes. */
import { apply, topologicalOrder, withName, withRole, type Tensor } from './tensor.ts';

/** `outputs` as they would be if `from` were `to`; see {@link substituteAll}. */
export const substitute = (outputs: readonly Tensor[], from: Tensor, to: Tensor): Tensor[] =>
  substituteAll(outputs, new Map([[from, to]]));

/**
 * `outputs` as they would be if each key were its value. Only what depends on a key is built again; what led to the keys
 * alone is needed no more, and no Program will compute it.
 */
export function substituteAll(outputs: readonly Tensor[], replacements: ReadonlyMap<Tensor, Tensor>): Tensor[] {
  const replaced = new Map(replacements);
  const now = (t: Tensor) => replaced.get(t) ?? t;
  for (const node of topologicalOrder(outputs)) {
    if (node.outputs.every((t) => replacements.has(t)) || !node.inputs.some((t) => replaced.has(t))) continue;
    const inputs = node.inputs.map(now);
    const made = withRole(node.role, () => withName(node.name, () => apply(node.op, inputs, node.attrs)));
    node.outputs.forEach((t, i) => replacements.has(t) || replaced.set(t, made[i]!));
  }
  return outputs.map(now);
}
