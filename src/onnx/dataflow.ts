/** Who computes a value, who reads it, and whether it depends on what the caller feeds. */
import { opRow } from './ops/index.ts';
import type { OnnxGraph, OnnxNode } from './types.ts';

export interface Dataflow {
  /** Absent for inputs and initialisers. */
  producer: ReadonlyMap<string, OnnxNode>;
  consumers: ReadonlyMap<string, readonly OnnxNode[]>;
  /** Values that change with the fed inputs, once shapes are known; everything else is constant or a parameter. */
  runtime: ReadonlySet<string>;
  /** Position in topological order. */
  order: ReadonlyMap<OnnxNode, number>;
}

/** The inputs of a node that its result depends on: not those of which only the shape or the type matters. */
export function dataInputs(node: OnnxNode): readonly string[] {
  return opRow(node)?.reads?.map((input) => node.inputs[input] ?? '') ?? node.inputs;
}

export function dataflow(graph: OnnxGraph): Dataflow {
  const producer = new Map<string, OnnxNode>();
  const consumers = new Map<string, OnnxNode[]>();
  const runtime = new Set(graph.inputs.map((input) => input.name));
  for (const node of graph.nodes) {
    for (const input of node.inputs) {
      if (!input) continue;
      const readers = consumers.get(input);
      if (!readers) consumers.set(input, [node]);
      // One that takes a value twice is one reader.
      else if (readers.at(-1) !== node) readers.push(node);
    }
    const depends = dataInputs(node).some((input) => runtime.has(input));
    for (const output of node.outputs) {
      if (!output) continue;
      producer.set(output, node);
      if (depends) runtime.add(output);
    }
  }
  return { producer, consumers, runtime, order: new Map(graph.nodes.map((node, index) => [node, index])) };
}

/** Nodes that run at inference: what the layer tree shows. */
export function runtimeNodes(graph: OnnxGraph, flow: Dataflow): OnnxNode[] {
  return graph.nodes.filter((node) => node.outputs.some((output) => flow.runtime.has(output)));
}

/** The runtime nodes whose outputs a node reads. */
export function runtimeProducers(node: OnnxNode, flow: Dataflow): OnnxNode[] {
  return dataInputs(node)
    .filter((input) => flow.runtime.has(input))
    .map((input) => flow.producer.get(input))
    .filter((from) => from !== undefined);
}
