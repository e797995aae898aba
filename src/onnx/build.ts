/**
 * IR -> graph, for inputs of known shapes: shape arithmetic is folded, every other node becomes ops of `src/ops`.
 * Built anew for each batch and picture size; parameters are the same Variables each time.
 */
import { WgradError } from '../errors.ts';
import { constant } from '../graph/leaves.ts';
import type { Tensor } from '../graph/tensor.ts';
import { withName } from '../graph/tensor.ts';
import { nodeError } from './attributes.ts';
import { BUILDERS, type NodeContext } from './builders.ts';
import { canFold, fold, foldShape, vector } from './fold.ts';
import { elements, type OnnxGraph, type OnnxNode, type OnnxTensor } from './types.ts';

export interface BuildEnvironment {
  /** One tensor for each graph input. */
  inputs: Readonly<Record<string, Tensor>>;
  /** The tensors of the parameters' variables, by initialiser name. */
  parameters: ReadonlyMap<string, Tensor>;
  /** Whether this BatchNormalization uses the batch's statistics. */
  trainBatchNorm(node: OnnxNode): boolean;
}

export interface BuiltGraph {
  values: Map<string, Tensor>;
  /** Effects on running statistics. */
  updates: Tensor[];
}

/** A value while building: known on the host, or symbolic. */
type Value = { known: OnnxTensor } | { tensor: Tensor };

/** @throws WgradError naming the node: 'shape', 'onnx-invalid' or 'onnx-unsupported'. */
export function buildGraph(graph: OnnxGraph, environment: BuildEnvironment): BuiltGraph {
  const values = new Map<string, Value>();
  for (const [name, known] of graph.initializers) {
    const tensor = environment.parameters.get(name);
    values.set(name, tensor ? { tensor } : { known });
  }
  for (const { name, dims } of graph.inputs) {
    const tensor = environment.inputs[name];
    if (!tensor) throw new WgradError('missing-feed', `the model's input '${name}' is not given`);
    checkInput(name, tensor, dims);
    values.set(name, { tensor });
  }
  const updates: Tensor[] = [];
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name) => (name ? values.get(name) : undefined));
    const result = evaluate(node, inputs, graph.opset, environment, updates);
    values.set(node.outputs[0]!, result);
  }
  const tensors = new Map<string, Tensor>();
  for (const [name, value] of values) if ('tensor' in value) tensors.set(name, value.tensor);
  for (const { name } of graph.outputs) {
    const value = values.get(name);
    if (value && 'known' in value) tensors.set(name, toTensor(value.known));
    if (!tensors.has(name))
      throw new WgradError('onnx-unsupported', `graph output '${name}' is an optional output that is not computed`);
  }
  return { values: tensors, updates };
}

function checkInput(name: string, tensor: Tensor, dims: OnnxGraph['inputs'][number]['dims']): void {
  // The extents in the file are a default: whether the graph allows others shows when its ops are built.
  if (dims && dims.length !== tensor.rank)
    throw new WgradError(
      'shape',
      `the model's input '${name}' is [${dims.join(', ')}], not [${tensor.shape.join(', ')}]`,
    );
}

function evaluate(
  node: OnnxNode,
  inputs: readonly (Value | undefined)[],
  opset: number,
  environment: BuildEnvironment,
  updates: Tensor[],
): Value {
  node.inputs.forEach((name, i) => {
    if (name && !inputs[i]) throw new WgradError('onnx-unsupported', `node '${node.name}' (${node.opType}) reads the optional output '${name}'`); // prettier-ignore
  });
  const dims = (value: Value) => ('known' in value ? value.known.dims : value.tensor.shape);
  if (node.opType === 'Shape' || node.opType === 'Size') {
    if (!inputs[0]) throw nodeError(node, 'input 0 is missing');
    const shape = dims(inputs[0]);
    return { known: node.opType === 'Shape' ? foldShape(node, shape) : { ...vector([elements(shape)]), dims: [] } };
  }
  const known = inputs.map((value) => (value && 'known' in value ? value.known : undefined));
  if (canFold(node.opType) && inputs.every((value, i) => !value || known[i]))
    return { known: fold(node, known, opset) };
  // CastLike gives a constant the type of a tensor: all tensors are float32.
  if (node.opType === 'CastLike' && known[0])
    return { known: { ...known[0], dtype: 'f32', data: Float32Array.from(known[0].data) } };

  const build = BUILDERS[node.opType as keyof typeof BUILDERS];
  if (!build) throw new WgradError('onnx-unsupported', `node '${node.name}' (${node.opType}) works on constants only`);
  const context: NodeContext = {
    node,
    opset,
    has: (i) => inputs[i] !== undefined,
    known: (i) => known[i],
    constant(i) {
      if (!inputs[i]) throw nodeError(node, `input ${i} is missing`);
      if (!known[i]) throw new WgradError('onnx-unsupported', `node '${node.name}' (${node.opType}): input ${i} must be constant`); // prettier-ignore
      return known[i];
    },
    tensor(i) {
      const value = inputs[i];
      if (!value) throw nodeError(node, `input ${i} is missing`);
      return 'tensor' in value ? value.tensor : toTensor(value.known);
    },
    trainBatchNorm: () => environment.trainBatchNorm(node),
    update: (effect) => updates.push(effect),
  };
  return { tensor: withName(node.name, () => naming(node, () => build(context))) };
}

/** An op's own error names shapes; this adds the node. */
function naming(node: OnnxNode, build: () => Tensor): Tensor {
  try {
    return build();
  } catch (cause) {
    if (!(cause instanceof WgradError) || cause.message.includes(`node '${node.name}'`)) throw cause;
    throw new WgradError(cause.code, `node '${node.name}' (${node.opType}): ${cause.message}`, { cause });
  }
}

function toTensor(known: OnnxTensor): Tensor {
  const data = known.data instanceof Float32Array ? known.data : Float32Array.from(known.data);
  return constant(data, known.dims);
}
