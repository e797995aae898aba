/** An ONNX model as a {@link Network}: named parameters on the engine's side, a graph for any batch, a way back. */
import { input, Variable } from '../graph/leaves.ts';
import { labelCount, readPreprocess, type Given } from '../model/metadata.ts';
import type { BuildRequest, BuiltNetwork, Network, NetworkInput, NetworkParameter, NewHead } from '../model/network.ts';
import { WgradError } from '../errors.ts';
import { printPreprocess } from '../image/preprocess_spec.ts';
import type { InputRole, Roles } from '../model/roles.ts';
import type { Tensor } from '../graph/tensor.ts';
import { concat } from '../ops/concat.ts';
import { slice } from '../ops/slice.ts';
import { openBatch } from './batch.ts';
import { buildGraph } from './build.ts';
import { alwaysByBatch, modeWarnings, type BatchNormChoice } from './batch_statistics.ts';
import { dataflow, type Dataflow } from './dataflow.ts';
import { decodeOnnx, type DecodeOptions } from './decode.ts';
import { findHead, withHead } from './head.ts';
import { layerTree, resolveName, type Layer, type LayerTree } from './layers.ts';
import { SUPPORTED_OPS } from './ops/index.ts';
import { Pace } from '../pace.ts';
import { storedParameters } from './parameters.ts';
import { channelAxes, findInput, findScores, type Dims } from './roles.ts';
import type { OnnxGraph, OnnxNode, OnnxTensor } from './types.ts';

/** What the caller knows of the model goes before the file's metadata, and into files that it is saved to. */
export interface ImportOptions extends DecodeOptions, Given {
  /** What a BatchNormalization in training mode normalises by; default `file`, which is the batch. */
  batchNorm?: BatchNormChoice;
}

/**
 * Reads an ONNX model. Nothing touches a device: `new Model(engine, network)` does.
 *
 * @throws WgradError 'onnx-parse', 'onnx-invalid', 'onnx-unsupported' (listing every unsupported op with its nodes),
 *   'onnx-external-data', 'not-finite' naming a parameter that holds NaN or infinity; AbortError through
 *   `options.signal`.
 */
export async function importOnnx(bytes: Uint8Array, options: ImportOptions = {}): Promise<OnnxNetwork> {
  const decoded = await decodeOnnx(bytes, { supported: SUPPORTED_OPS, ...options });
  const metadata = new Map([...decoded.metadata, ...known(options)]);
  const pace = new Pace(options.signal);
  const network = new OnnxNetwork(storedParameters({ ...decoded, metadata }), options);
  for (const { name, variable } of network.parameters.values()) {
    await pace.next();
    if (allFinite(variable.initial)) continue;
    throw new WgradError('not-finite', `${options.source ?? 'model'}: the parameter ${name} holds NaN or infinity`, {
      remedy: 'Export the model again from a sound checkpoint',
    });
  }
  return network;
}

function* known({ labels, preprocess }: ImportOptions): Iterable<[string, string]> {
  if (labels) yield ['labels', JSON.stringify(labels)];
  if (preprocess) yield ['preprocess', printPreprocess(preprocess)];
}

function allFinite(values: Float32Array): boolean {
  // NaN and infinities alone are not 0 when taken from themselves.
  for (let i = 0; i < values.length; i++) if (values[i]! - values[i]! !== 0) return false;
  return true;
}

interface Found {
  roles: Roles;
  /** Shapes of all values at the default picture size. */
  dims: Dims;
  flow: Dataflow;
  /** The graph for batches that the file does not state. */
  anyBatch: OnnxGraph;
  /** The only batch that it can be built for, and the node that is in the way of others. */
  fixed: { batch: number; node: OnnxNode } | undefined;
}

export class OnnxNetwork implements Network {
  readonly inputs: readonly NetworkInput[];
  readonly outputs: readonly string[];
  private tree: LayerTree;
  private variables = new Map<string, NetworkParameter>();
  /** What each variable was made from: the head is replaced by replacing initialisers. */
  private readonly sources = new WeakMap<Variable, OnnxTensor['data']>();
  private readonly layerOfNode = new Map<OnnxNode, string>();
  /** What the file says that one should know of. */
  readonly warnings: readonly string[];

  private found: Found | undefined;
  private picture: Omit<InputRole, 'size'> | undefined;

  constructor(
    private graph: OnnxGraph,
    readonly given: Given & Pick<ImportOptions, 'batchNorm'> = {},
  ) {
    if (graph.inputs.length === 0) throw new WgradError('onnx-invalid', 'the model takes no input');
    this.inputs = graph.inputs.map(({ name, dims }) => ({
      name,
      shape: (dims ?? []).map((dim) => (typeof dim === 'number' ? dim : null)),
    }));
    this.outputs = graph.outputs.map((output) => output.name);
    this.warnings = modeWarnings(graph, this.batchNorm);
    this.picture = findInput(graph, dataflow(graph));
    this.tree = layerTree(graph);
    this.readLayers();
  }

  private get batchNorm(): BatchNormChoice {
    return this.given.batchNorm ?? 'file';
  }

  /** The decoded file, for tools that look deeper. */
  get ir(): OnnxGraph {
    return this.graph;
  }

  get root(): Layer {
    return this.tree.root;
  }

  get parameters(): ReadonlyMap<string, NetworkParameter> {
    return this.variables;
  }

  get roles(): Roles {
    return this.find().roles;
  }

  channelAxis(name: string): number {
    const { dims, flow } = this.find();
    return channelAxes(this.graph, flow, dims).get(this.resolve(name)) ?? 1;
  }

  /** Builds the graph once, for its shapes. @throws WgradError where it cannot be built at its own picture size. */
  private find(output = this.given.output): Found {
    if (this.found) return this.found;
    const { graph, given, metadata, picture } = this;
    const flow = dataflow(graph);
    const crop = readPreprocess(metadata, given, picture?.channels ?? 3, () => undefined)?.crop ?? DEFAULT_SIDE;
    const size = given.size ?? ([picture?.height ?? crop, picture?.width ?? crop] as const);
    const { batch, dims } = this.shapes(size);
    const opened =
      picture && (picture.batch !== null || batch !== PROBE_BATCH)
        ? openBatch(graph, flow, dims, picture.name)
        : { graph };
    const fixed = 'blockedBy' in opened ? { batch, node: opened.blockedBy } : undefined;
    const hints = { output, labels: labelCount(metadata, given) };
    const scores = findScores(graph, flow, dims, (node) => this.layerOfNode.get(node), hints);
    const fixedBy = fixed && { batchFixedBy: `node '${fixed.node.name}' (${fixed.node.opType})` };
    const roles: Roles = { input: picture && { ...picture, size, ...fixedBy }, ...scores };
    return (this.found = { roles, dims, flow, fixed, anyBatch: 'graph' in opened ? opened.graph : graph });
  }

  /** Dims of all values at the file's batch; where that is open, at one that can be told from axes of extent 1. */
  private shapes([height, width]: readonly [number, number]): { batch: number; dims: Dims } {
    const { picture } = this;
    const at = (batch: number) => {
      const { channels = 3 } = picture ?? {};
      const extents = picture?.layout === 'nhwc' ? [height, width, channels] : [channels, height, width];
      const inputs = this.inputs.map(({ name, shape }) => {
        const open = shape.map((dim, i) => dim ?? (i === 0 ? batch : 1));
        return [name, input(name, name === picture?.name ? [batch, ...extents] : open)];
      });
      const { values } = this.buildFrom(this.graph, { inputs: Object.fromEntries(inputs) });
      return { batch, dims: new Map([...values].map(([name, tensor]) => [name, tensor.shape])) };
    };
    if (picture?.batch) return at(picture.batch);
    try {
      return at(PROBE_BATCH);
    } catch (error) {
      // Some exports leave the batch open and write 1 into their reshapes all the same.
      try {
        return at(1);
      } catch {
        if (!(error instanceof WgradError) || this.given.size || (picture?.height && picture.width)) throw error;
        throw new WgradError(error.code, `pictures of ${height} x ${width}: ${error.message}`, {
          remedy: 'The file leaves the size open: give it as size: [height, width], or --size H,W',
          cause: error,
        });
      }
    }
  }

  get metadata(): ReadonlyMap<string, string> {
    return this.graph.metadata;
  }

  /** Takes variables over where the initialiser is still the same. */
  private readLayers(): void {
    const before = this.variables;
    this.variables = new Map();
    this.layerOfNode.clear();
    for (const layer of this.tree.layers.values())
      for (const node of layer.nodes) this.layerOfNode.set(node, layer.name);
    for (const info of this.tree.parameters.values()) {
      const tensor = this.graph.initializers.get(info.name)!;
      const known = before.get(info.name);
      const variable =
        known && this.sources.get(known.variable) === tensor.data ? known.variable : toVariable(info.name, tensor);
      this.sources.set(variable, tensor.data);
      const layer = this.layerOfNode.get(info.node) ?? '';
      this.variables.set(info.name, { name: info.name, variable, trainable: info.trainable, layer });
    }
  }

  build(request: BuildRequest): BuiltNetwork {
    const { picture } = this;
    const x = picture && request.inputs[picture.name];
    if (!x || x.shape[0] === picture.batch) return this.buildFrom(this.graph, request);
    if (picture.batch === null) {
      try {
        return this.buildFrom(this.graph, request);
      } catch (error) {
        // An open batch that the graph does not keep to is found by its shapes.
        const { anyBatch, fixed } = this.find();
        if (!fixed && anyBatch === this.graph) throw error;
      }
    }
    // The batch in the file is a default.
    const { anyBatch, fixed } = this.find();
    return fixed ? this.inParts(request, picture.name, x, fixed.batch) : this.buildFrom(anyBatch, request);
  }

  /** Where the graph is made for one batch only: once for each part of the pictures, results side by side. */
  private inParts(request: BuildRequest, name: string, x: Tensor, batch: number): BuiltNetwork {
    const count = x.shape[0]! / batch;
    if (!Number.isInteger(count)) {
      throw new WgradError(
        'shape',
        `the file is made for batches of ${batch}: ${x.shape[0]} pictures are no multiple`,
        {
          remedy: `Give pictures by ${batch}, or export the model with an open batch axis`,
        },
      );
    }
    const parts = Array.from({ length: count }, (_, i) => {
      const part = slice(x, [i * batch, ...x.shape.slice(1).map(() => 0)], [batch, ...x.shape.slice(1)]);
      return this.buildFrom(this.graph, { ...request, inputs: { ...request.inputs, [name]: part } });
    });
    const joined = (pick: (part: BuiltNetwork) => Tensor): Tensor => {
      const tensors = parts.map(pick);
      // Parameters, and values that do not depend on the picture, are one tensor in all parts.
      return tensors.every((t) => t === tensors[0]) || tensors[0]!.rank === 0 ? tensors[0]! : concat(tensors, 0);
    };
    const [first] = parts as [BuiltNetwork];
    return {
      outputs: Object.fromEntries(this.outputs.map((output) => [output, joined((part) => part.outputs[output]!)])),
      values: new Map([...first.values.keys()].map((value) => [value, joined((part) => part.values.get(value)!)])),
      updates: parts.flatMap((part) => part.updates),
    };
  }

  private buildFrom(graph: OnnxGraph, request: BuildRequest): BuiltNetwork {
    const byBatch = alwaysByBatch(this.graph, this.batchNorm);
    const { values, updates } = buildGraph(graph, {
      inputs: request.inputs,
      parameters: new Map([...this.variables].map(([name, p]) => [name, p.variable.tensor])),
      batchNorm: (node) => {
        const parameters = node.inputs.slice(1).filter((name) => this.variables.has(name));
        const train = request.trainBatchNorm?.(this.layerOfNode.get(node) ?? '', parameters) ?? false;
        return { useBatch: train || byBatch.has(node), moveRunning: train };
      },
    });
    return { outputs: Object.fromEntries(this.outputs.map((name) => [name, values.get(name)!])), values, updates };
  }

  resolve(name: string): string {
    const found = resolveName(this.graph, this.tree, name);
    // A parameter is a value of the graph too: its variable's tensor.
    return found.value ?? found.name;
  }

  perClass(layer: string): string[] {
    return this.headOf(layer).perClass.map(({ name }) => name);
  }

  private headOf(layer: string) {
    const found = resolveName(this.graph, this.tree, layer);
    if (found.kind !== 'layer') throw new WgradError('unknown-name', `'${layer}' is a ${found.kind}, not a layer`);
    return findHead(this.graph, found.layer, this.find().dims);
  }

  replaceHead(layer: string, next: NewHead): void {
    const output = this.roles.scores?.output;
    const { graph, tree, found } = this;
    const head = this.headOf(layer);
    this.graph = withHead(graph, head, next);
    this.tree = layerTree(this.graph);
    this.found = undefined;
    try {
      this.readLayers();
      const { scores } = this.find(output).roles;
      if (output !== undefined && scores?.count !== next.classes)
        throw new WgradError('onnx-unsupported', `the output '${output}' does not follow layer '${layer}'`);
    } catch (cause) {
      [this.graph, this.tree, this.found] = [graph, tree, found];
      this.readLayers();
      const reason = (cause as Error).message;
      throw new WgradError(
        'onnx-unsupported',
        `the head '${layer}' cannot be made for ${next.classes} classes: ${reason}`,
        {
          remedy: 'Export the model with the number of classes that is needed',
          cause,
        },
      );
    }
  }

  /** The exporter is loaded on first use: a page that never saves does not download it. */
  async save(values: ReadonlyMap<string, Float32Array>, metadata: ReadonlyMap<string, string>): Promise<Uint8Array> {
    const { encodeOnnx } = await import('./export.ts');
    return encodeOnnx(this.graph, { values, metadata });
  }
}

/** Where neither the file nor its preprocessing says how large a picture is. */
const DEFAULT_SIDE = 224;

/** Tells the batch from axes of extent 1. */
const PROBE_BATCH = 2;

/** Convolution weights are kept channels-last on the device. */
function toVariable(name: string, { dims, data }: OnnxTensor): Variable {
  const values = data instanceof Float32Array ? data : Float32Array.from(data);
  return new Variable(name, dims, values, dims.length === 4 ? 'hwio' : 'row');
}
