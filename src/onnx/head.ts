/** The classifier at the end of a network: which tensors hold it, and the graph with one for other classes. */
import { WgradError } from '../errors.ts';
import { attrInt } from './attributes.ts';
import type { Layer } from './layers.ts';
import type { OnnxGraph, OnnxNode, OnnxTensor } from './types.ts';

export interface Head {
  /** Initialiser of the weight, its dims, and the axis that counts classes. */
  weight: { name: string; dims: readonly number[]; classAxis: number };
  bias: { name: string; dims: readonly number[] } | undefined;
  classes: number;
  /** Features that go into one class score. */
  fanIn: number;
}

/** @throws 'invalid-argument' where the layer is not linear: Gemm, MatMul (+ Add) or a 1x1 Conv on initialisers. */
export function findHead(graph: OnnxGraph, layer: Layer): Head {
  const refuse = (reason: string) => {
    const remedy = 'Name the last Gemm, MatMul or 1x1 Conv layer';
    return new WgradError('invalid-argument', `layer '${layer.name}' is no classifier: ${reason}`, { remedy });
  };
  const node = layer.nodes.find(({ opType }) => opType === 'Gemm' || opType === 'MatMul' || opType === 'Conv');
  if (!node) throw refuse(`it is ${layer.kind}`);
  const name = node.inputs[1]!;
  const tensor = graph.initializers.get(name);
  if (!tensor) throw refuse('its weight is computed, not stored');
  const { dims } = tensor;
  if (node.opType === 'Conv' ? !(dims[2] === 1 && dims[3] === 1 && attrInt(node, 'group', 1) === 1) : dims.length !== 2)
    throw refuse(`its weight is [${dims.join(', ')}]`);
  const classAxis = node.opType === 'Conv' || (node.opType === 'Gemm' && attrInt(node, 'transB', 0)) ? 0 : 1;
  const classes = dims[classAxis]!;
  const bias = biasOf(graph, layer, node, classes);
  return { weight: { name, dims, classAxis }, bias, classes, fanIn: dims[1 - classAxis]! };
}

/** The third input of Gemm and Conv, or what an Add after a MatMul adds. */
function biasOf(graph: OnnxGraph, layer: Layer, node: OnnxNode, classes: number): Head['bias'] {
  const result = node.outputs[0]!;
  const adds = [...layer.nodes, ...graph.nodes].filter((n) => n.opType === 'Add' && n.inputs.includes(result));
  const candidates = [node.inputs[2], ...adds.flatMap((add) => add.inputs)];
  for (const name of candidates) {
    const tensor = name ? graph.initializers.get(name) : undefined;
    if (tensor && tensor.data.length === classes) return { name: name!, dims: tensor.dims };
  }
  return undefined;
}

/**
 * The graph with a head for `classes` classes: fresh weights, zero bias, and the numbers of classes in the declared
 * output shapes changed with them. The given graph is left as it is.
 *
 * @param initialize values for `size` weights of which `fanIn` go into one score.
 */
export function withHead(
  graph: OnnxGraph,
  head: Head,
  classes: number,
  initialize: (size: number, fanIn: number) => Float32Array,
): OnnxGraph {
  const { weight, bias } = head;
  const swap = (dims: readonly number[]) => dims.map((dim) => (dim === head.classes ? classes : dim));
  const initializers = new Map<string, OnnxTensor>(graph.initializers);
  const dims = weight.dims.map((dim, axis) => (axis === weight.classAxis ? classes : dim));
  initializers.set(weight.name, { dims, dtype: 'f32', data: initialize(classes * head.fanIn, head.fanIn) });
  if (bias) initializers.set(bias.name, { dims: swap(bias.dims), dtype: 'f32', data: new Float32Array(classes) });
  const outputs = graph.outputs.map((output) => ({
    ...output,
    dims: output.dims && output.dims.map((dim, i) => (i > 0 && dim === head.classes ? classes : dim)),
  }));
  return { ...graph, initializers, outputs };
}
