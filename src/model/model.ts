/**
 * A network on an engine: named parameters, which of them are trainable, the mode of its BatchNorm layers, and its
 * head. Graphs for inference, training, explanation and ascent all come from {@link Model.graph}.
 */
import type { Engine } from '../engine.ts';
import { WgradError } from '../errors.ts';
import { input, Variable } from '../graph/leaves.ts';
import { rangeOf } from '../gpu/buffer_range.ts';
import { show, sizeOf } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Preprocess } from '../image/preprocess_spec.ts';
import type { RunOptions as ProgramRunOptions } from '../plan/program.ts';
import { describeNetwork, type Description } from './describe.ts';
import { modelGraph, type GraphOptions, type ModelGraph } from './graph.ts';
import { headFor, headWeights, type HeadChange } from './head.ts';
import { abortSignal, choice, custom, flag, readOptions } from '../options.ts';
import type { Network, NetworkParameter, NewHead, SaveForm } from './network.ts';
import { Programs } from './programs.ts';
import { ranking, type ClassScore } from './ranking.ts';
import type { PictureOptions, PictureSource } from './pictures.ts';
import { classesOf, predictedClass, requirePicture, requireScores, type Roles } from './roles.ts';
import { Trainable, type BatchNormMode } from './trainable.ts';

export type { ClassScore } from './ranking.ts';
export type { BatchNormMode } from './trainable.ts';
export type { FeatureMap, GraphOptions, ModelGraph } from './graph.ts';

/** Options of {@link Model.run}. */
export interface RunOptions extends ProgramRunOptions {
  /** Shape [C,H,W] of each picture; default {@link Model.pictureShape}. */
  shape?: readonly [number, number, number];
}

/** Options of {@link Model.saveOnnx}. */
export interface SaveOptions extends ProgramRunOptions, SaveForm {
  /** Entries of the file's metadata beside labels and preprocessing, such as a record of the training. */
  metadata?: Readonly<Record<string, string>> | undefined;
}

const saveOptions = {
  foldBatchNorm: flag(false, 'one convolution in the place of each and the BatchNorm behind it'),
  weights: choice(['float32', 'float16'], 'float32', 'in which weights are stored'),
  metadata: custom<Readonly<Record<string, string>>>(
    'entries of the metadata',
    'an object of texts',
    (v) => typeof v === 'object' && v !== null && Object.values(v).every((text) => typeof text === 'string'),
  ),
  signal: abortSignal(),
};

/**
 * Pictures [N,C,H,W] as values of the model's input space, row-major float32: on the host, or in a buffer of the engine's
 * device (COPY_SRC; a part as `{ buffer, offset, size }`), which the call copies there.
 */
export type ModelInput = Float32Array | GPUBuffer | GPUBufferBinding;

/** The network's outputs by name; `logits` [N, classes] and `probabilities` are always there for a classifier. */
export type ModelOutputs = Record<string, Float32Array> & { logits: Float32Array; probabilities: Float32Array };

/** {@link ModelOutputs} that stay on the device; each buffer is the caller's to destroy. */
export type ModelBuffers = Record<string, GPUBuffer> & { logits: GPUBuffer; probabilities: GPUBuffer };

/** A network with its parameters on the device: run it, choose what is trained, change its head, save it. */
export class Model {
  private readonly training: Trainable;
  private readonly programs: Programs;
  private disposed = false;
  private heads = 0;
  /** Names that replaced the file's, with a new head. */
  private replaced: { labels: readonly string[] | undefined } | undefined;
  private described: Description | undefined;

  constructor(
    readonly engine: Engine,
    readonly network: Network,
  ) {
    this.training = new Trainable(network);
    this.programs = new Programs(engine, (shape) => this.outputsFor(shape));
  }

  /** How often the head was replaced or parameters got full precision: what was compiled before is of another network. */
  get revision(): number {
    return this.heads;
  }

  private check(): void {
    if (this.disposed) {
      throw new WgradError('disposed', 'the model was disposed of', { remedy: 'Load it again' });
    }
  }

  /** What the network's parts are for: input layout, class output, tail, head. */
  get roles(): Roles {
    return this.network.roles;
  }

  /** What was found amiss in the file and is gone on without, such as labels that cannot be read. */
  get warnings(): readonly string[] {
    return this.describe().warnings;
  }

  /** Once the number of classes is known. */
  private describe(): Description {
    return (this.described ??= describeNetwork(this.network));
  }

  /** Class names in the order of the classes, where the file, the caller or the head gives them. */
  get labels(): readonly string[] | undefined {
    return (this.replaced ?? this.describe()).labels;
  }

  /** How pictures become input, where the file says so or normalises them itself. */
  get preprocess(): Preprocess | undefined {
    return this.describe().preprocess;
  }

  /** @throws WgradError 'invalid-argument' where the network takes no picture. */
  get inputName(): string {
    return requirePicture(this.roles).name;
  }

  /** [C, H, W] of one picture: the size asked for at loading, else the file's, else the preprocessing's crop, else 224. */
  get pictureShape(): [number, number, number] {
    const { channels, size } = requirePicture(this.roles);
    return [channels, ...size];
  }

  /** Number of classes: of the scores, or 2 for a binary classifier with one. @throws as {@link ModelGraph.logits}. */
  get classes(): number {
    return classesOf(requireScores(this.roles));
  }

  /** The parameter of this name in the file. @throws WgradError 'unknown-name'. */
  parameter(name: string): NetworkParameter {
    const found = this.network.parameters.get(name);
    if (!found) {
      throw new WgradError('unknown-name', `the model has no parameter ${name}`, { remedy: 'See `wgrad info MODEL`' });
    }
    return found;
  }

  /** Stops training of the parameters that match; of all without a pattern. Frozen ones keep their bits. */
  freeze(...patterns: string[]): this {
    this.training.freeze(patterns);
    return this;
  }

  /**
   * Makes the parameters that match trainable, all without a pattern: `unfreeze('layer4.*', 'fc.*')`. What was stored in
   * half precision gets full precision, from its present values.
   */
  unfreeze(...patterns: string[]): this {
    const half = this.training.unfreeze(patterns);
    for (const { name, variable } of half) this.network.substitute(name, inFullPrecision(this.engine, variable));
    if (half.length > 0) {
      this.programs.clear();
      this.heads++;
    }
    return this;
  }

  /** The parameters that training changes, in the order of the file. */
  trainable(): Variable[] {
    return this.training.variables();
  }

  /** Sets the mode of the BatchNorm layers that match, of all without a pattern. The last setting wins. */
  batchNorm(mode: BatchNormMode, ...patterns: string[]): this {
    this.training.batchNorm(mode, patterns);
    return this;
  }

  /**
   * Replaces the classifier, by default the layer `roles.scores.head`, by a fresh one for other classes: uniform weights
   * from `seed`, zero bias, trainable. What was trained for the present classes is gone; {@link Model.adaptHead} keeps
   * what can be kept. A binary classifier with one score stays one for two classes.
   * @throws WgradError 'unknown-name', 'invalid-argument' where the layer is no classifier, 'onnx-unsupported'.
   */
  replaceHead(layer: string | undefined, options: { classes: number | readonly string[]; seed?: number }): this {
    this.check();
    const { classes, seed = 0 } = options;
    this.swapHead(this.headLayer(layer), classes, { initialize: (size, fanIn) => headWeights(size, fanIn, seed) });
    return this;
  }

  /**
   * Makes the head fit these classes. Where they are the model's own, in order, nothing changes; else every class that
   * the model knows by name keeps its trained row as it is now, and the others start fresh, as in
   * {@link Model.replaceHead}.
   */
  async adaptHead(classes: readonly string[], options: { layer?: string; seed?: number } = {}): Promise<HeadChange> {
    this.check();
    const { seed = 0 } = options;
    const layer = this.headLayer(options.layer);
    const before = Array.from({ length: this.classes }, (_, index) => this.labelOf(index));
    const binary = requireScores(this.roles).kind === 'binary';
    const { rows, change } = headFor(classes, { layer, before, labels: this.labels, binary });
    if (!rows) return change;
    const values = new Map<string, Float32Array>();
    for (const name of this.network.perClass(layer)) {
      const found = this.network.parameters.get(name);
      if (found) values.set(name, await this.engine.read(found.variable));
    }
    this.swapHead(layer, classes, { rows, values, initialize: (size, fanIn) => headWeights(size, fanIn, seed) });
    return change;
  }

  private headLayer(layer: string | undefined): string {
    const found = layer ?? requireScores(this.roles).head;
    if (found !== undefined) return found;
    throw new WgradError('invalid-argument', 'the model has no linear layer that makes its class scores', {
      remedy: 'Name the head; `wgrad info MODEL` lists the layers',
    });
  }

  private swapHead(layer: string, classes: number | readonly string[], head: Omit<NewHead, 'classes'>): void {
    const count = typeof classes === 'number' ? classes : classes.length;
    if (!Number.isInteger(count) || count < 1) {
      throw new WgradError('invalid-argument', `replaceHead: ${count} classes; at least 1 is needed`);
    }
    const binary = count === 2 && this.roles.scores?.kind === 'binary';
    const before = new Map([...this.network.parameters].map(([name, p]) => [name, p.variable]));
    this.network.replaceHead(layer, { ...head, classes: binary ? 1 : count });
    const names = typeof classes === 'number' ? undefined : [...classes];
    this.replaced = { labels: names?.length === 1 && this.classes === 2 ? [`not ${names[0]}`, names[0]!] : names };
    const gone = [...before].filter(([name, v]) => this.network.parameters.get(name)?.variable !== v);
    this.engine.release(gone.map(([, v]) => v));
    this.training.headReplaced(before);
    this.programs.clear();
    this.heads++;
  }

  /** Builds the network's graph on a fresh input or on `options.input`. @throws WgradError 'shape'. */
  graph(options: GraphOptions = {}): ModelGraph {
    this.check();
    this.describe();
    const { training } = this;
    const usesBatch = (layer: string, parameters: readonly string[]) => training.usesBatch(layer, parameters);
    return modelGraph(this.network, options, options.training ? usesBatch : undefined);
  }

  /**
   * Forward pass in eval mode: all outputs by name, with the logits and probabilities of a classifier. Where the file
   * calls another value `logits` or `probabilities`, the classifier's own go before it.
   * The Program is compiled once for each shape, and kept for the last four of these.
   * @param pictures a batch; copied at the call.
   * @throws (rejects) WgradError 'shape', 'disposed', and what {@link Program.run} throws; the signal's reason.
   */
  async run(pictures: ModelInput, options: RunOptions = {}): Promise<ModelOutputs> {
    return this.programFor(pictures, options).run({ [this.inputName]: pictures }, options) as Promise<ModelOutputs>;
  }

  /**
   * {@link run} with outputs that stay on the device, for work of your own on its queue; see
   * {@link Program.runToBuffers}.
   * @throws (rejects) as {@link run}; then there are no buffers.
   */
  async runToBuffers(pictures: ModelInput, options: RunOptions = {}): Promise<ModelBuffers> {
    const program = this.programFor(pictures, options);
    return program.runToBuffers({ [this.inputName]: pictures }, options) as Promise<ModelBuffers>;
  }

  /** @throws WgradError 'disposed', 'shape'. */
  private programFor(pictures: ModelInput, { shape = this.pictureShape }: RunOptions) {
    this.check();
    const range = rangeOf(pictures);
    const values = range ? range.size / 4 : (pictures as Float32Array).length;
    const batch = values / sizeOf(shape);
    if (!Number.isInteger(batch) || batch < 1) {
      throw new WgradError('shape', `run: ${values} values are no batch of ${show(shape)} pictures`);
    }
    return this.programs.for([batch, ...shape]);
  }

  private outputsFor(shape: readonly number[]): Readonly<Record<string, Tensor>> {
    const graph = this.graph({ input: input(this.inputName, shape) });
    if (!this.roles.scores) return graph.outputs;
    return { ...graph.outputs, logits: graph.logits, probabilities: graph.probabilities };
  }

  /**
   * A picture as this model's input [C,H,W]: brought, decoded, resized, cropped and normalised as {@link preprocess}
   * says. A Float32Array, or a buffer of the device, is taken for such an input, and only checked.
   * @throws (rejects) WgradError 'image-decode', 'download-failed', 'shape', 'not-finite', 'invalid-argument'; the
   *   signal's reason.
   */
  async pixels(source: PictureSource | ModelInput, options: PictureOptions = {}): Promise<Float32Array> {
    return (await import('./pictures.ts')).pixelsOf(this, source, options);
  }

  /**
   * The most likely classes of one picture, the likeliest first: `await model.classify('cat.jpg', { top: 3 })`. A binary
   * classifier has two: class 1 with the sigmoid of its score, and class 0 with the rest.
   * @param source an address, a file, its bytes, pixels, what a page draws ({@link PictureSource}), or values [C,H,W] of
   *   `options.shape` (default {@link Model.pictureShape}), which may lie in a buffer of the device.
   * @throws (rejects) WgradError 'shape', 'invalid-argument' where the class output is not known, and what
   *   {@link Model.pixels} throws; the signal's reason.
   */
  async classify(
    source: PictureSource | ModelInput,
    options: RunOptions & Omit<PictureOptions, 'signal'> & { top?: number } = {},
  ): Promise<ClassScore[]> {
    const { kind } = requireScores(this.roles);
    const { top = 5, shape = this.pictureShape } = options;
    if (!Number.isInteger(top) || top < 1) throw new WgradError('invalid-argument', `classify: top is ${top}`);
    const isInput = source instanceof Float32Array || rangeOf(source) !== undefined;
    const picture = isInput ? (source as ModelInput) : await this.pixels(source, options);
    const values = rangeOf(picture)?.size ?? (picture as Float32Array).byteLength;
    if (values !== 4 * sizeOf(shape)) {
      throw new WgradError('shape', `classify: ${values / 4} values are no picture ${show(shape)}`);
    }
    const out = await this.run(picture, { ...options, shape });
    return ranking(kind, out, (index) => this.labelOf(index)).slice(0, top);
  }

  /** A class's name, or `class 3` where there are no names. */
  labelOf(index: number): string {
    return this.labels?.[index] ?? `class ${index}`;
  }

  /** The class that a row of logits speaks for. */
  predicted(logits: ArrayLike<number>): number {
    return predictedClass(requireScores(this.roles).kind, logits);
  }

  /** The value of every parameter and running statistic as of this call, row-major. */
  async state(options: ProgramRunOptions = {}): Promise<Map<string, Float32Array>> {
    this.check();
    const read = async (p: NetworkParameter) => [p.name, await this.engine.read(p.variable, options)] as const;
    return new Map(await Promise.all([...this.network.parameters.values()].map(read)));
  }

  /**
   * ONNX bytes of the model as of this call, its labels and preprocessing included.
   * @throws (rejects) WgradError 'disposed', 'device-lost', 'invalid-argument'; the signal's reason.
   */
  async saveOnnx(options: SaveOptions = {}): Promise<Uint8Array> {
    const { foldBatchNorm, weights, metadata: more = {} } = readOptions('saveOnnx', saveOptions, { ...options });
    const metadata = new Map([...this.network.metadata, ...Object.entries(more)]);
    if (this.labels) metadata.set('labels', JSON.stringify(this.labels));
    else metadata.delete('labels');
    const { revision } = this;
    const state = await this.state(options);
    options.signal?.throwIfAborted();
    if (revision !== this.revision) {
      throw new WgradError('invalid-argument', 'saveOnnx: the head was replaced while the parameters were read', {
        remedy: 'Await saveOnnx() before the head is replaced',
      });
    }
    return this.network.save(state, metadata, { foldBatchNorm, weights });
  }

  /**
   * Frees the model's memory on the device, once the runs that were asked for are over; the engine stays. After it,
   * everything that needs the engine is the error 'disposed'. Idempotent.
   */
  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    this.programs.clear();
    this.engine.release([...this.network.parameters.values()].map((p) => p.variable));
  }

  /** `using`: {@link Model.dispose} at the end of the block. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** In the place of a variable of half floats: its values as they are on the device now, which lets go of it then. */
function inFullPrecision(engine: Engine, half: Variable): Variable {
  let first = true;
  const bring = async () => {
    if (!first) return half.bring();
    const values = await engine.read(half);
    first = false;
    engine.release([half]);
    return values;
  };
  return new Variable(half.name, half.shape, 'later', half.layout, bring);
}
