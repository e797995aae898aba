/**
 * A network on an engine: named parameters, which of them are trainable, the mode of its BatchNorm layers, and its
 * head. Graphs for inference, training, explanation and ascent all come from {@link Model.graph}.
 */
import type { Engine } from '../engine.ts';
import { WgradError } from '../errors.ts';
import { input, type Variable } from '../graph/leaves.ts';
import { show } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import { parsePreprocess, type Preprocess } from '../image/preprocess_spec.ts';
import type { Program } from '../plan/program.ts';
import { matcher } from './globs.ts';
import type { BuiltNetwork, Network, NetworkParameter } from './network.ts';
import { Random } from '../random.ts';

/**
 * eval: running statistics, never updated (the default: right for small fine-tuning sets). train: the statistics of
 * the batch, running ones updated. auto: train where a layer's affine parameters are trainable, eval elsewhere.
 */
export type BatchNormMode = 'eval' | 'train' | 'auto';

export interface GraphOptions {
  /** Pictures a run; default 1. */
  batch?: number;
  /** Feed another tensor than a plain input: an optimised image, a path of integrated gradients. */
  input?: Tensor;
  /** Honour the BatchNorm modes that were set; default false: everything in eval mode. */
  training?: boolean;
}

export interface ModelGraph {
  /** The picture batch, [N, C, H, W]. */
  input: Tensor;
  /** The first output: class scores [N, classes] for a classifier. */
  logits: Tensor;
  outputs: Readonly<Record<string, Tensor>>;
  /** What leaves a layer, node or value of that name. @throws WgradError 'unknown-name'. */
  value(name: string): Tensor;
  /** Effects of BatchNorm in train mode. */
  updates: readonly Tensor[];
}

export class Model {
  /** Class names in the order of the logits, where the file or the head gives them. */
  labels: readonly string[] | undefined;
  /** How pictures become input, where the file says so. */
  readonly preprocess: Preprocess | undefined;
  private readonly unfrozen = new Set<string>();
  private readonly batchNormRules: { matches: (name: string) => boolean; mode: BatchNormMode }[] = [];
  private readonly programs = new Map<number, Promise<Program>>();

  constructor(
    readonly engine: Engine,
    readonly network: Network,
  ) {
    const labels = network.metadata.get('labels');
    if (labels) this.labels = readLabels(labels);
    const preprocess = network.metadata.get('preprocess');
    if (preprocess) this.preprocess = parsePreprocess(readJson(preprocess, 'preprocess'));
    for (const p of network.parameters.values()) if (p.trainable) this.unfrozen.add(p.name);
  }

  get inputName(): string {
    return this.network.inputs[0]!.name;
  }

  /** [C, H, W] of one picture; open extents fall back to the preprocessing's crop. */
  get pictureShape(): [number, number, number] {
    const [, c, h, w] = this.network.inputs[0]!.shape;
    const side = this.preprocess?.crop ?? 224;
    return [c ?? 3, h ?? side, w ?? side];
  }

  /** Number of classes: the extent of the first output. */
  get classes(): number {
    return this.labels?.length ?? this.graph().logits.shape.at(-1)!;
  }

  /** @throws WgradError 'unknown-name'. */
  parameter(name: string): NetworkParameter {
    const found = this.network.parameters.get(name);
    if (!found) {
      throw new WgradError('unknown-name', `the model has no parameter ${name}`, { remedy: 'See `wgrad info MODEL`' });
    }
    return found;
  }

  /** Stops training of the parameters that match; of all without a pattern. Frozen ones keep their bits. */
  freeze(...patterns: string[]): this {
    for (const name of this.select(patterns)) this.unfrozen.delete(name);
    return this;
  }

  /** Makes the parameters that match trainable, all without a pattern: `unfreeze('layer4.*', 'fc.*')`. */
  unfreeze(...patterns: string[]): this {
    for (const name of this.select(patterns)) if (this.parameter(name).trainable) this.unfrozen.add(name);
    return this;
  }

  /** Parameters by name or by layer path. */
  private select(patterns: readonly string[]): string[] {
    const all = [...this.network.parameters.values()];
    if (patterns.length === 0) return all.map((p) => p.name);
    const names = new Set<string>();
    for (const pattern of patterns) {
      const matches = matcher([pattern]);
      const hits = all.filter((p) => matches(p.name) || matches(p.layer));
      if (hits.length === 0) {
        throw new WgradError('unknown-name', `no parameter or layer matches '${pattern}'`, {
          remedy: 'See `wgrad info MODEL` for their names',
        });
      }
      for (const p of hits) names.add(p.name);
    }
    return [...names];
  }

  /** The parameters that training changes, in the order of the file. */
  trainable(): Variable[] {
    return [...this.network.parameters.values()].filter((p) => this.unfrozen.has(p.name)).map((p) => p.variable);
  }

  /** Sets the mode of the BatchNorm layers that match, of all without a pattern. The last setting wins. */
  batchNorm(mode: BatchNormMode, ...patterns: string[]): this {
    this.batchNormRules.push({ matches: patterns.length ? matcher(patterns) : () => true, mode });
    return this;
  }

  private trainsBatchNorm(layer: string, parameters: readonly string[]): boolean {
    const rule = this.batchNormRules.findLast((r) => r.matches(layer) || parameters.some((p) => r.matches(p)));
    if (rule?.mode === 'auto') return parameters.some((p) => this.unfrozen.has(p));
    return rule?.mode === 'train';
  }

  /**
   * Replaces the classifier called `layer` by one for other classes: He-uniform weights from `seed`, zero bias,
   * trainable.
   */
  replaceHead(layer: string, options: { classes: number | readonly string[]; seed?: number }): this {
    const { classes, seed = 0 } = options;
    const count = typeof classes === 'number' ? classes : classes.length;
    if (!Number.isInteger(count) || count < 1) {
      throw new WgradError('invalid-argument', `replaceHead: ${count} classes; at least 1 is needed`);
    }
    const before = new Map([...this.network.parameters].map(([name, p]) => [name, p.variable]));
    this.network.replaceHead(layer, count, (size, fanIn) => headWeights(size, fanIn, seed));
    this.labels = typeof classes === 'number' ? undefined : [...classes];
    const gone = [...before].filter(([name, v]) => this.network.parameters.get(name)?.variable !== v);
    this.engine.release(gone.map(([, v]) => v));
    for (const [name] of gone) if (!this.network.parameters.has(name)) this.unfrozen.delete(name);
    for (const p of this.network.parameters.values()) {
      if (p.trainable && before.get(p.name) !== p.variable) this.unfrozen.add(p.name);
    }
    this.forgetPrograms();
    return this;
  }

  /** Builds the network's graph on a fresh input or on `options.input`. */
  graph(options: GraphOptions = {}): ModelGraph {
    const x = options.input ?? input(this.inputName, [options.batch ?? 1, ...this.pictureShape]);
    const built: BuiltNetwork = this.network.build({
      inputs: { [this.inputName]: x },
      ...(options.training && { trainBatchNorm: (l: string, p: readonly string[]) => this.trainsBatchNorm(l, p) }),
    });
    const logits = built.outputs[this.network.outputs[0]!]!;
    if (this.labels && logits.shape.at(-1) !== this.labels.length) {
      throw new WgradError(
        'invalid-argument',
        `${this.labels.length} labels for outputs of shape ${show(logits.shape)}`,
      );
    }
    return {
      input: x,
      logits,
      outputs: built.outputs,
      updates: built.updates,
      value: (name) => {
        const value = built.values.get(this.network.resolve(name));
        if (!value) throw new WgradError('unknown-name', `'${name}' names nothing that is computed`);
        return value;
      },
    };
  }

  /**
   * Forward pass in eval mode: all outputs by name, for a batch of pictures [N, C, H, W], row-major.
   * The Program is compiled once for each batch size.
   */
  async run(pictures: Float32Array): Promise<Record<string, Float32Array>> {
    const [c, h, w] = this.pictureShape;
    const batch = pictures.length / (c * h * w);
    if (!Number.isInteger(batch) || batch < 1) {
      throw new WgradError('shape', `run: ${pictures.length} values are no batch of [${c},${h},${w}] pictures`);
    }
    let program = this.programs.get(batch);
    if (!program) {
      program = this.engine.compile({ outputs: this.graph({ batch }).outputs });
      this.programs.set(batch, program);
      program.catch(() => this.programs.delete(batch));
    }
    return (await program).run({ [this.inputName]: pictures });
  }

  /** The current value of every parameter and running statistic, row-major. */
  async state(): Promise<Map<string, Float32Array>> {
    const state = new Map<string, Float32Array>();
    for (const p of this.network.parameters.values()) state.set(p.name, await this.engine.read(p.variable));
    return state;
  }

  /** ONNX bytes of the model as it is now, its labels and preprocessing included. */
  async saveOnnx(): Promise<Uint8Array> {
    const metadata = new Map(this.network.metadata);
    if (this.labels) metadata.set('labels', JSON.stringify(this.labels));
    else metadata.delete('labels');
    return this.network.save(await this.state(), metadata);
  }

  private forgetPrograms(): void {
    for (const program of this.programs.values())
      void program.then(
        (p) => p.dispose(),
        () => undefined,
      );
    this.programs.clear();
  }

  /** Frees the model's memory on the device; the engine stays. */
  dispose(): void {
    this.forgetPrograms();
    this.engine.release([...this.network.parameters.values()].map((p) => p.variable));
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

function readJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new WgradError('onnx-invalid', `the model's metadata entry '${what}' is not JSON`, { cause });
  }
}

function readLabels(text: string): string[] {
  const labels = readJson(text, 'labels');
  if (Array.isArray(labels) && labels.length > 0 && labels.every((l) => typeof l === 'string')) return labels;
  throw new WgradError('onnx-invalid', "the model's metadata entry 'labels' is not a list of names");
}

/** Uniform in +-1/sqrt(fan in), as PyTorch initialises a linear layer. */
function headWeights(size: number, fanIn: number, seed: number): Float32Array {
  const random = new Random(seed);
  const bound = 1 / Math.sqrt(fanIn);
  return Float32Array.from({ length: size }, () => (2 * random.uniform() - 1) * bound);
}
