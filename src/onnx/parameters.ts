/**
 * Which constants are parameters: known by what the ops that read them do with them, not by where they are stored.
 */
import { Budget } from './budget.ts';
import { dataflow, type Dataflow } from './dataflow.ts';
import { foldNode } from './ops/index.ts';
import type { Pieces } from '../pace.ts';
import { isFloat, type OnnxGraph, type OnnxNode, type OnnxTensor } from './types.ts';

export type ParameterKind = 'weight' | 'bias' | 'scale' | 'running-mean' | 'running-var';

export interface ParameterInfo {
  /** The initialiser's name. */
  name: string;
  kind: ParameterKind;
  dims: readonly number[];
  /** Whether gradients may train it. Running statistics are updated by BatchNorm in train mode, never by gradients. */
  trainable: boolean;
  /** Node and input that take it (the first, where several do). */
  node: OnnxNode;
  slot: number;
}

const BOTH = (kind: ParameterKind): readonly ParameterKind[] => [kind, kind];

/** For each op that learns the meaning of its inputs as parameters. */
const SLOTS: Readonly<Record<string, readonly (ParameterKind | null)[]>> = {
  Conv: [null, 'weight', 'bias'],
  FusedConv: [null, 'weight', 'bias'],
  ConvTranspose: [null, 'weight', 'bias'],
  Gemm: ['weight', 'weight', 'bias'],
  MatMul: BOTH('weight'),
  BatchNormalization: [null, 'scale', 'bias', 'running-mean', 'running-var'],
  InstanceNormalization: [null, 'scale', 'bias'],
  GroupNormalization: [null, 'scale', 'bias'],
  LayerNormalization: [null, 'scale', 'bias'],
  RMSNormalization: [null, 'scale'],
  PRelu: [null, 'scale'],
};

/** Arithmetic: what it combines with a feature is learned, what it combines with a picture is preprocessing. */
const ARITHMETIC: Readonly<Record<string, readonly ParameterKind[]>> = {
  Add: BOTH('bias'),
  Sub: BOTH('bias'),
  Mul: BOTH('scale'),
  Div: BOTH('scale'),
};

/** Ops that hand a parameter on in another shape or under another name. */
const PASSES = new Set(['Identity', 'Cast', 'CastLike', 'Transpose', 'Reshape', 'Unsqueeze', 'Squeeze', 'Flatten']);

/** Values that the picture becomes before anything learned has worked on it; none where nothing ever does. */
function rawValues(graph: OnnxGraph, flow: Dataflow): Set<string> {
  if (!graph.nodes.some((node) => SLOTS[node.opType] && flow.runtime.has(node.outputs[0]!))) return new Set();
  const raw = new Set(graph.inputs.map(({ name }) => name));
  for (const node of graph.nodes) {
    if (SLOTS[node.opType]) continue;
    const sources = node.inputs.filter((input) => flow.runtime.has(input));
    if (sources.length === 0 || !sources.every((source) => raw.has(source))) continue;
    for (const output of node.outputs) raw.add(output);
  }
  return raw;
}

/**
 * Weight standardisation is a BatchNormalization of weights. Its scale is a gain where that is computed; a stored one is
 * the row of ones that exporters write for none.
 */
const standardises = ({ opType }: OnnxNode, slot: number, computed: boolean) =>
  opType === 'BatchNormalization' && (slot === 0 || (slot === 1 && computed));

interface Use {
  kind: ParameterKind;
  node: OnnxNode;
  slot: number;
}

/**
 * What a constant is to the ops that read it, through reshapes and through arithmetic among constants (weight
 * normalisation); undefined where it is no parameter: a factor of preprocessing, a shape.
 */
function useOf(name: string, flow: Dataflow, raw: ReadonlySet<string>): Use | undefined {
  const forms = new Set([name]);
  for (const form of forms)
    for (const node of flow.consumers.get(form) ?? []) {
      const slot = node.inputs.indexOf(form);
      const computes = flow.runtime.has(node.outputs[0]!);
      const arithmetic = ARITHMETIC[node.opType];
      const kind = SLOTS[node.opType]?.[slot];
      if (computes && kind) return { kind, node, slot };
      if (computes && arithmetic?.[slot] && !raw.has(node.outputs[0]!)) return { kind: arithmetic[slot], node, slot };
      const passes = arithmetic || (PASSES.has(node.opType) && slot === 0) || standardises(node, slot, form !== name);
      if (!computes && passes) forms.add(node.outputs[0]!);
    }
  return undefined;
}

const isWeight = ({ dtype, dims }: OnnxTensor) => isFloat(dtype) && dims.length > 0;

/**
 * Float initialisers that an op uses as weight, bias, scale or statistic, in the order of the file. Scalars are
 * constants: no exporter writes a trained one, and many write factors of preprocessing.
 */
export function findParameters(graph: OnnxGraph, flow: Dataflow): Map<string, ParameterInfo> {
  const raw = rawValues(graph, flow);
  const found = new Map<string, ParameterInfo>();
  for (const [name, tensor] of graph.initializers) {
    if (!isWeight(tensor)) continue;
    const use = useOf(name, flow, raw);
    if (use) found.set(name, { name, dims: tensor.dims, trainable: !use.kind.startsWith('running'), ...use });
  }
  return found;
}

/**
 * The graph with every parameter in an initialiser of its own, wherever the file keeps it: shared under another name
 * (an Identity), in a Constant node (Paddle, old exporters), quantised and dequantised again.
 */
export function* storedParameters(graph: OnnxGraph): Pieces<OnnxGraph> {
  const inInitializers = constantParameters(graph);
  yield;
  const computed = yield* computedParameters(inInitializers);
  yield;
  return separateShared(computed);
}

/** Constant nodes that hold parameters become initialisers of the same name. */
function constantParameters(graph: OnnxGraph): OnnxGraph {
  const holders = graph.nodes.filter((node) => node.opType === 'Constant');
  if (holders.length === 0) return graph;
  const flow = dataflow(graph);
  const raw = rawValues(graph, flow);
  const initializers = new Map<string, OnnxTensor>(graph.initializers);
  const moved = new Set<OnnxNode>();
  for (const node of holders) {
    const value = node.attributes.get('value');
    if (value?.type !== 'tensor' || !isWeight(value.value) || !useOf(node.outputs[0]!, flow, raw)) continue;
    initializers.set(node.outputs[0]!, value.value);
    moved.add(node);
  }
  return moved.size ? { ...graph, initializers, nodes: graph.nodes.filter((node) => !moved.has(node)) } : graph;
}

/**
 * Weights that are computed from what is no parameter, as DequantizeLinear does from integers, are computed here once
 * and for all, and are parameters from then on.
 */
function* computedParameters(graph: OnnxGraph): Pieces<OnnxGraph> {
  const flow = dataflow(graph);
  yield;
  const parameters = findParameters(graph, flow);
  yield;
  // Values that change: with a parameter, or with the shape of what is fed.
  const learned = new Set<string>(parameters.keys());
  const roots = new Set<OnnxNode>();
  for (const node of graph.nodes) {
    if (flow.runtime.has(node.outputs[0]!)) {
      for (const [slot, kind] of SLOTS[node.opType]?.entries() ?? []) {
        const root = kind && node.inputs[slot] && rootOf(node.inputs[slot], flow);
        if (root && root.opType !== 'Constant' && !learned.has(root.outputs[0]!)) roots.add(root);
      }
    } else if (node.inputs.some((input) => learned.has(input) || flow.runtime.has(input)))
      for (const output of node.outputs) learned.add(output);
  }
  if (roots.size === 0) return graph;

  // Only what the weights are made of is computed, in the order of the graph.
  const needed = new Set(roots);
  for (const node of needed)
    for (const input of node.inputs) {
      const from = flow.producer.get(input);
      if (from) needed.add(from);
    }
  const known = new Map<string, OnnxTensor>(graph.initializers);
  const budget = Budget.of(graph);
  const initializers = new Map<string, OnnxTensor>(graph.initializers);
  const stored = new Set<OnnxNode>();
  for (const node of graph.nodes) {
    if (!needed.has(node)) continue;
    const results = foldNode(node, node.inputs.map((input) => known.get(input)), graph.opset, budget); // prettier-ignore
    results.forEach((result, i) => node.outputs[i] && known.set(node.outputs[i], result));
    yield;
    if (!roots.has(node) || !isWeight(results[0]!)) continue;
    initializers.set(node.outputs[0]!, results[0]!);
    stored.add(node);
  }
  return pruned({ ...graph, initializers, nodes: graph.nodes.filter((node) => !stored.has(node)) }, graph);
}

/** The node at the beginning of the ops that only pass a constant on; undefined where it is stored or fed. */
function rootOf(name: string, flow: Dataflow): OnnxNode | undefined {
  let node = flow.runtime.has(name) ? undefined : flow.producer.get(name);
  while (node && PASSES.has(node.opType)) node = flow.producer.get(node.inputs[0]!);
  return node;
}

/** Without the nodes and initialisers that `before` reads and `graph` does not. */
function pruned(graph: OnnxGraph, before: OnnxGraph): OnnxGraph {
  const wasRead = new Set(before.nodes.flatMap((node) => node.inputs));
  const read = new Set(graph.outputs.map(({ name }) => name));
  const nodes = graph.nodes
    .toReversed()
    .filter((node) => {
      const kept = node.outputs.some((output) => read.has(output) || !wasRead.has(output));
      if (kept) for (const input of node.inputs) read.add(input);
      return kept;
    })
    .toReversed();
  const initializers = new Map([...graph.initializers].filter(([name]) => read.has(name) || !wasRead.has(name)));
  return { ...graph, nodes, initializers };
}

/**
 * Where two equal parameters were stored once, exporters give the second one its name by an Identity node. In the
 * network they are two parameters, so each becomes an initialiser of its own here, under its own name.
 * An Identity that is an initialiser's only reader is a mere renaming: the initialiser keeps its name.
 */
function separateShared(graph: OnnxGraph): OnnxGraph {
  const { consumers } = dataflow(graph);
  const outputs = new Set(graph.outputs.map((output) => output.name));
  const initializers = new Map<string, OnnxTensor>(graph.initializers);
  const renamed = new Map<string, string>();
  const nodes: OnnxNode[] = [];
  for (const node of graph.nodes) {
    const source = renamed.get(node.inputs[0]!) ?? node.inputs[0]!;
    const target = node.outputs[0]!;
    const tensor = initializers.get(source);
    if (node.opType !== 'Identity' || !tensor || !isFloat(tensor.dtype) || outputs.has(target)) {
      nodes.push(node.inputs.some((i) => renamed.has(i)) ? rename(node, renamed) : node);
    } else if ((consumers.get(source)?.length ?? 0) > 1) initializers.set(target, tensor);
    else renamed.set(target, source);
  }
  return { ...graph, nodes, initializers };
}

function rename(node: OnnxNode, renamed: ReadonlyMap<string, string>): OnnxNode {
  return { ...node, inputs: node.inputs.map((input) => renamed.get(input) ?? input) };
}
