/**
 * Residual structure read from the wiring alone, for models whose names are lost. An Add of two values that both
 * depend on the input closes a block; a block whose shortcut has a convolution (or that strides) opens a stage.
 * That is how every ResNet is built (He et al. 2015), and the names given are torchvision's:
 * `conv1, bn1, relu, maxpool, layer{stage}.{block}.conv{k}, …downsample.0, avgpool, fc`.
 */
import { attrInts } from './attributes.ts';
import { ancestors, runtimeNodes, runtimeProducers, type Dataflow } from './dataflow.ts';
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

export function findStructure(graph: OnnxGraph, flow: Dataflow): Structure {
  const nodes = runtimeNodes(graph, flow);
  const blocks: Block[] = [];
  let stage = 0;
  let index = 0;
  for (const add of nodes) {
    const block = add.opType === 'Add' ? blockOf(add, flow) : undefined;
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

function blockOf(add: OnnxNode, flow: Dataflow): Omit<Block, 'name' | 'stage'> | undefined {
  if (!add.inputs.every((input) => flow.runtime.has(input)) || new Set(add.inputs).size !== 2) return undefined;
  const [a, b] = add.inputs.map((input) => {
    const from = flow.producer.get(input);
    return from ? ancestors(from, flow) : new Set<OnnxNode>();
  }) as [Set<OnnxNode>, Set<OnnxNode>];
  const only = (x: Set<OnnxNode>, y: Set<OnnxNode>) => new Set([...x].filter((node) => !y.has(node)));
  const branches = [only(a, b), only(b, a)].sort((x, y) => convs(y) - convs(x)) as [Set<OnnxNode>, Set<OnnxNode>];
  if (convs(branches[0]) === 0) return undefined;
  const readers = flow.consumers.get(add.outputs[0]!) ?? [];
  const activation = readers.length === 1 && ACTIVATIONS.has(readers[0]!.opType) ? readers[0] : undefined;
  return {
    value: (activation ?? add).outputs[0]!,
    nodes: new Set([...branches[0], ...branches[1], add, ...(activation ? [activation] : [])]),
    shortcut: branches[1],
  };
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
  for (const node of nodes) {
    const kind = NUMBERED[node.opType];
    if (!kind) continue;
    const block = blocks.find((candidate) => candidate.nodes.has(node));
    const scope = block ? `${block.name}.` : '';
    if (block?.shortcut.has(node)) paths.set(node, `${scope}downsample.${next(`${scope}downsample`, 0)}`);
    else paths.set(node, `${scope}${kind}${next(scope + kind, 1)}`);
  }
  return paths;
}
