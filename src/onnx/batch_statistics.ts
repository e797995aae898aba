/** Nodes that an importer must choose about (training mode, rounding): what a file asks for, and what is said of it. */
import { attrFloat, attrInt } from './attributes.ts';
import { dataflow } from './dataflow.ts';
import type { OnnxGraph, OnnxNode } from './types.ts';

/**
 * What a BatchNormalization in training mode normalises by: the batch, as the file says, or the running statistics
 * (unless the model is trained with the batch's).
 */
export type BatchNormChoice = 'file' | 'running';

/** Whether the file has a BatchNormalization normalise by the batch (`training_mode`, since opset 14). */
export function normalizesByBatch(node: OnnxNode): boolean {
  return node.opType === 'BatchNormalization' && attrInt(node, 'training_mode', 0) !== 0;
}

/** Those that work on what is computed from the input: not on weights, which some networks standardise by this op. */
function ofActivations(graph: OnnxGraph): OnnxNode[] {
  const nodes = graph.nodes.filter(normalizesByBatch);
  if (nodes.length === 0) return nodes;
  const { runtime } = dataflow(graph);
  return nodes.filter((node) => runtime.has(node.inputs[0]!));
}

/** The nodes that normalise by the batch whatever mode the model is in. */
export function alwaysByBatch(graph: OnnxGraph, choice: BatchNormChoice): ReadonlySet<OnnxNode> {
  const nodes = new Set(graph.nodes.filter(normalizesByBatch));
  if (choice === 'running') for (const node of ofActivations(graph)) nodes.delete(node);
  return nodes;
}

/** Dropouts that would drop: passed over here, as in evaluation. */
function dropping(graph: OnnxGraph): OnnxNode[] {
  const stated = new Map<string, number | undefined>();
  for (const { opType, attributes, outputs } of graph.nodes) {
    const value = opType === 'Constant' ? attributes.get('value') : undefined;
    if (value?.type === 'tensor') stated.set(outputs[0]!, value.value.data[0]);
  }
  const constant = (name: string | undefined) =>
    name ? (graph.initializers.get(name)?.data[0] ?? stated.get(name)) : undefined;
  return graph.nodes.filter(
    (node) =>
      node.opType === 'Dropout' &&
      constant(node.inputs[2]) &&
      (constant(node.inputs[1]) ?? attrFloat(node, 'ratio', 0.5)) !== 0,
  );
}

/** Quantisations of activations; those of constants are folded. */
function quantizing(graph: OnnxGraph): OnnxNode[] {
  const nodes = graph.nodes.filter(({ opType }) => opType === 'QuantizeLinear');
  if (nodes.length === 0) return nodes;
  const { runtime } = dataflow(graph);
  return nodes.filter((node) => runtime.has(node.inputs[0]!));
}

const names = (nodes: readonly OnnxNode[]): string => {
  const shown = nodes.slice(0, 5).map((node) => `'${node.name}'`).join(', '); // prettier-ignore
  return nodes.length > 5 ? `${shown} and ${nodes.length - 5} more` : shown;
};

/** What a file in training mode does here, and how to choose otherwise. */
export function modeWarnings(graph: OnnxGraph, batchNorm: BatchNormChoice): string[] {
  const warnings: string[] = [];
  const byBatch = ofActivations(graph);
  if (byBatch.length > 0) {
    const what =
      batchNorm === 'file'
        ? "normalises by the batch, as the file says: an answer depends on the rest of its batch. The import option batchNorm: 'running' takes the running statistics instead"
        : 'normalises by the running statistics, though the file says by the batch';
    warnings.push(`BatchNormalization in training mode (${names(byBatch)}) ${what}`);
  }
  const drops = dropping(graph);
  if (drops.length > 0)
    warnings.push(`Dropout in training mode (${names(drops)}) drops nothing here, as in evaluation`);
  const rounded = quantizing(graph);
  if (rounded.length > 0)
    warnings.push(
      `QuantizeLinear of what is computed (${names(rounded)}) rounds: no gradient passes it, so that nothing before it can be trained or explained`,
    );
  return warnings;
}
