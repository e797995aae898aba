/**
 * IR -> graph, for inputs of known shapes: nodes of constants are folded, every other node becomes ops of `src/ops`.
 * Built anew for each batch and picture size; parameters are the same Variables each time.
 */
import { WgradError } from '../errors.ts';
import { constant, variableOf } from '../graph/leaves.ts';
import type { Tensor } from '../graph/tensor.ts';
import { withName } from '../graph/tensor.ts';
import { emaUpdate } from '../ops/effects.ts';
import type { Pieces } from '../pace.ts';
import { Budget } from './budget.ts';
import { canFold, dtypeOf, naming, outputsOf, rowOf } from './ops/evaluate.ts';
import { foldNode, graphAlgebra } from './ops/index.ts';
import { OpContext, type Operand } from './ops/row.ts';
import type { OnnxDtype, OnnxGraph, OnnxNode, OnnxTensor } from './types.ts';

export interface BuildEnvironment {
  /** One tensor for each graph input. */
  inputs: Readonly<Record<string, Tensor>>;
  /** The tensors of the parameters' variables, by initialiser name. */
  parameters: ReadonlyMap<string, Tensor>;
  /** Whether this BatchNormalization uses the batch's statistics, and whether it moves the running ones. */
  batchNorm(node: OnnxNode): { useBatch: boolean; moveRunning: boolean };
}

export interface BuiltGraph {
  values: Map<string, Tensor>;
  /** Effects on running statistics. */
  updates: Tensor[];
}

/** A value while building: known on the host, or symbolic. */
type Value = { known: OnnxTensor } | { tensor: Tensor; dtype: OnnxDtype };

/** A node at a time. @throws WgradError naming the node: 'shape', 'onnx-invalid' or 'onnx-unsupported'. */
export function* buildGraph(graph: OnnxGraph, environment: BuildEnvironment): Pieces<BuiltGraph> {
  const values = new Map<string, Value>();
  for (const [name, known] of graph.initializers) {
    const tensor = environment.parameters.get(name);
    values.set(name, tensor ? { tensor, dtype: 'f32' } : { known });
  }
  for (const { name, dims, dtype } of graph.inputs) {
    const tensor = environment.inputs[name];
    if (!tensor) throw new WgradError('missing-feed', `the model's input '${name}' is not given`);
    checkInput(name, tensor, dims);
    values.set(name, { tensor, dtype });
  }
  const builder = new Builder(graph, environment);
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name) => (name ? values.get(name) : undefined));
    builder.evaluate(node, inputs).forEach((result, i) => {
      if (node.outputs[i]) values.set(node.outputs[i], result);
    });
    yield;
  }
  const tensors = new Map<string, Tensor>();
  for (const [name, value] of values) if ('tensor' in value) tensors.set(name, value.tensor);
  for (const { name } of graph.outputs) {
    const value = values.get(name);
    if (value && 'known' in value) tensors.set(name, builder.constant(value.known));
    if (!tensors.has(name))
      throw new WgradError('onnx-unsupported', `graph output '${name}' is an optional output that is not computed`);
  }
  return { values: tensors, updates: builder.updates };
}

function checkInput(name: string, tensor: Tensor, dims: OnnxGraph['inputs'][number]['dims']): void {
  // The extents in the file are a default: whether the graph allows others shows when its ops are built.
  if (dims && dims.length !== tensor.rank)
    throw new WgradError(
      'shape',
      `the model's input '${name}' is [${dims.join(', ')}], not [${tensor.shape.join(', ')}]`,
    );
}

const isKnown = (value: Value): value is { known: OnnxTensor } => 'known' in value;

class Builder {
  readonly updates: Tensor[] = [];
  private readonly budget: Budget;
  /** A constant that many nodes read is one leaf. */
  private readonly constants = new Map<OnnxTensor, Tensor>();

  constructor(
    private readonly graph: OnnxGraph,
    private readonly environment: BuildEnvironment,
  ) {
    this.budget = Budget.of(graph);
  }

  constant(known: OnnxTensor): Tensor {
    let tensor = this.constants.get(known);
    if (!tensor) {
      const data = known.data instanceof Float32Array ? known.data : Float32Array.from(known.data);
      this.constants.set(known, (tensor = constant(data, known.dims)));
    }
    return tensor;
  }

  /** The outputs of a node, folded where what it reads is known. */
  evaluate(node: OnnxNode, inputs: readonly (Value | undefined)[]): Value[] {
    node.inputs.forEach((name, i) => {
      if (name && !inputs[i]) throw new WgradError('onnx-unsupported', `node '${node.name}' (${node.opType}) reads the optional output '${name}'`); // prettier-ignore
    });
    const row = rowOf(node);
    const { opset } = this.graph;
    const known = (i: number) => !inputs[i] || isKnown(inputs[i]);
    if (canFold(row, known, inputs.length)) {
      const given = inputs.map((value) => value && (isKnown(value) ? value.known : { dtype: value.dtype, dims: value.tensor.shape })); // prettier-ignore
      return foldNode(node, given, opset, this.budget).map((tensor) => ({ known: tensor }));
    }
    const { useBatch, moveRunning } = this.environment.batchNorm(node);
    const context = new OpContext<Tensor>(node, opset, graphAlgebra(), inputs.map((value) => value && this.operand(value)), {
      useBatch,
      update: (input, batch, momentum, scale) => {
        const value = inputs[input];
        const variable = moveRunning && value && 'tensor' in value && variableOf(value.tensor);
        if (variable) this.updates.push(emaUpdate(variable, batch as Tensor, momentum, scale));
      },
    }); // prettier-ignore
    const outputs = withName(node.name, () => naming(node, () => outputsOf(row, context)));
    return outputs.map((tensor, i) => ({ tensor, dtype: dtypeOf(row, context, i) }));
  }

  private operand(value: Value): Operand<Tensor> {
    if (isKnown(value)) {
      const { known } = value;
      return { dtype: known.dtype, shape: known.dims, known, value: () => this.constant(known) };
    }
    return { dtype: value.dtype, shape: value.tensor.shape, known: undefined, value: () => value.tensor };
  }
}
