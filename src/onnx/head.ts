/**
 * The classifier at the end of a network, and the graph with one for other classes. What depends on the number of classes
 * is found by following the class axis from the linear layer to the outputs (axes.ts): weight, bias, per-class constants
 * behind them, targets of Reshape, declared dims. A number that merely equals the number of classes is left alone.
 */
import { WgradError } from '../errors.ts';
import type { NewHead } from '../model/network.ts';
import { attrInt, attrInts } from './attributes.ts';
import { followAxis } from './axes.ts';
import { dataflow, type Dataflow } from './dataflow.ts';
import type { Layer } from './layers.ts';
import { constantOf, type Dims } from './roles.ts';
import { elements, type OnnxGraph, type OnnxNode, type OnnxTensor } from './types.ts';

/** A constant with one number, or row of numbers, for each class. */
interface PerClass {
  name: string;
  axis: number;
  /** What a new class starts with; undefined for the weight itself. */
  neutral: number | undefined;
}

/** Entry `index` of the constant that `reader` has at `slot`. */
interface Stated {
  reader: OnnxNode;
  slot: number;
  index: number;
}

export interface Head {
  node: OnnxNode;
  classes: number;
  fanIn: number;
  perClass: readonly PerClass[];
  /** Entries of Reshape targets that state the number of classes. */
  targets: readonly Stated[];
  /** Class axis of the graph outputs that have one. */
  outputs: ReadonlyMap<string, number>;
}

const LINEAR = new Set(['Gemm', 'MatMul', 'Conv']);

/** Where the op's constants hold one number a channel: neutral value by slot. */
const CHANNEL_SLOTS: Readonly<Record<string, readonly (number | null)[]>> = {
  BatchNormalization: [null, 1, 0, 0, 1],
  InstanceNormalization: [null, 1, 0],
};

/** What an operand that is broadcast against the scores starts with. */
const NEUTRAL: Readonly<Record<string, number>> = { Add: 0, Sub: 0, Sum: 0, Mul: 1, Div: 1, PRelu: 0.25 };

/**
 * @throws WgradError 'invalid-argument' where the layer is not the classifier: not linear, with computed weights, or
 *   followed by something that uses its outputs otherwise than as one score a class.
 */
export function findHead(graph: OnnxGraph, layer: Layer, dims: Dims): Head {
  const flow = dataflow(graph);
  const refuse = (reason: string) => {
    const remedy = 'Name the last Gemm, MatMul or Conv layer, or export the model without its last layers';
    return new WgradError('invalid-argument', `layer '${layer.name}' is no classifier: ${reason}`, { remedy });
  };
  const node = layer.nodes.find(({ opType }) => LINEAR.has(opType));
  if (!node) throw refuse(`it is ${layer.kind}`);
  const isConv = node.opType === 'Conv';
  if (isConv && attrInt(node, 'group', 1) !== 1) throw refuse('it is a grouped convolution');
  const result = node.outputs[0]!;
  const outDims = dims.get(result);
  if (!outDims) throw refuse('its result is constant');
  const axis = isConv ? 1 : outDims.length - 1;
  const classes = outDims[axis]!;

  const inWeight = isConv || (node.opType === 'Gemm' && attrInt(node, 'transB', 0)) ? 0 : 1;
  const weight = stored(graph, flow, node.inputs[1], inWeight);
  if (!weight || graph.initializers.get(weight.name)?.dims[weight.axis] !== classes)
    throw refuse('its weight is computed, not stored');
  const fanIn = elements(graph.initializers.get(weight.name)!.dims) / classes;
  const perClass: PerClass[] = [{ ...weight, neutral: undefined }];
  const bias = node.opType !== 'MatMul' && broadcastOperand(graph, flow, node.inputs[2], isConv ? 0 : 1, isConv ? 1 : 2, classes); // prettier-ignore
  if (bias) perClass.push({ ...bias, neutral: 0 });

  const followed = follow(graph, flow, dims, result, axis, refuse);
  for (const { node: reader, slot, outAxis } of followed.readers)
    perClass.push(...operands(graph, flow, dims, reader, slot, outAxis, classes, followed.axes, refuse));
  const unique = [...new Map(perClass.map((p) => [p.name, p])).values()];
  const targets = followed.readers.flatMap(({ node: reader, outAxis }) =>
    reader.opType === 'Reshape' || reader.opType === 'Expand' ? stated(graph, flow, reader, outAxis, classes) : [],
  );
  const outputs = new Map(graph.outputs.flatMap(({ name }) => followed.axes.has(name) ? [[name, followed.axes.get(name)!]] : [])); // prettier-ignore
  return { node, classes, fanIn, perClass: unique, targets, outputs };
}

/** The initialiser behind a constant value, through renaming and transposing, and the axis there. */
function stored(graph: OnnxGraph, flow: Dataflow, name: string | undefined, axis: number) {
  for (let at = name, where = axis; at;) {
    if (graph.initializers.has(at)) return { name: at, axis: where };
    const node: OnnxNode | undefined = flow.producer.get(at);
    if (node?.opType === 'Transpose') where = (attrInts(node, 'perm') ?? [1, 0])[where]!;
    else if (!node || !/^(Identity|Cast|CastLike)$/.test(node.opType)) return undefined;
    at = node.inputs[0];
  }
  return undefined;
}

/** A constant operand that has the classes on the axis which broadcasting (from the end) aligns with theirs. */
function broadcastOperand(
  graph: OnnxGraph,
  flow: Dataflow,
  name: string | undefined,
  outAxis: number,
  rank: number,
  classes: number,
) {
  // prettier-ignore
  const dims = name ? graph.initializers.get(name)?.dims ?? constantOf(graph, flow, name)?.dims : undefined;
  if (!dims) return undefined;
  const axis = outAxis - rank + dims.length;
  return dims[axis] === classes ? stored(graph, flow, name, axis) : undefined;
}

interface Reader {
  node: OnnxNode;
  slot: number;
  outAxis: number;
}

type Refuse = (reason: string) => WgradError;

/** All values that carry the class axis, and the nodes that hand it on. */
function follow(graph: OnnxGraph, flow: Dataflow, dims: Dims, start: string, axis: number, refuse: Refuse) {
  const axes = new Map([[start, axis]]);
  const readers: Reader[] = [];
  for (const [value, at] of axes) {
    for (const node of flow.consumers.get(value) ?? []) {
      if (node.opType === 'Shape' || node.opType === 'Size') continue;
      const slot = node.inputs.indexOf(value);
      const to = dims.get(node.outputs[0]!);
      if (!to) continue;
      const constant = (i: number) => constantOf(graph, flow, node.inputs[i]);
      const fate = followAxis({ node, slot, axis: at, from: dims.get(value)!, to, constant });
      const where = `node '${node.name}' (${node.opType})`;
      if (fate === 'reduced') continue;
      if (fate === 'contracted') throw refuse(`${where} reads its ${dims.get(value)![at]} outputs as features`);
      if (typeof fate !== 'number') throw refuse(`${where} uses its outputs otherwise than as one score a class`);
      if (node.opType === 'Slice' && slices(node, constant, at, to.length)) throw refuse(`${where} cuts its outputs`);
      readers.push({ node, slot, outAxis: fate });
      axes.set(node.outputs[0]!, fate);
    }
  }
  return { axes, readers };
}

/** Whether a Slice names an end for the axis; an open end fits any number of classes. */
function slices(node: OnnxNode, constant: (i: number) => OnnxTensor | undefined, axis: number, rank: number): boolean {
  const list = (i: number, key: string) => attrInts(node, key) ?? (constant(i) && [...constant(i)!.data]);
  const axes = list(3, 'axes') ?? [...Array(rank).keys()];
  const at = axes.findIndex((a) => (a < 0 ? a + rank : a) === axis);
  return at >= 0 && !((list(2, 'ends')?.[at] ?? 0) >= 2 ** 31 - 1);
}

/** Per-class constants that a node combines the scores with. */
function operands(
  graph: OnnxGraph,
  flow: Dataflow,
  dims: Dims,
  node: OnnxNode,
  slot: number,
  outAxis: number,
  classes: number,
  carried: ReadonlyMap<string, number>,
  refuse: Refuse,
): PerClass[] {
  const rank = dims.get(node.outputs[0]!)!.length;
  const channels = CHANNEL_SLOTS[node.opType];
  const found: PerClass[] = [];
  for (const [i, name] of node.inputs.entries()) {
    if (i === slot || !name || node.opType === 'Reshape' || node.opType === 'Expand' || node.opType === 'Slice')
      continue;
    if (flow.runtime.has(name)) {
      const own = dims.get(name)!;
      if (carried.has(name) || (own[outAxis - rank + own.length] ?? 1) === 1) continue;
      throw refuse(`node '${node.name}' (${node.opType}) joins its outputs with '${name}', which another layer makes`);
    }
    const neutral = channels ? channels[i] : NEUTRAL[node.opType];
    const operand = broadcastOperand(graph, flow, name, outAxis, channels ? 2 : rank, classes);
    // One number for all classes, or none along this axis, fits any number of them.
    if (!operand || classes === 1) continue;
    if (neutral === undefined || neutral === null)
      throw refuse(`node '${node.name}' (${node.opType}) holds a number for each of its ${classes} outputs`);
    found.push({ ...operand, neutral });
  }
  return found;
}

/** Where the target of a Reshape or Expand says the number of classes. */
function stated(graph: OnnxGraph, flow: Dataflow, node: OnnxNode, outAxis: number, classes: number): Stated[] {
  let [reader, slot, index] = [node, 1, outAxis];
  for (;;) {
    const known = constantOf(graph, flow, reader.inputs[slot]);
    if (known) return known.data[index] === classes ? [{ reader, slot, index }] : [];
    // Shapes that are computed are joined from pieces, most of them one number each.
    const joined = flow.producer.get(reader.inputs[slot]!);
    if (joined?.opType !== 'Concat') return [];
    const lengths = joined.inputs.map((piece) => constantOf(graph, flow, piece)?.data.length ?? 1);
    [reader, slot] = [joined, 0];
    while (slot < lengths.length && index >= lengths[slot]!) index -= lengths[slot++]!;
  }
}

/** The graph with a head for other classes. The given graph is left as it is. */
export function withHead(graph: OnnxGraph, head: Head, next: NewHead): OnnxGraph {
  const flow = dataflow(graph);
  const initializers = new Map<string, OnnxTensor>(graph.initializers);
  for (const part of head.perClass)
    initializers.set(part.name, resized(graph.initializers.get(part.name)!, part, head, next));
  const rewired = new Map<OnnxNode, string[]>();
  for (const { reader, slot, index } of head.targets) {
    const constant = reader.inputs[slot]!;
    const known = constantOf(graph, flow, constant)!;
    const data = known.data.slice();
    data[index] = next.classes;
    // A constant of its own: others may read the old one.
    let name = `${constant}_${head.node.name}`;
    while (initializers.has(name) || flow.producer.has(name)) name += '_';
    initializers.set(name, { ...known, data });
    const inputs = rewired.get(reader) ?? [...reader.inputs];
    inputs[slot] = name;
    rewired.set(reader, inputs);
  }
  const nodes = graph.nodes.map((node) => (rewired.has(node) ? { ...node, inputs: rewired.get(node)! } : node));
  // What nobody reads any more goes.
  const read = new Set([...nodes.flatMap((node) => node.inputs), ...graph.outputs.map(({ name }) => name)]);
  const orphans = new Set(
    head.targets.map(({ reader, slot }) => reader.inputs[slot]!).filter((name) => !read.has(name)),
  );
  for (const name of orphans) initializers.delete(name);
  const outputs = graph.outputs.map((output) => {
    const axis = head.outputs.get(output.name);
    const dims = output.dims?.map((dim, i) => (i === axis ? next.classes : dim)) ?? null;
    return { ...output, dims };
  });
  return { ...graph, nodes: nodes.filter((node) => !orphans.has(node.outputs[0]!)), initializers, outputs };
}

/** A tensor for other classes: kept rows, and for the others fresh weights or the neutral value. */
function resized(tensor: OnnxTensor, { name, axis, neutral }: PerClass, head: Head, next: NewHead): OnnxTensor {
  const dims = tensor.dims.map((dim, i) => (i === axis ? next.classes : dim));
  const size = elements(dims);
  const data = neutral === undefined ? next.initialize(size, head.fanIn) : new Float32Array(size).fill(neutral);
  const inner = elements(dims.slice(axis + 1));
  const outer = elements(dims.slice(0, axis));
  next.rows?.forEach((row, k) => {
    if (row === undefined) return;
    const before = next.values?.get(name) ?? tensor.data;
    for (let o = 0; o < outer; o++)
      for (let i = 0; i < inner; i++)
        data[(o * next.classes + k) * inner + i] = before[(o * head.classes + row) * inner + i]!;
  });
  return { dims, dtype: 'f32', data };
}
