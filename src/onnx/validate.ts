/** Everything that can be said about a graph before any shape is known, said in one error. */
import { WgradError } from '../errors.ts';
import { dataflow } from './dataflow.ts';
import type { OnnxGraph, OnnxNode } from './types.ts';

export interface SupportedOps {
  /** Ops that can work on what is fed. */
  built: ReadonlySet<string>;
  /** Ops that are evaluated at import, on constants and shapes only. */
  folded: ReadonlySet<string>;
}

/** Longer lists are cut: the message is for a person. */
const MAX_LISTED = 40;

/**
 * Checks names and connections, and puts the nodes into topological order.
 *
 * @param problems what the decoder already found wrong; reported together with what is found here.
 * @throws 'onnx-invalid' (duplicate names, undefined inputs, cycles) or, where only ops are at fault,
 *   'onnx-unsupported'; the message lists every problem with its node.
 */
export function validate(graph: OnnxGraph, source: string, problems: string[], supported?: SupportedOps): OnnxGraph {
  const invalid = [...problems];
  if (graph.nodes.length === 0) invalid.push('the graph has no nodes');
  if (graph.outputs.length === 0) invalid.push('the graph has no outputs');

  const producer = new Map<string, OnnxNode | null>();
  for (const name of graph.initializers.keys()) producer.set(name, null);
  for (const { name } of graph.inputs) {
    if (!name) invalid.push('a graph input without a name');
    if (producer.has(name)) invalid.push(`graph input '${name}' is given twice`);
    producer.set(name, null);
  }
  for (const node of graph.nodes) {
    if (!node.outputs.some(Boolean)) invalid.push(`node '${node.name}' (${node.opType}) has no output`);
    for (const output of node.outputs) {
      if (!output) continue;
      if (producer.has(output)) invalid.push(`value '${output}' of node '${node.name}' exists already`);
      producer.set(output, node);
    }
  }
  for (const node of graph.nodes)
    for (const input of node.inputs)
      if (input && !producer.has(input))
        invalid.push(`node '${node.name}' (${node.opType}) reads undefined '${input}'`);
  for (const { name } of graph.outputs)
    if (!producer.has(name)) invalid.push(`graph output '${name}' is never computed`);

  const { sorted, rest } = topological(graph.nodes, producer);
  if (rest.length) invalid.push(`cycle through ${rest.map((node) => `'${node.name}'`).join(', ')}`);

  const result: OnnxGraph = { ...graph, nodes: sorted };
  const unsupported = supported ? unsupportedOps({ ...graph, nodes: [...sorted, ...rest] }, supported) : [];
  if (invalid.length || unsupported.length) {
    const all = [...invalid, ...unsupported];
    const shown =
      all.slice(0, MAX_LISTED).join('; ') + (all.length > MAX_LISTED ? `; and ${all.length - MAX_LISTED} more` : '');
    throw new WgradError(invalid.length ? 'onnx-invalid' : 'onnx-unsupported', `${source}: ${shown}`);
  }
  return result;
}

/** One line an op type, with the nodes that have it. */
function unsupportedOps(graph: OnnxGraph, supported: SupportedOps): string[] {
  const { runtime } = dataflow(graph);
  const byOp = new Map<string, string[]>();
  for (const node of graph.nodes) {
    const fed = node.outputs.some((output) => runtime.has(output));
    const known = supported.built.has(node.opType) || (!fed && supported.folded.has(node.opType));
    if (known && !node.domain) continue;
    const op = node.domain ? `${node.domain}::${node.opType}` : node.opType;
    byOp.set(op, [...(byOp.get(op) ?? []), node.name]);
  }
  return [...byOp].map(([op, names]) => `unsupported op ${op} (${names.map((name) => `'${name}'`).join(', ')})`);
}

/** Kahn's algorithm, stable: of the nodes that are ready, the earliest in the file goes first in its wave. */
function topological(
  nodes: readonly OnnxNode[],
  producer: ReadonlyMap<string, OnnxNode | null>,
): { sorted: OnnxNode[]; rest: OnnxNode[] } {
  const order = new Map(nodes.map((node, index) => [node, index]));
  const waiting = new Map<OnnxNode, number>();
  const readers = new Map<OnnxNode, OnnxNode[]>();
  for (const node of nodes) {
    const sources = new Set(node.inputs.map((input) => producer.get(input)).filter((from) => from != null));
    waiting.set(node, sources.size);
    for (const from of sources) readers.set(from, [...(readers.get(from) ?? []), node]);
  }
  const inOrder = nodes.every((node) =>
    node.inputs.every((input) => {
      const from = producer.get(input);
      return from == null || order.get(from)! < order.get(node)!;
    }),
  );
  if (inOrder) return { sorted: [...nodes], rest: [] };
  const sorted: OnnxNode[] = nodes.filter((node) => waiting.get(node) === 0);
  for (let at = 0; at < sorted.length; at++)
    for (const reader of readers.get(sorted[at]!) ?? []) {
      waiting.set(reader, waiting.get(reader)! - 1);
      if (waiting.get(reader) === 0) sorted.push(reader);
    }
  return { sorted, rest: nodes.filter((node) => waiting.get(node)! > 0) };
}
