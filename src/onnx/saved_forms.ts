/**
 * Other forms of a graph to be saved in, with the same outputs:
 *
 *   foldBatchNorm   Conv and the BatchNormalization behind it are one Conv: w' = w g / sqrt(v + eps),
 *                   b' = (b - m) g / sqrt(v + eps) + beta, in float64. One that has other readers of the convolution, or
 *                   parameters that are computed, stays.
 *   halfWeights     weights (constants of two and more axes) are stored as float16, rounded to nearest even, and cast to
 *                   float32 where they are read: half the file, computed as before. Those that float16 has no room for
 *                   stay as they are.
 */
import { f32ToF16 } from '../formats/half.ts';
import { attrFloat, attrInt } from './attributes.ts';
import { dataflow } from './dataflow.ts';
import type { OnnxDtype, OnnxGraph, OnnxNode, OnnxTensor } from './types.ts';

/** Initialisers' values by name, where they are not those of the graph. */
export type Values = ReadonlyMap<string, Float32Array>;

export interface SavedForm {
  graph: OnnxGraph;
  values: Values;
}

export function foldBatchNorm({ graph, values }: SavedForm): SavedForm {
  const flow = dataflow(graph);
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const initializers = new Map<string, OnnxTensor>(graph.initializers);
  const folded = new Map(values);
  const conv = new Map<OnnxNode, OnnxNode>();
  const gone = new Set<OnnxNode>();
  const stored = (name: string | undefined) => {
    const tensor = name ? graph.initializers.get(name) : undefined;
    return tensor && (values.get(name!) ?? tensor.data);
  };
  const fresh = (wanted: string) => {
    let name = wanted;
    while (initializers.has(name) || flow.producer.has(name)) name += '_';
    return name;
  };
  for (const node of graph.nodes) {
    if (node.opType !== 'BatchNormalization' || attrInt(node, 'training_mode', 0) === 1) continue;
    const [x, ...names] = node.inputs;
    const before = flow.producer.get(x!);
    const parameters = names.map(stored);
    const [weight, bias] = [stored(before?.inputs[1]), stored(before?.inputs[2])];
    const isOnly = flow.consumers.get(x!)?.length === 1 && !outputs.has(x!);
    const known = parameters.every((p) => p !== undefined) && weight && (bias !== undefined || !before?.inputs[2]);
    if (before?.opType !== 'Conv' || !isOnly || !known || node.outputs.slice(1).some(Boolean)) continue;
    const [gamma, beta, mean, variance] = parameters as Float32Array[];
    const eps = attrFloat(node, 'epsilon', 1e-5);
    const channels = gamma!.length;
    const factor = Array.from(gamma!, (g, c) => g / Math.sqrt(variance![c]! + eps));
    const row = weight.length / channels;
    const name = before.inputs[1]!;
    // A weight that others read as well stays theirs.
    const own = flow.consumers.get(name)?.length === 1 ? name : fresh(`${name}.folded`);
    const shift = fresh(name.endsWith('weight') ? name.replace(/weight$/, 'bias') : `${name}.bias`);
    const scaled = Float32Array.from(weight, (w, i) => w * factor[Math.floor(i / row)]!);
    const added = Float32Array.from(factor, (f, c) => ((bias?.[c] ?? 0) - mean![c]!) * f + beta![c]!);
    initializers.set(own, { dims: graph.initializers.get(name)!.dims, dtype: 'f32', data: scaled });
    initializers.set(shift, { dims: [channels], dtype: 'f32', data: added });
    folded.set(own, scaled).set(shift, added);
    conv.set(before, { ...before, inputs: [before.inputs[0]!, own, shift], outputs: [node.outputs[0]!] });
    gone.add(node);
  }
  const nodes = graph.nodes.filter((node) => !gone.has(node)).map((node) => conv.get(node) ?? node);
  return onlyRead({ graph: { ...graph, nodes, initializers }, values: folded });
}

/** Without initialisers that nothing reads any more. */
function onlyRead({ graph, values }: SavedForm): SavedForm {
  const read = new Set([...graph.nodes.flatMap((node) => node.inputs), ...graph.outputs.map(({ name }) => name)]);
  const initializers = new Map([...graph.initializers].filter(([name]) => read.has(name)));
  return { graph: { ...graph, initializers }, values: new Map([...values].filter(([name]) => initializers.has(name))) };
}

/** @returns also the names of what is to be stored as float16. */
export function halfWeights({ graph, values }: SavedForm): SavedForm & { halves: ReadonlySet<string> } {
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const taken = new Set([...graph.initializers.keys(), ...graph.nodes.flatMap((node) => node.outputs)]);
  const casts = new Map<string, string>();
  for (const [name, tensor] of graph.initializers) {
    const isWeight = NARROW.has(tensor.dtype) && tensor.dims.length >= 2 && !outputs.has(name);
    if (!isWeight || !fits(values.get(name) ?? (tensor.data as Float32Array))) continue;
    let cast = `${name}.f32`;
    while (taken.has(cast)) cast += '_';
    casts.set(name, cast);
  }
  const to = new Map([['to', { type: 'int', value: 1 } as const]]);
  const made = [...casts].map(([name, cast]): OnnxNode => ({
    name: cast,
    opType: 'Cast',
    domain: '',
    inputs: [name],
    outputs: [cast],
    attributes: to,
  }));
  const nodes = graph.nodes.map((node) => ({ ...node, inputs: node.inputs.map((name) => casts.get(name) ?? name) }));
  return { graph: { ...graph, nodes: [...made, ...nodes] }, values, halves: new Set(casts.keys()) };
}

const NARROW: ReadonlySet<OnnxDtype> = new Set(['f32', 'f16', 'bf16']);
const MOST = 65504;

const fits = (values: Float32Array) => values.every((v) => Math.abs(v) <= MOST);

/** float16, two bytes a value. */
export const halfBytes = (values: ArrayLike<number>): Uint8Array =>
  new Uint8Array(Uint16Array.from(values, f32ToF16).buffer);
