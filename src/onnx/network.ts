/** An ONNX model as a {@link Network}: named parameters on the engine's side, a graph for any batch, a way back. */
import { Variable } from '../graph/leaves.ts';
import type { Given } from '../model/metadata.ts';
import type {
  BuildRequest,
  BuiltNetwork,
  Network,
  NetworkInput,
  NetworkParameter,
  NewHead,
  SaveForm,
} from '../model/network.ts';
import { WgradError } from '../errors.ts';
import { printPreprocess } from '../image/preprocess_spec.ts';
import type { InputRole, Roles } from '../model/roles.ts';
import { HALF_MAX } from '../formats/half.ts';
import { atOnce, Pace, type Pieces } from '../pace.ts';
import { attrInt } from './attributes.ts';
import { alwaysByBatch, modeWarnings, type BatchNormChoice } from './batch_statistics.ts';
import { buildGraph } from './build.ts';
import type { DecodeOptions } from './decode.ts';
import { findHead, withHead } from './head.ts';
import { layerTree, resolveName, type Layer, type LayerTree } from './layers.ts';
import { opsFor } from './ops/index.ts';
import { storedParameters } from './parameters.ts';
import { inParts } from './parts.ts';
import { probe, type Probed } from './probe.ts';
import type { ParameterInfo } from './parameters.ts';
import { floatsOf, Reread, total } from './reread.ts';
import { channelAxes, findInput } from './roles.ts';
import type { OnnxGraph, OnnxNode, OnnxTensor } from './types.ts';

/** What the caller knows of the model goes before the file's metadata, and into files that it is saved to. */
export interface ImportOptions extends DecodeOptions, Given {
  /** What a BatchNormalization in training mode normalises by; default `file`, which is the batch. */
  batchNorm?: BatchNormChoice;
  /**
   * 'f16': weights of convolutions are stored as half floats, rounded to nearest, in half the memory; they are frozen
   * until `model.unfreeze()` gives them full precision. Sums are in full precision always. Default 'f32'.
   */
  weights?: 'f32' | 'f16';
  /**
   * Brings the file's bytes once more. With it the host lets go of the parameters when they are on a device, and reads
   * them again after a loss of the device or for another engine. Default: a copy of them stays.
   */
  again?: () => Promise<Uint8Array>;
}

/**
 * Reads an ONNX model. Nothing touches a device: `new Model(engine, network)` does.
 *
 * @throws WgradError 'onnx-parse', 'onnx-invalid', 'onnx-unsupported' (listing every unsupported op with its nodes),
 *   'onnx-external-data', 'not-finite' naming a parameter that holds NaN or infinity; AbortError through
 *   `options.signal`.
 */
export async function importOnnx(bytes: Uint8Array, options: ImportOptions = {}): Promise<OnnxNetwork> {
  const { labels, preprocess, output, size, batchNorm = 'file', weights = 'f32', external, again, signal } = options;
  const source = options.source ?? 'model';
  const { decodeOnnx } = await import('./decode.ts');
  const from = { supported: opsFor, source, ...(external && { external }) };
  const pace = new Pace(signal);
  const graph = await stored(await decodeOnnx(bytes, { ...from, ...(signal && { signal }) }), pace, known(options));
  const reread =
    again &&
    new Reread(source, async () => (await stored(await decodeOnnx(await again(), from), new Pace())).initializers);
  const given = { labels, preprocess, output, size, batchNorm, weights };
  const network = new OnnxNetwork(graph, given, await pace.through(layerTree(graph)), reread);
  for (const { name, variable } of network.parameters.values()) {
    await pace.next();
    const sum = total(variable.initial);
    reread?.expect(name, sum);
    if (Number.isFinite(sum)) continue;
    throw new WgradError('not-finite', `${source}: the parameter ${name} holds NaN or infinity`, {
      remedy: 'Export the model again from a sound checkpoint',
    });
  }
  await pace.through(network.prepare());
  return network;
}

/** With every parameter in an initialiser of its own, and what the caller knows. */
function stored(decoded: OnnxGraph, pace: Pace, more: Iterable<[string, string]> = []): Promise<OnnxGraph> {
  return pace.through(storedParameters({ ...decoded, metadata: new Map([...decoded.metadata, ...more]) }));
}

function* known({ labels, preprocess, scores }: ImportOptions): Iterable<[string, string]> {
  if (labels) yield ['labels', JSON.stringify(labels)];
  if (preprocess) yield ['preprocess', printPreprocess(preprocess)];
  if (scores) yield ['scores', scores];
}

/** An ONNX file as a network: its graph, parameters and what its parts are for. */
export class OnnxNetwork implements Network {
  /** A network from a graph of your own; the constructor is enough where its ops are those of a plain ResNet. */
  static async of(
    graph: OnnxGraph,
    given: Given & Pick<ImportOptions, 'batchNorm' | 'weights'> = {},
  ): Promise<OnnxNetwork> {
    await opsFor(graph);
    return new OnnxNetwork(graph, given);
  }

  readonly inputs: readonly NetworkInput[];
  readonly outputs: readonly string[];
  private variables = new Map<string, NetworkParameter>();
  /** By the initialiser that stands for it: the head is replaced by replacing initialisers. */
  private readonly made = new WeakMap<OnnxTensor, Variable>();
  private readonly layerOfNode = new Map<OnnxNode, string>();
  /** What the file says that one should know of. */
  readonly warnings: readonly string[];

  private found: Probed | undefined;
  private picture: Omit<InputRole, 'size'> | undefined;

  constructor(
    private graph: OnnxGraph,
    readonly given: Given & Pick<ImportOptions, 'batchNorm' | 'weights'> = {},
    private tree: LayerTree = atOnce(layerTree(graph)),
    reread?: Reread,
  ) {
    if (graph.inputs.length === 0) throw new WgradError('onnx-invalid', 'the model takes no input');
    this.inputs = graph.inputs.map(({ name, dims }) => ({
      name,
      shape: (dims ?? []).map((dim) => (typeof dim === 'number' ? dim : null)),
    }));
    this.outputs = graph.outputs.map((output) => output.name);
    this.warnings = modeWarnings(graph, this.batchNorm);
    this.picture = findInput(graph, tree.flow);
    this.readLayers(reread);
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
    return channelAxes(this.graph, this.tree.flow, this.find().dims).get(this.resolve(name)) ?? 1;
  }

  /** What a build of the graph tells: once for each head. @throws as {@link probe}. */
  private find(output = this.given.output): Probed {
    return this.found ?? atOnce(this.findIn(output));
  }

  /**
   * Does in pieces what the roles need, so that nothing is left to be done at once. What cannot be built says so when it
   * is asked for.
   */
  *prepare(): Pieces<void> {
    try {
      yield* this.findIn();
    } catch (error) {
      if (!(error instanceof WgradError)) throw error;
    }
  }

  private *findIn(output = this.given.output): Pieces<Probed> {
    const { graph, given, picture, tree } = this;
    const layerOf = (node: OnnxNode) => this.layerOfNode.get(node);
    const build = (inputs: BuildRequest['inputs']) => this.buildFrom(this.graph, { inputs });
    return (this.found = yield* probe({ graph, flow: tree.flow, given, picture, layerOf, build }, output));
  }

  get metadata(): ReadonlyMap<string, string> {
    return this.graph.metadata;
  }

  /** Takes variables over where the initialiser is still the same. Values are then held by the variables alone. */
  private readLayers(reread?: Reread): void {
    const initializers = new Map<string, OnnxTensor>(this.graph.initializers);
    this.variables = new Map();
    this.layerOfNode.clear();
    for (const layer of this.tree.layers.values())
      for (const node of layer.nodes) this.layerOfNode.set(node, layer.name);
    for (const info of this.tree.parameters.values()) {
      const tensor = initializers.get(info.name)!;
      let variable = this.made.get(tensor);
      if (!variable) {
        variable = toVariable(info.name, tensor, reread, this.given.weights === 'f16' && isPlainConv(info));
        const held = heldBy(() => this.made.get(held)!, tensor);
        this.made.set(held, variable);
        initializers.set(info.name, held);
      }
      const layer = this.layerOfNode.get(info.node) ?? '';
      this.variables.set(info.name, { name: info.name, variable, trainable: info.trainable, layer });
    }
    this.graph = { ...this.graph, initializers };
  }

  /** The network's graph on a given input. */
  build(request: BuildRequest): BuiltNetwork {
    const { picture } = this;
    const x = picture && request.inputs[picture.name];
    if (!x || x.shape[0] === picture.batch) return atOnce(this.buildFrom(this.graph, request));
    if (picture.batch === null) {
      try {
        return atOnce(this.buildFrom(this.graph, request));
      } catch (error) {
        // An open batch that the graph does not keep to is found by its shapes.
        const { anyBatch, fixed } = this.find();
        if (!fixed && anyBatch === this.graph) throw error;
      }
    }
    // The batch in the file is a default.
    const { anyBatch, fixed } = this.find();
    if (!fixed) return atOnce(this.buildFrom(anyBatch, request));
    return inParts(x, fixed.batch, (part) =>
      atOnce(this.buildFrom(this.graph, { ...request, inputs: { ...request.inputs, [picture.name]: part } })),
    );
  }

  private *buildFrom(graph: OnnxGraph, request: BuildRequest): Pieces<BuiltNetwork> {
    const byBatch = alwaysByBatch(this.graph, this.batchNorm);
    const { values, updates } = yield* buildGraph(graph, {
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

  substitute(name: string, variable: Variable): void {
    this.variables.set(name, { ...this.variables.get(name)!, variable });
    this.made.set(this.graph.initializers.get(name)!, variable);
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
    this.tree = atOnce(layerTree(this.graph));
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
  async save(
    values: ReadonlyMap<string, Float32Array>,
    metadata: ReadonlyMap<string, string>,
    { foldBatchNorm, weights }: SaveForm = {},
  ): Promise<Uint8Array> {
    const [{ encodeOnnx }, forms] = await Promise.all([import('./export.ts'), import('./saved_forms.ts')]);
    const given = { graph: this.graph, values };
    const folded = foldBatchNorm ? forms.foldBatchNorm(given) : given;
    if (weights !== 'float16') return encodeOnnx(folded.graph, { values: folded.values, metadata });
    const { graph, ...half } = forms.halfWeights(folded);
    return encodeOnnx(graph, { ...half, metadata });
  }
}

/** Convolution weights are kept channels-last on the device. */
function toVariable(name: string, tensor: OnnxTensor, reread: Reread | undefined, half: boolean): Variable {
  const { dims } = tensor;
  const again = reread && (() => reread.values(name, dims));
  const values = floatsOf(tensor);
  const fits = half && values.every((v) => Math.abs(v) <= HALF_MAX);
  return new Variable(name, dims, values, dims.length === 4 ? 'hwio' : 'row', again, fits);
}

/** A weight that convolution kernels read as half floats where it is stored so. */
const isPlainConv = ({ node, slot, dims }: ParameterInfo): boolean =>
  node.opType === 'Conv' &&
  slot === 1 &&
  dims.length === 4 &&
  attrInt(node, 'group', 1) === 1 &&
  dims[0]! % 4 === 0 &&
  dims[1]! % 4 === 0;

/** The initialiser of a variable, which alone has the values: they go when it lets go of them. */
function heldBy(variable: () => Variable, { dims, dtype }: OnnxTensor): OnnxTensor {
  return {
    dims,
    dtype,
    get data() {
      return variable().initial as Float32Array<ArrayBuffer>;
    },
  };
}
