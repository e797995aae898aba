/** A model as the nodes of TensorBoard's GRAPHS page: layers nest by their paths, parameters stand beside their nodes. */
import { variableOf } from '../graph/leaves.ts';
import { topologicalOrder, type Node } from '../graph/tensor.ts';
import type { Model } from '../model/model.ts';
import type { GraphNode } from '../tensorboard/index.ts';

const path = (name: string) =>
  name
    .split(/[./]/)
    .filter(Boolean)
    .map((part) => part.replace(/[^\w-]/g, '_'))
    .join('/') || 'unnamed';

/** For `SummaryWriter.addGraph`. */
export function graphNodes(model: Model): GraphNode[] {
  const graph = model.graph();
  const names = new Map<Node, string>();
  const taken = new Set<string>();
  const nodes: GraphNode[] = [];
  const unfrozen = new Set(model.trainable());
  for (const node of topologicalOrder(Object.values(graph.outputs))) {
    const variable = node.outputs[0] && variableOf(node.outputs[0]);
    const base = path(variable?.name ?? node.name ?? node.op.name);
    let name = base;
    // A name that is a folder of others cannot be a node beside them.
    for (let i = 1; taken.has(name); i++) name = `${base}_${i}`;
    taken.add(name);
    names.set(node, name);
    nodes.push({
      name,
      op: variable ? (unfrozen.has(variable) ? 'Trained' : 'Frozen') : node.op.name,
      inputs: [...new Set(node.inputs.map((input) => names.get(input.node)!))],
      ...(node.outputs[0] && { shape: node.outputs[0].shape }),
    });
  }
  return nodes;
}
