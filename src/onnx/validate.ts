/** Everything that can be said about a graph before any shape is known, said in one error. */
import { WgradError } from '../errors.ts';
import { attributeProblems } from './attribute_kinds.ts';
import { opKey } from './ops/index.ts';
import type { OnnxGraph, OnnxNode } from './types.ts';

/** Longer lists are cut, those of problems and those of names: the message is for a person. */
const MAX_LISTED = 40;

/** The node that computes a value; null for an input or an initialiser. */
type Producers = ReadonlyMap<string, OnnxNode | null>;

/**
 * Checks names, connections and attributes, and puts the nodes into topological order.
 *
 * @param problems what the decoder already found wrong; reported together with what is found here.
 * @throws 'onnx-invalid' (duplicate names, undefined inputs, cycles, attributes of the wrong kind) or, where only ops
 *   are at fault, 'onnx-unsupported'; the message lists every problem with its node.
 */
export function validate(
  graph: OnnxGraph,
  source: string,
  problems: string[],
  supported?: ReadonlySet<string>,
): OnnxGraph {
  const invalid = [...problems];
  if (graph.nodes.length === 0) invalid.push('the graph has no nodes');
  if (graph.outputs.length === 0) invalid.push('the graph has no outputs');

  const producer = namedOnce(graph, invalid);
  for (const node of graph.nodes) {
    for (const input of node.inputs)
      if (input && !producer.has(input))
        invalid.push(`node '${node.name}' (${node.opType}) reads undefined '${input}'`);
    invalid.push(...attributeProblems(node));
  }
  for (const { name } of graph.outputs)
    if (!producer.has(name)) invalid.push(`graph output '${name}' is never computed`);

  const { sorted, rest } = topological(graph.nodes, producer);
  for (const cycle of cycles(rest, producer))
    invalid.push(`cycle through ${list(cycle.map((node) => `'${node.name}'`))}`);

  const unsupported = supported ? unsupportedOps({ ...graph, nodes: [...sorted, ...rest] }, supported) : [];
  if (invalid.length || unsupported.length)
    throw new WgradError(
      invalid.length ? 'onnx-invalid' : 'onnx-unsupported',
      `${source}: ${list([...invalid, ...unsupported], '; ')}`,
    );
  return { ...graph, nodes: sorted };
}

/** Who gives each value; whatever is given twice, or has no name, is a problem. */
function namedOnce(graph: OnnxGraph, problems: string[]): Producers {
  const producer = new Map<string, OnnxNode | null>();
  for (const name of graph.initializers.keys()) producer.set(name, null);
  for (const { name } of graph.inputs) {
    if (!name) problems.push('a graph input without a name');
    if (producer.has(name)) problems.push(`graph input '${name}' is given twice`);
    producer.set(name, null);
  }
  for (const node of graph.nodes) {
    if (!node.outputs.some(Boolean)) problems.push(`node '${node.name}' (${node.opType}) has no output`);
    for (const output of node.outputs) {
      if (!output) continue;
      if (producer.has(output)) problems.push(`value '${output}' of node '${node.name}' exists already`);
      producer.set(output, node);
    }
  }
  return producer;
}

function list(items: readonly string[], separator = ', '): string {
  const shown = items.slice(0, MAX_LISTED).join(separator);
  return items.length > MAX_LISTED ? `${shown}${separator}and ${items.length - MAX_LISTED} more` : shown;
}

/** One line an op type, with the nodes that have it. */
function unsupportedOps(graph: OnnxGraph, supported: ReadonlySet<string>): string[] {
  const byOp = new Map<string, string[]>();
  for (const node of graph.nodes) {
    const op = opKey(node);
    if (supported.has(op)) continue;
    const names = byOp.get(op);
    if (names) names.push(`'${node.name}'`);
    else byOp.set(op, [`'${node.name}'`]);
  }
  return [...byOp].map(([op, names]) => `unsupported op ${op} (${list(names)})`);
}

const sourcesOf = (node: OnnxNode, producer: Producers): Set<OnnxNode> =>
  new Set(node.inputs.map((input) => producer.get(input)).filter((from) => from != null));

/** Kahn's algorithm, stable: of the nodes that are ready, the earliest in the file goes first in its wave. */
function topological(
  nodes: readonly OnnxNode[],
  producer: Producers,
): { sorted: readonly OnnxNode[]; rest: OnnxNode[] } {
  const waiting = new Map<OnnxNode, number>();
  const readers = new Map<OnnxNode, OnnxNode[]>();
  const seen = new Set<OnnxNode>();
  let inOrder = true;
  for (const node of nodes) {
    const sources = sourcesOf(node, producer);
    waiting.set(node, sources.size);
    for (const from of sources) {
      const others = readers.get(from);
      if (others) others.push(node);
      else readers.set(from, [node]);
      inOrder &&= seen.has(from);
    }
    seen.add(node);
  }
  if (inOrder) return { sorted: nodes, rest: [] };
  const sorted = nodes.filter((node) => waiting.get(node) === 0);
  for (const done of sorted)
    for (const reader of readers.get(done) ?? []) {
      const left = waiting.get(reader)! - 1;
      waiting.set(reader, left);
      if (left === 0) sorted.push(reader);
    }
  return { sorted, rest: nodes.filter((node) => waiting.get(node)! > 0) };
}

/**
 * The cycles behind the nodes that no order reaches. Each of these waits for another one; following these steps ends in
 * a cycle, and what only hangs below one is left out.
 */
function cycles(rest: readonly OnnxNode[], producer: Producers): OnnxNode[][] {
  const stuck = new Set(rest);
  const found: OnnxNode[][] = [];
  const walkOf = new Map<OnnxNode, number>();
  rest.forEach((start, walk) => {
    const path: OnnxNode[] = [];
    let at = start;
    while (!walkOf.has(at)) {
      walkOf.set(at, walk);
      path.push(at);
      at = [...sourcesOf(at, producer)].find((from) => stuck.has(from))!;
    }
    if (walkOf.get(at) === walk) found.push(path.slice(path.indexOf(at)).reverse());
  });
  return found;
}
