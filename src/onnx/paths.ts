/**
 * A dotted path for every node that runs, whatever the exporter wrote:
 *
 *   torch scopes    /layer1/layer1.0/conv1/Conv               -> layer1.0.conv1
 *   torch params    layer1.0.conv1.weight                     -> layer1.0.conv1
 *   MXNet           resnetv17_stage1_conv0_weight             -> stage1.conv0
 *   tf2onnx, Keras  resnet50/conv2_block1_1_conv/Conv2D       -> conv2.block1.1_conv
 *   names lost      onnx::Conv_497                            -> by position, in torchvision's names (structure.ts)
 *
 * Nodes without a name of their own (the ReLUs of a dynamo export) are placed by what they read.
 */
import { runtimeNodes, runtimeProducers, type Dataflow } from './dataflow.ts';
import type { Pieces } from '../pace.ts';
import type { ParameterInfo } from './parameters.ts';
import type { Structure } from './structure.ts';
import type { OnnxGraph, OnnxNode } from './types.ts';

export type NamingStyle = 'scopes' | 'dotted' | 'mxnet' | 'keras' | 'position';

export interface NodePaths {
  style: NamingStyle;
  paths: ReadonlyMap<OnnxNode, string>;
}

const DOTTED = /^([A-Za-z_][\w-]*(?:\.[\w-]+)*)\.(?:weight|bias|gamma|beta|running_mean|running_var)$/;
const UNDERSCORED = /^(.+)_(?:weight|gamma|bias|beta|running_mean|running_var|moving_mean|moving_var)$/;

/** Flat names that carry a hierarchy: Gluon, MXNet symbols, keras.applications. */
const HIERARCHIES = [/^(stage\d+)_+(unit\d+)_+(.+)$/, /^(stage\d+)_+(.+)$/, /^(conv\d+)_(block\d+)_(.+)$/];

export function* nodePaths(
  graph: OnnxGraph,
  flow: Dataflow,
  parameters: ReadonlyMap<string, ParameterInfo>,
  structure: Structure,
): Pieces<NodePaths> {
  const nodes = runtimeNodes(graph, flow);
  const owned = new Map<OnnxNode, string[]>();
  for (const { node, name } of parameters.values()) owned.set(node, [...(owned.get(node) ?? []), name]);
  const style = styleOf(nodes, owned);
  const explicit = new Map<OnnxNode, string>();
  const weightPath = (node: OnnxNode, pattern: RegExp) =>
    owned
      .get(node)
      ?.map((name) => pattern.exec(name)?.[1])
      .find(Boolean);
  for (const node of nodes) {
    yield;
    const path =
      weightPath(node, DOTTED) ??
      (style === 'scopes' || style === 'keras' ? fromScope(node) : undefined) ??
      (style === 'mxnet' ? (weightPath(node, UNDERSCORED) ?? fromUnderscores(node, nodes.length)) : undefined) ??
      (style === 'position' ? structure.paths.get(node) : undefined);
    if (path !== undefined) explicit.set(node, shallow(path));
  }
  if (style === 'keras' || style === 'mxnet') shorten(explicit, style === 'keras' ? '/' : '_', owned);
  return { style, paths: yield* place(nodes, flow, functionalInModules(explicit)) };
}

/** Trees of names are walked recursively, and no network is nested deeper: what comes below is one name. */
const MAX_DEPTH = 32;

function shallow(path: string): string {
  const segments = path.split('.');
  if (segments.length <= MAX_DEPTH) return path;
  return [...segments.slice(0, MAX_DEPTH - 1), segments.slice(MAX_DEPTH - 1).join('_')].join('.');
}

function styleOf(nodes: readonly OnnxNode[], owned: ReadonlyMap<OnnxNode, string[]>): NamingStyle {
  const layers = [...owned.keys()];
  const most = (count: number, of: number) => of > 0 && count * 2 > of;
  const named = (pattern: RegExp) =>
    layers.filter((node) => owned.get(node)!.some((name) => pattern.test(name))).length;
  if (most(nodes.filter((node) => node.name.startsWith('/')).length, nodes.length)) return 'scopes';
  if (most(named(DOTTED), layers.length)) return 'dotted';
  if (most(nodes.filter((node) => node.name.includes('/')).length, nodes.length)) return 'keras';
  if (most(named(UNDERSCORED), layers.length)) return 'mxnet';
  return 'position';
}

/** `/layer1/layer1.0/relu_1/Relu` -> `layer1.0.relu_1`; TensorFlow scopes keep their slashes until shortened. */
function fromScope(node: OnnxNode): string | undefined {
  if (!node.name.includes('/')) return undefined;
  const segments = node.name
    .replace(/__\d+$/, '')
    .split('/')
    .filter(Boolean);
  const operation = segments.pop();
  if (operation === undefined) return undefined;
  if (!node.name.startsWith('/')) return segments.join('/') || undefined;
  let raw = '';
  const path = segments.map((segment) => {
    const own = raw && segment.startsWith(`${raw}.`) ? segment.slice(raw.length + 1) : segment;
    raw = segment;
    return own;
  });
  return path.join('.') || operation.toLowerCase();
}

/** `resnetv17_stage1_relu0_fwd` -> `resnetv17_stage1_relu0`; generated names (`Relu_12`) say nothing. */
function fromUnderscores(node: OnnxNode, count: number): string | undefined {
  const generated = new RegExp(`^${node.opType}_?(\\d+)$`, 'i').exec(node.name);
  if (generated && Number(generated[1]) <= 4 * count) return undefined;
  return node.name.replace(/_fwd$/, '').replace(/#\d+$/, '');
}

/** Drops what all layers' names begin with (`resnetv17_`, `StatefulPartitionedCall/resnet50/`), splits hierarchies. */
function shorten(paths: Map<OnnxNode, string>, separator: string, owned: ReadonlyMap<OnnxNode, string[]>): void {
  const layers = [...owned.keys()].map((node) => paths.get(node)).filter((path) => path !== undefined);
  let prefix = layers[0] ?? '';
  for (const path of layers) while (!path.startsWith(prefix)) prefix = prefix.slice(0, -1);
  prefix = layers.length > 1 ? prefix.slice(0, prefix.lastIndexOf(separator) + 1) : '';
  for (const [node, path] of paths) {
    const rest = (path.startsWith(prefix) ? path.slice(prefix.length) : path).replace(/^_+/, '');
    const parts = HIERARCHIES.map((pattern) => pattern.exec(rest)?.slice(1)).find(Boolean);
    paths.set(node, shallow(parts ? parts.join('.') : rest.split('/').join('.')));
  }
}

/** An Add inside the module `layer1.0` was given the module's own path: it becomes `layer1.0.add`. */
function functionalInModules(explicit: Map<OnnxNode, string>): Map<OnnxNode, string> {
  const containers = new Set<string>();
  for (const path of explicit.values())
    for (let at = path.lastIndexOf('.'); at > 0; at = path.lastIndexOf('.', at - 1)) containers.add(path.slice(0, at));
  const out = new Map<OnnxNode, string>();
  const names = new Names(explicit.values());
  for (const [node, path] of explicit)
    out.set(node, containers.has(path) ? names.unique(`${path}.${baseName(node)}`) : path);
  return out;
}

const BASE_NAMES: Readonly<Record<string, string>> = {
  MaxPool: 'maxpool',
  AveragePool: 'avgpool',
  GlobalAveragePool: 'avgpool',
  ReduceMean: 'avgpool',
  Reshape: 'flatten',
  BatchNormalization: 'bn',
  Gemm: 'fc',
  MatMul: 'fc',
};

const baseName = (node: OnnxNode) => BASE_NAMES[node.opType] ?? node.opType.toLowerCase();

/** Names that are taken; the next one of a kind gets a number. */
class Names {
  private readonly taken: Set<string>;
  private readonly next = new Map<string, number>();

  constructor(taken: Iterable<string>) {
    this.taken = new Set(taken);
  }

  unique(name: string): string {
    let candidate = name;
    let n = this.next.get(name) ?? 1;
    for (; this.taken.has(candidate); n++) candidate = `${name}_${n}`;
    this.next.set(name, n);
    this.taken.add(candidate);
    return candidate;
  }
}

/** Ops that belong to the module whose output they work on; others stand between modules. */
const FOLLOWERS = new Set(
  ['Relu', 'Clip', 'Sigmoid', 'Add', 'Sub', 'Mul', 'Div', 'Dropout', 'Conv', 'BatchNormalization', 'Identity'], // prettier-ignore
);

/** Gives every node without a path one: in the scope of what it reads, or, between modules, in the scope around. */
function* place(
  nodes: readonly OnnxNode[],
  flow: Dataflow,
  explicit: ReadonlyMap<OnnxNode, string>,
): Pieces<Map<OnnxNode, string>> {
  const paths = new Map(explicit);
  const names = new Names(explicit.values());
  for (const node of nodes) {
    if (paths.has(node)) continue;
    yield;
    const behind = sourceScope(node, flow, paths);
    const scope = FOLLOWERS.has(node.opType) ? behind : common([behind, ...scopesAhead(node, flow, explicit)]);
    paths.set(node, names.unique([...scope, baseName(node)].join('.')));
  }
  return paths;
}

/** The scope of the newest value that a node reads: an identity shortcut comes from an older block and has no say. */
function sourceScope(node: OnnxNode, flow: Dataflow, paths: ReadonlyMap<OnnxNode, string>): string[] {
  const sources = [...new Set(runtimeProducers(node, flow))];
  const older = sources.length > 1 ? above(sources, flow) : new Set<OnnxNode>();
  const newest = sources.filter((source) => !older.has(source));
  return newest.length ? common(newest.map((source) => parent(paths.get(source) ?? ''))) : [];
}

/** Nodes that a search through the graph visits; names are found nearby or not at all. */
const MAX_VISITED = 256;

/** What the given nodes depend on, back to the oldest of them. */
function above(nodes: readonly OnnxNode[], flow: Dataflow): Set<OnnxNode> {
  const place = (node: OnnxNode) => flow.order.get(node)!;
  const oldest = nodes.reduce((least, node) => Math.min(least, place(node)), Infinity);
  const seen = new Set<OnnxNode>();
  const parents = (node: OnnxNode) => runtimeProducers(node, flow).filter((from) => place(from) >= oldest);
  for (const node of nodes) for (const from of parents(node)) seen.add(from);
  for (const at of seen) {
    if (seen.size > MAX_VISITED) break;
    for (const from of parents(at)) seen.add(from);
  }
  return seen;
}

/** Scopes of the next nodes downstream that have a path of their own. */
function scopesAhead(node: OnnxNode, flow: Dataflow, explicit: ReadonlyMap<OnnxNode, string>): string[][] {
  const found: string[][] = [];
  const seen = new Set([node]);
  for (const at of seen)
    for (const output of at.outputs)
      for (const reader of flow.consumers.get(output) ?? []) {
        const path = explicit.get(reader);
        if (path !== undefined) found.push(parent(path));
        else seen.add(reader);
        if (seen.size + found.length > MAX_VISITED) return found;
      }
  return found;
}

const parent = (path: string) => path.split('.').slice(0, -1);

function common(paths: readonly (readonly string[])[]): string[] {
  const first = paths[0] ?? [];
  const differs = first.findIndex((segment, i) => paths.some((path) => path[i] !== segment));
  return differs < 0 ? [...first] : first.slice(0, differs);
}
