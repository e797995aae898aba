/** What `wgrad info` prints of each layer: the shape of what leaves it, its parameters, its work. */
import type { Tensor } from '../graph/tensor.ts';
import { topologicalOrder } from '../graph/tensor.ts';
import type { Layer } from './layers.ts';
import type { OnnxNetwork } from './network.ts';

export interface LayerReport {
  name: string;
  kind: string;
  /** Of the value that leaves the layer. */
  shape: readonly number[];
  /** Elements of the parameters in the layer and below, running statistics left out. */
  parameters: number;
  /** Of a forward pass through the layer and below; a multiply-add is two. */
  flops: number;
  children: LayerReport[];
}

/** @param inputs one tensor for each input of the network; batch and picture size follow from them. */
export function describeLayers(network: OnnxNetwork, inputs: Readonly<Record<string, Tensor>>): LayerReport {
  const { values, outputs } = network.build({ inputs });
  const work = new Map<string, number>();
  for (const node of topologicalOrder([...values.values(), ...Object.values(outputs)])) {
    if (!node.name || !node.op.flops) continue;
    work.set(node.name, (work.get(node.name) ?? 0) + node.op.flops(node));
  }
  const describe = (layer: Layer): LayerReport => {
    const children = layer.children.map(describe);
    const own = layer.parameters.map((name) => network.parameters.get(name)!).filter((p) => p.trainable);
    return {
      name: layer.name,
      kind: layer.kind,
      shape: values.get(layer.value)?.shape ?? [],
      parameters: sum([...own.map((p) => p.variable.initial.length), ...children.map((child) => child.parameters)]),
      flops: sum([...layer.nodes.map((node) => work.get(node.name) ?? 0), ...children.map((child) => child.flops)]),
      children,
    };
  };
  return describe(network.root);
}

const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
