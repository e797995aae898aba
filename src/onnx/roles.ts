/**
 * The roles of an ONNX graph's parts: {@link findInput} from the wiring alone, {@link findScores} from the wiring and the
 * shapes of one build. Everything is followed from node to node; names decide only between equals.
 */
import { WgradError } from '../errors.ts';
import { readScores } from '../model/metadata.ts';
import type { InputRole, OutputRole, Roles, ScoresRole, Tail } from '../model/roles.ts';
import { attrInt, attrInts } from './attributes.ts';
import { followAxis } from './axes.ts';
import { dataInputs, type Dataflow } from './dataflow.ts';
import type { OnnxGraph, OnnxNode, OnnxTensor, OnnxValueInfo } from './types.ts';

/** Dims of every value that is computed from the input, by name. */
export type Dims = ReadonlyMap<string, readonly number[]>;

/** The constants that a node reads: initialisers, and what Constant nodes hold. */
export function constantOf(graph: OnnxGraph, flow: Dataflow, name: string | undefined): OnnxTensor | undefined {
  if (!name) return undefined;
  const stored = graph.initializers.get(name);
  if (stored) return stored;
  const node = flow.producer.get(name);
  const value = node?.opType === 'Constant' ? node.attributes.get('value') : undefined;
  return value?.type === 'tensor' ? value.value : undefined;
}

const PICTURE_RANK = 4;

/** Ops of preprocessing: they keep the axes of a picture where they are. */
const PREPROCESSING = new Set(['Cast', 'Identity', 'Sub', 'Add', 'Mul', 'Div', 'Pad', 'Clip', 'Resize', 'Upsample', 'Relu', 'Slice', 'Dropout']); // prettier-ignore

/**
 * The picture input: the first of rank 4. Its layout follows from the transposes before the first Conv (or
 * BatchNormalization), which has the channels at axis 1, and its channels from the Conv's weight.
 */
export function findInput(graph: OnnxGraph, flow: Dataflow): Omit<InputRole, 'size'> | undefined {
  const info = graph.inputs.find((input) => input.dims?.length === PICTURE_RANK) ?? graph.inputs.find((i) => !i.dims);
  if (!info) return undefined;
  const found = channelsOf(info, graph, flow);
  const dim = (axis: number) => (typeof info.dims?.[axis] === 'number' ? info.dims[axis] : null);
  const channelAxis = found.axis ?? (looksLikeChannels(dim(3)) && !looksLikeChannels(dim(1)) ? 3 : 1);
  const layout = channelAxis === 3 ? 'nhwc' : 'nchw';
  const channels = found.count ?? dim(channelAxis) ?? 3;
  const [height, width] = layout === 'nhwc' ? [dim(1), dim(2)] : [dim(2), dim(3)];
  const range = info.dtype === 'u8' ? 255 : found.range;
  return { name: info.name, layout, channels, batch: dim(0), height, width, dtype: info.dtype, range };
}

const looksLikeChannels = (extent: number | null) => extent === 1 || extent === 3 || extent === 4;

interface Channels {
  /** Axis of the input that holds the channels. */
  axis?: number;
  count?: number;
  range: InputRole['range'];
}

function channelsOf(info: OnnxValueInfo, graph: OnnxGraph, flow: Dataflow): Channels {
  /** axes[i]: the input's axis that the value has at i. */
  const queue = [{ value: info.name, axes: [0, 1, 2, 3] }];
  let range: InputRole['range'] = null;
  const seen = new Set<string>();
  for (const { value, axes } of queue) {
    for (const node of flow.consumers.get(value) ?? []) {
      if (seen.has(node.outputs[0]!)) continue;
      seen.add(node.outputs[0]!);
      if (/^(Fused)?Conv$/.test(node.opType) && node.inputs[0] === value) {
        const perGroup = weightDims(graph, flow, node.inputs[1])?.[1];
        return { axis: axes[1]!, range, ...(perGroup && { count: perGroup * attrInt(node, 'group', 1) }) };
      }
      if (node.opType === 'BatchNormalization' && node.inputs[0] === value) {
        const count = constantOf(graph, flow, node.inputs[1])?.data.length;
        return { axis: axes[1]!, range, ...(count && { count }) };
      }
      if (node.opType === 'Transpose') {
        const perm = attrInts(node, 'perm') ?? [3, 2, 1, 0];
        queue.push({ value: node.outputs[0]!, axes: perm.map((axis) => axes[axis] ?? axis) });
      } else if (
        node.opType === 'Reshape' &&
        info.dims?.[3] === 1 &&
        constantOf(graph, flow, node.inputs[1])?.data[1] === 1
      ) {
        // Of a single channel, [N,H,W,1] and [N,1,H,W] are the same bytes: exporters reshape.
        queue.push({ value: node.outputs[0]!, axes: [0, 3, 1, 2] });
      } else if (PREPROCESSING.has(node.opType)) {
        range = rangeOf(node, graph, flow) ?? range;
        queue.push({ value: node.outputs[0]!, axes });
      }
    }
  }
  return { range };
}

/** Dims of a weight, through the ops that only rename, convert or transpose it. */
function weightDims(graph: OnnxGraph, flow: Dataflow, name: string | undefined): readonly number[] | undefined {
  for (let at = name; at;) {
    const dims = constantOf(graph, flow, at)?.dims;
    if (dims) return dims;
    const node: OnnxNode | undefined = flow.producer.get(at);
    if (!node || !/^(Identity|Cast|DequantizeLinear|QuantizeLinear)$/.test(node.opType)) return undefined;
    at = node.inputs[0];
  }
  return undefined;
}

/** A mean to take away or a deviation to divide by, of pixels in [0, 255] or in [0, 1]. */
function rangeOf(node: OnnxNode, graph: OnnxGraph, flow: Dataflow): InputRole['range'] {
  if (node.opType !== 'Sub' && node.opType !== 'Div') return null;
  const data = constantOf(graph, flow, node.inputs[1])?.data;
  if (!data?.length) return null;
  let largest = -Infinity;
  for (const value of data) largest = Math.max(largest, value);
  return largest > (node.opType === 'Sub' ? 1 : 2) ? 255 : node.opType === 'Sub' && largest > 0 ? 1 : null;
}

const TAILS: Readonly<Record<string, Tail>> = { Softmax: 'softmax', LogSoftmax: 'log-softmax', Sigmoid: 'sigmoid' };

/** Ops that hand the scores on in another shape or type. */
const PASSES = new Set(['Identity', 'Cast', 'Dropout', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Transpose']);

/** Names that settle which of several candidates holds the classes. */
const USUAL = /^(logits?|scores?|prob(s|abilit(y|ies))?|predictions?|class(es)?|output)$/i;

export interface ScoreHints {
  /** The class output, by name. */
  output?: string | undefined;
  /** Number of labels that the file or the caller has. */
  labels?: number | undefined;
}

type Found = Pick<Roles, 'scores' | 'outputs' | 'ask'>;

export function findScores(
  graph: OnnxGraph,
  flow: Dataflow,
  dims: Dims,
  layerOf: (node: OnnxNode) => string | undefined,
  { output, labels }: ScoreHints = {},
): Found {
  const outputs: OutputRole[] = graph.outputs.map(({ name }) => ({ name, shape: dims.get(name) ?? [] }));
  const listed = outputs.map(({ name, shape }) => `'${name}' [${['N', ...shape.slice(1)].join(',')}]`).join(', ');
  const said = readScores(graph.metadata);
  const candidates = outputs.flatMap(({ name }) => scoresOf(name, flow, dims, said) ?? []);
  const complete = (found: Candidate): Found => ({ outputs, scores: withHead(found, graph, flow, dims, layerOf) });
  if (output !== undefined) {
    const named = candidates.find((candidate) => candidate.output === output);
    if (named) return complete(named);
    const there = outputs.some(({ name }) => name === output);
    const why = there ? `its output '${output}' holds no scores of classes` : `it has no output '${output}'`;
    return { outputs, scores: undefined, ask: { message: `the model: ${why}`, remedy: `Its outputs are ${listed}` } };
  }
  // Probabilities beside the logits that they are made of are one and the same.
  const distinct = candidates.filter((c, i) => candidates.findIndex((other) => other.value === c.value) === i);
  const tests: ((candidate: Candidate) => boolean)[] = [
    () => true,
    ({ count }) => count === labels,
    (candidate) => USUAL.test(candidate.output),
  ];
  for (const test of tests) {
    const left = distinct.filter(test);
    if (left.length === 1) return complete(left[0]!);
  }
  const message =
    distinct.length === 0
      ? 'none of the outputs of the model holds one score a class'
      : `${distinct.length} outputs of the model may hold the class scores`;
  const remedy = `Choose one by name (output: '${outputs[0]?.name}', or --output on the command line): ${listed}`;
  return { outputs, scores: undefined, ask: { message, remedy } };
}

type Candidate = Omit<ScoresRole, 'head' | 'features'>;

function scoresOf(output: string, flow: Dataflow, dims: Dims, said: 'multi-label' | undefined): Candidate | undefined {
  let value = output;
  let tail: Tail = 'none';
  for (let at: string | undefined = output; at;) {
    const node: OnnxNode | undefined = flow.producer.get(at);
    at = node?.inputs[0];
    if (!node || !at) break;
    if (TAILS[node.opType]) {
      [tail, value] = [TAILS[node.opType]!, at];
      break;
    }
    if (!PASSES.has(node.opType)) break;
  }
  const shape = dims.get(value);
  const classAxis = shape && classAxisOf(shape);
  if (!shape || classAxis === undefined) return undefined;
  const count = shape.length === 1 ? 1 : shape[classAxis]!;
  const kind = tail === 'softmax' || tail === 'log-softmax' ? 'single-label' : count === 1 ? 'binary' : tail === 'sigmoid' ? 'multi-label' : (said ?? 'single-label'); // prettier-ignore
  if (said && kind === 'single-label') {
    throw new WgradError('invalid-argument', `the output '${output}' ends in a softmax, which makes one class right: it cannot be multi-label`, { remedy: 'Export the model without its softmax' }); // prettier-ignore
  }
  return { output, value, tail, classAxis, count, kind };
}

/** The one axis behind the batch that has an extent; undefined where several have. */
function classAxisOf(shape: readonly number[]): number | undefined {
  if (shape.length === 0) return undefined;
  if (shape.length === 1) return 0;
  const wide = [...shape.keys()].slice(1).filter((axis) => shape[axis]! > 1);
  return wide.length > 1 ? undefined : (wide[0] ?? 1);
}

const LINEAR = new Set(['Gemm', 'MatMul', 'Conv']);

function withHead(
  candidate: Candidate,
  graph: OnnxGraph,
  flow: Dataflow,
  dims: Dims,
  layerOf: (node: OnnxNode) => string | undefined,
): ScoresRole {
  const head = headOf(candidate.value, flow);
  const before = head ? head.inputs[0]! : candidate.value;
  return {
    ...candidate,
    head: head && layerOf(head),
    features: lastMap(before, graph, flow, dims),
  };
}

/** Walks up from the scores to the first linear layer; along what it finds, nothing else may have weights. */
function headOf(value: string, flow: Dataflow): OnnxNode | undefined {
  const queue = [value];
  const seen = new Set(queue);
  for (const at of queue) {
    const node = flow.producer.get(at);
    if (!node || !flow.runtime.has(at)) continue;
    if (LINEAR.has(node.opType)) return node;
    for (const input of dataInputs(node))
      if (flow.runtime.has(input) && !seen.has(input)) {
        seen.add(input);
        queue.push(input);
      }
  }
  return undefined;
}

/**
 * The last value among the ancestors of `value` that is a picture: rank 4, a known channel axis, more than one position.
 * Where it is a mere transposition, what was transposed.
 */
function lastMap(value: string, graph: OnnxGraph, flow: Dataflow, dims: Dims): ScoresRole['features'] {
  const above = new Set<string>([value]);
  for (const at of above)
    for (const input of flow.producer.has(at) ? dataInputs(flow.producer.get(at)!) : [])
      if (flow.runtime.has(input)) above.add(input);
  const channels = channelAxes(graph, flow, dims);
  const positions = (name: string, axis: number) => {
    const shape = dims.get(name)!;
    return shape.length === PICTURE_RANK ? shape.slice(1).reduce((a, b) => a * b, 1) / shape[axis]! : 1;
  };
  let last: string | undefined;
  for (const node of graph.nodes) {
    const name = node.outputs[0]!;
    const axis = channels.get(name);
    if (axis !== undefined && above.has(name) && positions(name, axis) > 1) last = name;
  }
  while (last && flow.producer.get(last)?.opType === 'Transpose') {
    const source: string = flow.producer.get(last)!.inputs[0]!;
    if (!channels.has(source)) break;
    last = source;
  }
  return last === undefined ? undefined : { value: last, channelAxis: channels.get(last)! };
}

/** The axis of the channels of every value that comes from a Conv. */
export function channelAxes(graph: OnnxGraph, flow: Dataflow, dims: Dims): Map<string, number> {
  const axes = new Map<string, number>();
  for (const node of graph.nodes) {
    const [name] = node.outputs as [string];
    const to = dims.get(name);
    if (!to || !flow.runtime.has(name)) continue;
    if (node.opType === 'Conv' || node.opType === 'ConvTranspose') {
      axes.set(name, 1);
      continue;
    }
    for (const [slot, input] of node.inputs.entries()) {
      const axis = axes.get(input);
      const from = dims.get(input);
      if (axis === undefined || !from) continue;
      const constant = (i: number) => constantOf(graph, flow, node.inputs[i]);
      const fate = followAxis({ node, slot, axis, from, to, constant });
      if (typeof fate === 'number') axes.set(name, fate);
      else if (fate === 'joined' && node.opType === 'Concat') axes.set(name, axis);
      else continue;
      break;
    }
  }
  return axes;
}
