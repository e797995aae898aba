/** Which initialisers are parameters, what each one is to its layer, and the one rewrite that parameters need. */
import { dataflow, type Dataflow } from './dataflow.ts';
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

const ARITHMETIC: readonly ParameterKind[] = ['weight', 'weight'];

/** For each op the meaning of its inputs as parameters. */
const SLOTS: Readonly<Record<string, readonly (ParameterKind | null)[]>> = {
  Conv: [null, 'weight', 'bias'],
  Gemm: ['weight', 'weight', 'bias'],
  MatMul: ARITHMETIC,
  BatchNormalization: [null, 'scale', 'bias', 'running-mean', 'running-var'],
  Add: ['bias', 'bias'],
  Sub: ['bias', 'bias'],
  Mul: ['scale', 'scale'],
  Div: ['scale', 'scale'],
};

/** Ops that hand a parameter on in another shape or under another name. */
const PASSES = new Set(['Identity', 'Cast', 'CastLike', 'Transpose', 'Reshape', 'Unsqueeze', 'Squeeze', 'Flatten']);

/** What an initialiser is to the ops that read it, through reshapes; undefined: a constant. */
function useOf(name: string, flow: Dataflow): { kind: ParameterKind; node: OnnxNode; slot: number } | undefined {
  const forms = new Set([name]);
  for (const form of forms)
    for (const node of flow.consumers.get(form) ?? []) {
      const slot = node.inputs.indexOf(form);
      const kind = SLOTS[node.opType]?.[slot];
      if (kind) return { kind, node, slot };
      if (PASSES.has(node.opType) && slot === 0) forms.add(node.outputs[0]!);
    }
  return undefined;
}

/**
 * Float initialisers that an op uses as weight, bias, scale or statistic, in the order of the file. Scalars are
 * constants: no exporter writes a trained one, and many write factors of preprocessing.
 */
export function findParameters(graph: OnnxGraph, flow: Dataflow): Map<string, ParameterInfo> {
  const found = new Map<string, ParameterInfo>();
  for (const [name, tensor] of graph.initializers) {
    if (!isFloat(tensor.dtype) || tensor.dims.length === 0) continue;
    const use = useOf(name, flow);
    if (use) found.set(name, { name, dims: tensor.dims, trainable: !use.kind.startsWith('running'), ...use });
  }
  return found;
}

/**
 * Where two equal parameters were stored once, exporters give the second one its name by an Identity node. In the
 * network they are two parameters, so each becomes an initialiser of its own here, under its own name.
 * An Identity that is an initialiser's only reader is a mere renaming: the initialiser keeps its name.
 */
export function separateSharedParameters(graph: OnnxGraph): OnnxGraph {
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
