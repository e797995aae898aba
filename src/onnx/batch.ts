/**
 * The batch of a file is a default where the graph allows another. {@link openBatch} follows the batch axis from the
 * input to the outputs (axes.ts): where every op on the way works on each picture by itself, a Reshape whose target
 * states the batch is made to copy it, which is the same computation for each picture.
 */
import { attrInt } from './attributes.ts';
import { followAxis } from './axes.ts';
import type { Dataflow } from './dataflow.ts';
import { constantOf, type Dims } from './roles.ts';
import type { OnnxGraph, OnnxNode, OnnxTensor } from './types.ts';

/** The graph for any batch, or the node that mixes or counts pictures. */
export type OpenBatch = { graph: OnnxGraph } | { blockedBy: OnnxNode };

/** Ops that work along the axis that they name: along the batch they mix pictures. */
const ALONG = new Set(['Softmax', 'LogSoftmax', 'LpNormalization', 'LayerNormalization']);

/** @param dims shapes of all values for the batch that the file states. */
export function openBatch(graph: OnnxGraph, flow: Dataflow, dims: Dims, input: string): OpenBatch {
  const carried = new Set([input]);
  const rewired = new Map<OnnxNode, string[]>();
  const initializers = new Map<string, OnnxTensor>(graph.initializers);
  for (const value of carried) {
    for (const node of flow.consumers.get(value) ?? []) {
      if (node.opType === 'Shape' || node.opType === 'Size') continue;
      const to = dims.get(node.outputs[0]!);
      if (!to) continue;
      const [slot, from] = [node.inputs.indexOf(value), dims.get(value)!];
      const constant = (i: number) => constantOf(graph, flow, node.inputs[i]);
      const fate = followAxis({ node, slot, axis: 0, from, to, constant });
      if (fate !== 0 || mixes(node, constant, from, to)) return { blockedBy: node };
      const target = node.opType === 'Reshape' ? constant(1) : undefined;
      if (target && target.data[0]! > 0) {
        const copied = copyingBatch(node, target);
        if (!copied) return { blockedBy: node };
        let name = `${node.inputs[1]}_any_batch`;
        while (initializers.has(name) || flow.producer.has(name)) name += '_';
        initializers.set(name, copied);
        rewired.set(node, [node.inputs[0]!, name]);
      }
      for (const output of node.outputs) if (output) carried.add(output);
    }
  }
  const nodes = graph.nodes.map((node) => (rewired.has(node) ? { ...node, inputs: rewired.get(node)! } : node));
  return { graph: { ...graph, nodes, initializers } };
}

/** The target with its first entry, the batch, copied from the input; undefined where zeros mean zero. */
function copyingBatch(node: OnnxNode, target: OnnxTensor): OnnxTensor | undefined {
  if (attrInt(node, 'allowzero', 0) !== 0) return undefined;
  const data = target.data.slice();
  data[0] = 0;
  return { ...target, data };
}

function mixes(
  node: OnnxNode,
  constant: (slot: number) => OnnxTensor | undefined,
  from: readonly number[],
  to: readonly number[],
): boolean {
  const { opType } = node;
  const axis = attrInt(node, 'axis', -1);
  if (ALONG.has(opType) && (axis === 0 || axis === -from.length)) return true;
  // Sizes, starts and ends may state the batch.
  if (opType === 'Resize' && constant(3)) return true;
  if (opType === 'Slice') {
    const axes = node.inputs[3] ? constant(3)?.data : undefined;
    return !axes || [...axes].some((a) => a === 0 || a === -from.length);
  }
  // A constant with a row for each picture of the batch.
  return node.inputs.some((_, i) => {
    const other = constant(i)?.dims;
    return to[0]! > 1 && other?.length === to.length && other[0] === to[0] && /^(Add|Sub|Mul|Div|Pow|Where|Max|Min|Sum|Mean|PRelu)$/.test(opType); // prettier-ignore
  });
}
