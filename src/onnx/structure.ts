/**
 * Residual structure read from the wiring alone, for models whose names are lost. An Add of two values that both
 * depend on the input closes a block; a block whose shortcut has a convolution (or that strides) opens a stage.
 * That is how every ResNet is built (He et al. 2015), and the names given are torchvision's:
 * `conv1, bn1, relu, maxpool, layer{stage}.{block}.conv{k}, …downsample.0, avgpool, fc`.
 */
import { attrInts } from './attributes.ts';
import { runtimeNodes, runtimeProducers, type Dataflow } from './dataflow.ts';
import type { Pieces } from '../pace.ts';
import type { OnnxGraph, OnnxNode } from './types.ts';

export interface Block {
  /** `layer1.0` */
  name: string;
  stage: number;
  /** The value that leaves it: that of the activation after the add, where there is one. */
  value: string;
  nodes: ReadonlySet<OnnxNode>;
  /** The shortcut's own nodes; empty for an identity. */
  shortcut: ReadonlySet<OnnxNode>;
}

export interface Structure {
  blocks: readonly Block[];
  /** What leaves the stem: the activation before the first pooling; undefined without blocks. */
  stem: string | undefined;
  /** torchvision's path of each node that has parameters. */
  paths: ReadonlyMap<OnnxNode, string>;
}

const ACTIVATIONS = new Set(['Relu', 'Clip', 'Sigmoid', 'LeakyRelu']);
const has = (nodes: Iterable<OnnxNode>, opType: string) => [...nodes].some((node) => node.opType === opType);

export function* findStructure(graph: OnnxGraph, flow: Dataflow): Pieces<Structure> {
  const nodes = runtimeNodes(graph, flow);
  const blocks: Block[] = [];
  const search = { steps: STEPS_A_BLOCK + STEPS_A_NODE * nodes.length };
  let stage = 0;
  let index = 0;
  for (const add of nodes) {
    yield;
    const block = add.opType === 'Add' ? blockOf(add, flow, search) : undefined;
    if (!block) continue;
    if (stage === 0 || has(block.shortcut, 'Conv') || strides(block.nodes)) {
      stage++;
      index = 0;
    }
    blocks.push({ ...block, stage, name: `layer${stage}.${index++}` });
  }
  return { blocks, stem: stemValue(blocks, flow), paths: positionalPaths(nodes, blocks) };
}

function strides(nodes: Iterable<OnnxNode>): boolean {
  return [...nodes].some((n) => n.opType === 'Conv' && (attrInts(n, 'strides') ?? []).some((stride) => stride > 1));
}

function blockOf(add: OnnxNode, flow: Dataflow, search: Search): Omit<Block, 'name' | 'stage'> | undefined {
  if (!add.inputs.every((input) => flow.runtime.has(input)) || new Set(add.inputs).size !== 2) return undefined;
  const branches = branchesOf(add, flow, search)?.sort((x, y) => convs(y) - convs(x));
  if (!branches || convs(branches[0]) === 0) return undefined;
  const readers = flow.consumers.get(add.outputs[0]!) ?? [];
  const activation = readers.length === 1 && ACTIVATIONS.has(readers[0]!.opType) ? readers[0] : undefined;
  return {
    value: (activation ?? add).outputs[0]!,
    nodes: new Set([...branches[0], ...branches[1], add, ...(activation ? [activation] : [])]),
    shortcut: branches[1],
  };
}

/** What is left to spend on finding blocks. Residual ones need some dozens of steps; what is larger is no block. */
interface Search {
  steps: number;
}
const STEPS_A_BLOCK = 4096;
const STEPS_A_NODE = 64;

/**
 * The nodes that only the first and only the second input of an Add come from. Goes back from the Add, newest node
 * first, until all that is left to visit is common to both: a walk through the block, not through the network.
 */
function branchesOf(add: OnnxNode, flow: Dataflow, search: Search): [Set<OnnxNode>, Set<OnnxNode>] | undefined {
  const FIRST = 1;
  const SECOND = 2;
  const sides = new Map<OnnxNode, number>();
  const frontier = new Set<OnnxNode>();
  const visit = (node: OnnxNode | undefined, side: number) => {
    if (!node) return;
    sides.set(node, (sides.get(node) ?? 0) | side);
    frontier.add(node);
  };
  visit(flow.producer.get(add.inputs[0]!), FIRST);
  visit(flow.producer.get(add.inputs[1]!), SECOND);
  const least = Math.max(0, search.steps - STEPS_A_BLOCK);
  for (;;) {
    let newest: OnnxNode | undefined;
    let common = true;
    for (const node of frontier) {
      common &&= sides.get(node) === (FIRST | SECOND);
      if (!newest || flow.order.get(node)! > flow.order.get(newest)!) newest = node;
    }
    if (!newest || common) break;
    const from = runtimeProducers(newest, flow);
    search.steps -= frontier.size + from.length;
    if (search.steps < least) return undefined;
    frontier.delete(newest);
    for (const node of from) visit(node, sides.get(newest)!);
  }
  const only = (side: number) => new Set([...sides].filter(([, on]) => on === side).map(([node]) => node));
  return [only(FIRST), only(SECOND)];
}

const convs = (nodes: Iterable<OnnxNode>) => [...nodes].filter((node) => node.opType === 'Conv').length;

/** Walks up from the first block's input over the pooling to what the stem's last activation gives. */
function stemValue(blocks: readonly Block[], flow: Dataflow): string | undefined {
  const first = blocks[0];
  if (!first) return undefined;
  const entry = [...first.nodes].flatMap((node) => runtimeProducers(node, flow)).find((node) => !first.nodes.has(node));
  let node = entry;
  while (node && /Pool|Pad/.test(node.opType)) node = runtimeProducers(node, flow)[0];
  return node?.outputs[0];
}

const NUMBERED: Readonly<Record<string, string>> = { Conv: 'conv', BatchNormalization: 'bn' };

function positionalPaths(nodes: readonly OnnxNode[], blocks: readonly Block[]): Map<OnnxNode, string> {
  const paths = new Map<OnnxNode, string>();
  const dense = nodes.filter((node) => node.opType === 'Gemm' || node.opType === 'MatMul');
  dense.forEach((node, i) => paths.set(node, dense.length === 1 ? 'fc' : `fc${i + 1}`));
  const counters = new Map<string, number>();
  const next = (key: string, first: number) => {
    const n = counters.get(key) ?? first;
    counters.set(key, n + 1);
    return n;
  };
  const blockOfNode = new Map<OnnxNode, Block>();
  for (const block of blocks) for (const node of block.nodes) if (!blockOfNode.has(node)) blockOfNode.set(node, block);
  for (const node of nodes) {
    const kind = NUMBERED[node.opType];
    if (!kind) continue;
    const block = blockOfNode.get(node);
    const scope = block ? `${block.name}.` : '';
    if (block?.shortcut.has(node)) paths.set(node, `${scope}downsample.${next(`${scope}downsample`, 0)}`);
    else paths.set(node, `${scope}${kind}${next(scope + kind, 1)}`);
  }
  return paths;
}
