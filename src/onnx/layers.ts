/**
 * The tree of layers with usable names, and the search by name.
 *
 * A layer's value is what leaves it: the value of its subtree that is read outside. For a residual block that is the
 * ReLU after the add, for `layer4` the output of its last block, for `bn1` the normalised value.
 */
import { WgradError } from '../errors.ts';
import { dataflow, runtimeNodes, type Dataflow } from './dataflow.ts';
import { nearest } from './nearest.ts';
import { findParameters, type ParameterInfo } from './parameters.ts';
import { nodePaths, type NamingStyle } from './paths.ts';
import type { Pieces } from '../pace.ts';
import { findStructure } from './structure.ts';
import type { OnnxGraph, OnnxNode } from './types.ts';

export interface Layer {
  /** Dotted path from the root, such as `layer1.0.conv1`; '' is the network itself. */
  name: string;
  /** Op type of a leaf; 'Block' for what closes with a residual add; 'Module' for other groups. */
  kind: string;
  children: Layer[];
  /** Name of the graph value that leaves the layer. */
  value: string;
  /** The nodes of the layer itself, without its children's. */
  nodes: OnnxNode[];
  /** Names of the parameters of the layer itself. */
  parameters: string[];
}

export interface LayerTree {
  root: Layer;
  style: NamingStyle;
  /** All layers by dotted path, parents before children. */
  layers: ReadonlyMap<string, Layer>;
  /** Further names that {@link resolveName} knows: torchvision's for other exporters' blocks, `stem`. */
  aliases: ReadonlyMap<string, string>;
  parameters: ReadonlyMap<string, ParameterInfo>;
  flow: Dataflow;
}

/** What a name stands for. `value` is the graph value to read; parameters have none. */
export type Resolved =
  | { kind: 'layer'; name: string; value: string; layer: Layer }
  | { kind: 'value' | 'node'; name: string; value: string }
  | { kind: 'parameter'; name: string; value: undefined };

/** Builds the tree of a decoded graph. Depends on names and wiring only, not on shapes. */
export function* layerTree(graph: OnnxGraph): Pieces<LayerTree> {
  const flow = dataflow(graph);
  yield;
  const parameters = findParameters(graph, flow);
  yield;
  const structure = yield* findStructure(graph, flow);
  const { style, paths } = yield* nodePaths(graph, flow, parameters, structure);

  const layers = new Map<string, Layer>();
  const layerAt = (name: string): Layer => {
    const known = layers.get(name);
    if (known) return known;
    const layer: Layer = { name, kind: 'Module', children: [], value: '', nodes: [], parameters: [] };
    layers.set(name, layer);
    if (name) layerAt(name.includes('.') ? name.slice(0, name.lastIndexOf('.')) : '').children.push(layer);
    return layer;
  };
  const root = layerAt('');
  for (const node of runtimeNodes(graph, flow)) layerAt(paths.get(node)!).nodes.push(node);
  for (const { name, node } of parameters.values()) {
    const path = paths.get(node);
    if (path !== undefined) layerAt(path).parameters.push(name);
  }
  yield;
  const inOrder = new Map([...layers].sort(([a], [b]) => depth(a) - depth(b)));
  const outputs = new Set(graph.outputs.map((output) => output.name));
  fill(root, flow, outputs, new Set(structure.blocks.map((block) => block.value)));

  yield;
  const aliases = new Map<string, string>();
  const alias = (name: string, value: string | undefined) => {
    if (value && !inOrder.has(name)) aliases.set(name, value);
  };
  for (const block of structure.blocks) {
    alias(block.name, block.value);
    alias(`layer${block.stage}`, block.value);
  }
  alias('stem', structure.stem);
  return { root, style, layers: inOrder, aliases, parameters, flow };
}

const depth = (name: string) => (name ? name.split('.').length : 0);

/** Sets value and kind from the leaves up; returns the nodes of the subtree. */
function fill(
  layer: Layer,
  flow: Dataflow,
  outputs: ReadonlySet<string>,
  blockValues: ReadonlySet<string>,
): Set<OnnxNode> {
  const inside = new Set(layer.nodes);
  for (const child of layer.children) for (const node of fill(child, flow, outputs, blockValues)) inside.add(node);
  const ordered = [...inside].sort((a, b) => flow.order.get(a)! - flow.order.get(b)!);
  const leaving = ordered
    .map((node) => node.outputs[0]!)
    .filter((value) => outputs.has(value) || flow.consumers.get(value)?.some((reader) => !inside.has(reader)));
  layer.value = leaving.at(-1) ?? ordered.at(-1)?.outputs[0] ?? '';
  if (layer.children.length === 0) layer.kind = layer.nodes[0]?.opType ?? 'Module';
  else if (layer.name && blockValues.has(layer.value) && blocksWithin(layer, blockValues) === 1) layer.kind = 'Block';
  return inside;
}

/** How many residual blocks end inside a layer: a stage holds several, a block one. */
function blocksWithin(layer: Layer, blockValues: ReadonlySet<string>): number {
  const own = layer.nodes.filter((node) => blockValues.has(node.outputs[0]!)).length;
  return layer.children.reduce(
    (sum, child) => sum + (child.kind === 'Block' ? 2 : blocksWithin(child, blockValues)),
    own,
  );
}

/** `conv2_block1_out`, `conv2/block1/out` and `conv2.block1.out` are one name to {@link resolveName}. */
const loose = (name: string) => name.replace(/[^A-Za-z0-9]+/g, '.').toLowerCase();

/**
 * Finds a layer, graph value, node or parameter. The first of these that fits is taken: a layer's path, an alias,
 * a value of the graph, a node, a parameter; then layers again with `_`, `/` and `.` taken as the same.
 *
 * @throws 'unknown-name' suggesting near names.
 */
export function resolveName(graph: OnnxGraph, tree: LayerTree, name: string): Resolved {
  const layer = tree.layers.get(name);
  if (layer) return { kind: 'layer', name: layer.name, value: layer.value, layer };
  const alias = tree.aliases.get(name);
  if (alias) return { kind: 'value', name, value: alias };
  if (tree.parameters.has(name)) return { kind: 'parameter', name, value: undefined };
  const isValue = (n: OnnxNode) => n.outputs.includes(name);
  if (graph.inputs.some((input) => input.name === name) || graph.nodes.some(isValue))
    return { kind: 'value', name, value: name };
  const node = graph.nodes.find((candidate) => candidate.name === name);
  if (node) return { kind: 'node', name, value: node.outputs[0]! };
  const wanted = loose(name);
  for (const [path, candidate] of tree.layers)
    if (path && loose(path) === wanted) return { kind: 'layer', name: path, value: candidate.value, layer: candidate };
  throw unknownName(name, [
    ...[...tree.layers.keys()].filter(Boolean),
    ...tree.aliases.keys(),
    ...tree.parameters.keys(),
    ...graph.inputs.map((input) => input.name),
    ...graph.outputs.map((output) => output.name),
  ]);
}

/** The error for a name that nothing has. */
export function unknownName(name: string, known: readonly string[], what = 'layer, value or parameter'): WgradError {
  const near = nearest(name, known);
  return new WgradError('unknown-name', `no ${what} is called '${name}'`, {
    remedy: near.length ? `Near names: ${near.map((n) => `'${n}'`).join(', ')}` : 'wgrad info MODEL lists the names',
  });
}
