/** ONNX bytes -> {@link OnnxGraph}: decoded, complete, in topological order, or one error that lists what is wrong. */
import type { IAttributeProto, IGraphProto, IModelProto, INodeProto, IValueInfoProto } from './proto.ts';
import { WgradError } from '../errors.ts';
import { MAX_NODES } from './budget.ts';
import { ExternalFiles } from './external.ts';
import { Pace } from '../pace.ts';
import { int, isExternal, readTensor } from './tensor.ts';
import { parseModel } from './proto.ts';
import { dtypeOfCode, OPSET_MAX, OPSET_MIN } from './types.ts';
import type { ExternalDataResolver, OnnxAttribute, OnnxGraph, OnnxNode, OnnxTensor, OnnxValueInfo } from './types.ts';
import { validate } from './validate.ts';

export interface DecodeOptions {
  /** The file's name or URL, for messages. */
  source?: string;
  /** Where external data is read from; without it a model that has any is refused. */
  external?: ExternalDataResolver;
  signal?: AbortSignal;
  /** The ops that the importer takes, as `opKey` writes them; nodes of others are listed in an 'onnx-unsupported' error. */
  supported?: (graph: OnnxGraph) => Promise<ReadonlySet<string>>;
}

/**
 * @throws 'onnx-parse' (not a model), 'onnx-invalid' (a contradictory model), 'onnx-unsupported' (ops, data types or
 *   operator sets that are not read), 'onnx-external-data'. Problems of the graph come as one error that lists all.
 */
export async function decodeOnnx(bytes: Uint8Array, options: DecodeOptions = {}): Promise<OnnxGraph> {
  const source = options.source ?? 'model';
  const pace = new Pace(options.signal);
  await pace.next();
  const model = parseModel(bytes, source);
  const graph = model.graph!;
  const opset = standardOpset(model, source);
  const count = graph.node?.length ?? 0;
  if (count > MAX_NODES)
    throw new WgradError('onnx-invalid', `${source}: ${count} nodes; at most ${MAX_NODES} are read`);

  const problems: string[] = [];
  const initializers = await readInitializers(graph, source, options, pace, problems);
  const nodes: OnnxNode[] = [];
  for (const [index, node] of (graph.node ?? []).entries()) {
    await pace.next();
    nodes.push(readNode(node, index, source, problems));
  }
  const inputs = (graph.input ?? []).map((info) => readValueInfo(info, source));
  const outputs = (graph.output ?? []).map((info) => readValueInfo(info, source));
  const draft: OnnxGraph = {
    name: graph.name ?? '',
    irVersion: int(model.irVersion),
    producer: model.producerName ?? '',
    opset,
    nodes: uniquelyNamed(nodes),
    initializers,
    inputs: inputs.filter((input) => !initializers.has(input.name)),
    outputs,
    metadata: new Map((model.metadataProps ?? []).map((entry) => [entry.key ?? '', entry.value ?? ''])),
  };
  await pace.next();
  return validate(draft, source, problems, await options.supported?.(draft));
}

async function readInitializers(
  graph: IGraphProto,
  source: string,
  options: DecodeOptions,
  pace: Pace,
  problems: string[],
): Promise<Map<string, OnnxTensor>> {
  const initializers = new Map<string, OnnxTensor>();
  const files = new ExternalFiles(options.external);
  if (graph.sparseInitializer?.length) problems.push(`${graph.sparseInitializer.length} sparse initialisers`);
  for (const tensor of graph.initializer ?? []) {
    await pace.next();
    const name = tensor.name ?? '';
    const what = `${source}: initialiser '${name}'`;
    if (!name) problems.push('an initialiser without a name');
    if (initializers.has(name)) problems.push(`initialiser '${name}' is given twice`);
    else initializers.set(name, isExternal(tensor) ? await files.read(tensor, what) : readTensor(tensor, what));
  }
  return initializers;
}

function standardOpset(model: IModelProto, source: string): number {
  const standard = model.opsetImport!.find((entry) => !entry.domain || entry.domain === 'ai.onnx');
  const opset = int(standard?.version);
  if (!standard || !(opset >= OPSET_MIN && opset <= OPSET_MAX))
    throw new WgradError('onnx-unsupported', `${source}: operator set ${standard ? opset : 'ai.onnx is missing'}`, {
      remedy: `Export with an operator set from ${OPSET_MIN} to ${OPSET_MAX}`,
    });
  return opset;
}

function readNode(node: INodeProto, index: number, source: string, problems: string[]): OnnxNode {
  const opType = node.opType ?? '';
  const name = node.name || `${opType}_${index}`;
  const attributes = new Map<string, OnnxAttribute>();
  for (const attribute of node.attribute ?? []) {
    const key = attribute.name ?? '';
    if (attributes.has(key)) problems.push(`node '${name}' (${opType}): attribute '${key}' is given twice`);
    attributes.set(key, readAttribute(attribute, name, source));
  }
  return {
    name,
    opType,
    domain: node.domain && node.domain !== 'ai.onnx' ? node.domain : '',
    inputs: node.input ?? [],
    outputs: node.output ?? [],
    attributes,
  };
}

/** Files repeat node names (the standard only asks that they do not); a later one gets its output's name appended. */
function uniquelyNamed(nodes: OnnxNode[]): OnnxNode[] {
  const seen = new Set<string>();
  return nodes.map((node, index) => {
    let name = node.name;
    if (seen.has(name)) name = `${name}#${index}`;
    seen.add(name);
    return name === node.name ? node : { ...node, name };
  });
}

const text = new TextDecoder();

function readAttribute(a: IAttributeProto, node: string, source: string): OnnxAttribute {
  switch (a.type || guessAttributeType(a)) {
    case 1:
      return { type: 'float', value: a.f ?? 0 };
    case 2:
      return { type: 'int', value: int(a.i) };
    case 3:
      return { type: 'string', value: text.decode(a.s ?? new Uint8Array()) };
    case 4:
      if (!a.t) throw new WgradError('onnx-invalid', `${source}: node '${node}': attribute '${a.name}' has no tensor`);
      return { type: 'tensor', value: readTensor(a.t, `${source}: node '${node}', attribute '${a.name}'`) };
    case 6:
      return { type: 'floats', value: a.floats ?? [] };
    case 7:
      return { type: 'ints', value: (a.ints ?? []).map(int) };
    case 8:
      return { type: 'strings', value: (a.strings ?? []).map((entry) => text.decode(entry)) };
    default:
      return { type: 'other', value: null };
  }
}

/** The first files had no `type`: it follows from the field that is filled. */
function guessAttributeType(a: IAttributeProto): number {
  if (a.ints?.length) return 7;
  if (a.floats?.length) return 6;
  if (a.strings?.length) return 8;
  if (a.t) return 4;
  if (Object.hasOwn(a, 's')) return 3;
  if (Object.hasOwn(a, 'f')) return 1;
  return Object.hasOwn(a, 'i') ? 2 : 0;
}

function readValueInfo(info: IValueInfoProto, source: string): OnnxValueInfo {
  const name = info.name ?? '';
  const tensor = info.type?.tensorType;
  const dtype = tensor && dtypeOfCode(tensor.elemType ?? 0);
  if (!dtype) throw new WgradError('onnx-unsupported', `${source}: '${name}' is not a tensor of numbers`);
  const dims = tensor.shape
    ? (tensor.shape.dim ?? []).map((dim) => (Object.hasOwn(dim, 'dimValue') ? int(dim.dimValue) : (dim.dimParam ?? '')))
    : null;
  // A dimension of 0 or -1 is how some exporters write "unknown".
  return { name, dtype, dims: dims && dims.map((dim) => (typeof dim === 'number' && dim <= 0 ? '' : dim)) };
}
