/** The stages of a network, found by its wiring and shapes: names differ from file to file. */
import { topologicalOrder, type Node } from '../graph/tensor.ts';
import type { ModelGraph } from './graph.ts';
import type { LayerInfo, Network } from './network.ts';

/**
 * Layers after which the map on the way to the class scores has other channels or another extent, from the input on,
 * each the last of its kind of map: `layer1` to `layer4` of a ResNet after its stem. Only values that everything passes
 * through count: what lies beside a shortcut ends no stage.
 * @throws WgradError 'invalid-argument' where the class scores are not known.
 */
export function stagesOf(network: Network, graph: ModelGraph): string[] {
  const layers = layersByNode(network, graph);
  const last = new Map<string, string>();
  for (const node of narrows(graph)) {
    const name = layers.get(node);
    if (name === undefined) continue;
    const map = graph.map(name);
    const shape = map.channelsFirst(map.value).shape;
    if (shape[2]! * shape[3]! === 1) continue;
    const kind = shape.join();
    last.delete(kind);
    last.set(kind, name);
  }
  return [...last.values()];
}

/** Names of the layers by the node that leaves them, parents before children: `layer4`, not `layer4.2`. */
function layersByNode(network: Network, graph: ModelGraph): Map<Node, string> {
  const names = new Map<Node, string>();
  const visit = ({ name, value, kind, children }: LayerInfo) => {
    // Padding has an extent of its own, and says nothing.
    if (name && value && kind !== 'Pad') {
      const t = graph.value(name);
      if (t.rank === 4 && !names.has(t.node)) names.set(t.node, name);
    }
    children.forEach(visit);
  };
  visit(network.root);
  return names;
}

/** The nodes that every path from the picture to the scores passes through, in order. */
function narrows(graph: ModelGraph): Node[] {
  const path = new Map<Node, number>([[graph.input.node, 0]]);
  for (const node of topologicalOrder([graph.logits])) {
    if (!path.has(node) && node.inputs.some((t) => path.has(t.node))) path.set(node, path.size);
  }
  const lastReader = new Map<Node, number>();
  for (const [node, at] of path) for (const t of node.inputs) if (path.has(t.node)) lastReader.set(t.node, at);
  let reach = 0;
  const found: Node[] = [];
  for (const [node, at] of path) {
    // No edge from before it leads past it.
    if (reach <= at) found.push(node);
    reach = Math.max(reach, lastReader.get(node) ?? at);
  }
  return found;
}
