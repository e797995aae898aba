/** The page's side of an engine in a Worker: the classes `Engine`, `Model` and `Explainer` with the same methods. */
import type { EngineOptions } from '../engine.ts';
import { WgradError } from '../errors.ts';
import type { Attribution, RunOptions as ExplainRun, Targets } from '../explain/types.ts';
import type { MemoryUse } from '../gpu/device.ts';
import type * as local from '../model/model.ts';
import type { ClassScore, ModelOutputs, RunOptions } from '../model/model.ts';
import type { LayerInfo } from '../model/network.ts';
import type { PictureOptions, PictureSource } from '../model/pictures.ts';
import type { LoadOptions, ModelSource } from '../onnx/index.ts';
import type { RunOptions as ProgramRunOptions } from '../plan/program.ts';
import type { Change, Host, ModelInfo, ServedEngine, ServedExplainer, ServedModel } from './host.ts';
import { sendable } from './sendable.ts';
import { connect, Wire, type Port, type Remote } from './wire.ts';

/** Options of an engine in a Worker. */
export interface WorkerEngineOptions extends Omit<EngineOptions, 'adapter' | 'device' | 'decoder'> {
  /**
   * The Worker, whose script is `import 'wgrad/worker/thread'`; default: that script of this package, found from where
   * this module lies. Give one where a bundler does not follow that, as esbuild and vite's development server do not.
   */
  worker?: (Port & { terminate?(): void }) | (() => Worker);
}

const script = () => new Worker(new URL('./thread.js', import.meta.url), { type: 'module', name: 'wgrad' });

/** An engine that runs in a Worker. */
export class Engine {
  private constructor(
    private readonly port: Port & { terminate?(): void },
    private readonly wire: Wire,
    private readonly remote: Remote<ServedEngine> & Pick<ServedEngine, 'description' | 'isSoftware'>,
  ) {}

  /** @throws (rejects) as the engine of 'wgrad'; WgradError 'worker-failed' where the Worker's script does not load. */
  static async create(options: WorkerEngineOptions = {}): Promise<Engine> {
    const { worker = script, ...rest } = options;
    const port = typeof worker === 'function' ? worker() : worker;
    const wire = new Wire(port);
    try {
      return new Engine(port, wire, (await connect<Host>(wire).create(rest)) as never);
    } catch (error) {
      if (typeof worker === 'function') (port as Worker).terminate();
      throw error;
    }
  }

  /** One line that names the adapter. */
  get description(): string {
    return this.remote.description;
  }

  /** Whether the adapter computes on the processor: right, but slow. */
  get isSoftware(): boolean {
    return this.remote.isSoftware;
  }

  /** Resolves with the error when the device is lost; not because of {@link dispose}. */
  get lost(): Promise<Error> {
    return this.remote.lost();
  }

  /** Live buffers and bytes of the engine. */
  memory(): Promise<Readonly<MemoryUse>> {
    return this.remote.memory();
  }

  /** As `Engine.snapshot` of 'wgrad'. */
  snapshot(options: ProgramRunOptions = {}): Promise<void> {
    return this.remote.snapshot(options);
  }

  /** As `Engine.restore` of 'wgrad'. */
  restore(): Promise<void> {
    return this.remote.restore();
  }

  /** Used by {@link loadOnnx}. */
  async load(source: ModelSource, options: LoadOptions): Promise<Model> {
    return new Model(this, (await this.remote.load((await sendable(source)) as ModelSource, options)) as never);
  }

  /** Ends what was asked for, frees everything, and then ends the Worker. */
  async dispose(): Promise<void> {
    await this.remote.dispose();
    this.port.terminate?.();
    this.wire.fail('the engine was disposed of');
  }

  /** `await using`: {@link dispose}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }
}

/** What is the same in both, to the type. */
type Same = 'adaptHead' | 'classes' | 'classify' | 'dispose' | 'labelOf' | 'labels' | 'pictureShape' | 'pixels' | 'revision' | 'run' | 'saveOnnx' | 'state' | 'warnings'; // prettier-ignore

/**
 * A model in a Worker, with the methods of the one of 'wgrad'. `freeze`, `unfreeze`, `batchNorm` and `replaceHead` return
 * at once there as here: where one of them fails, the next call that is awaited throws its error.
 */
export class Model implements Pick<local.Model, Same> {
  private info: ModelInfo;
  /** Changes that are not answered yet, or have failed. */
  private changes: Promise<void> = Promise.resolve();

  /** Use {@link loadOnnx}. */
  constructor(
    readonly engine: Engine,
    /** Its functions in the Worker. */
    readonly remote: Remote<ServedModel> & { at: ModelInfo },
  ) {
    this.info = remote.at;
  }

  get labels(): readonly string[] | undefined {
    return this.info.labels;
  }

  get classes(): number {
    return this.info.classes;
  }

  get pictureShape(): [number, number, number] {
    return this.info.pictureShape;
  }

  get warnings(): readonly string[] {
    return this.info.warnings;
  }

  get revision(): number {
    return this.info.revision;
  }

  /** The layer tree, as `model.network.root` of 'wgrad'. */
  get layers(): LayerInfo {
    return this.info.layers;
  }

  /** Names, shapes, and whether they are trained. */
  get parameters(): ModelInfo['parameters'] {
    return this.info.parameters;
  }

  labelOf(index: number): string {
    return this.labels?.[index] ?? `class ${index}`;
  }

  private change(change: Change): this {
    const done = this.remote.change(change);
    this.changes = this.changes.then(async () => {
      this.info = await done;
    });
    // It is heard of at the next call.
    this.changes.catch(() => undefined);
    done.catch(() => undefined);
    return this;
  }

  /** Waits for the changes. @throws the error of one that failed, once. */
  async settled(): Promise<void> {
    const { changes } = this;
    try {
      await changes;
    } catch (error) {
      if (this.changes === changes) this.changes = Promise.resolve();
      throw error;
    }
  }

  /** As `Model.freeze` of wgrad. */
  freeze(...patterns: string[]): this {
    return this.change({ freeze: patterns });
  }

  /** As `Model.unfreeze` of wgrad. */
  unfreeze(...patterns: string[]): this {
    return this.change({ unfreeze: patterns });
  }

  /** As `Model.batchNorm` of wgrad. */
  batchNorm(...of: Parameters<local.Model['batchNorm']>): this {
    return this.change({ batchNorm: of });
  }

  /** `labels` and `classes` are the new ones once a call that was made afterwards has ended. */
  replaceHead(...of: Parameters<local.Model['replaceHead']>): this {
    return this.change({ replaceHead: of });
  }

  async adaptHead(...of: Parameters<local.Model['adaptHead']>): ReturnType<local.Model['adaptHead']> {
    await this.settled();
    const { change, info } = await this.remote.adaptHead(...of);
    this.info = info;
    return change;
  }

  /** `transfer(pictures)` moves the pixels instead of copying them. */
  async run(pictures: Float32Array, options: RunOptions = {}): Promise<ModelOutputs> {
    await this.settled();
    return this.remote.run((await sendable(pictures)) as Float32Array, options);
  }

  async classify(
    source: PictureSource | Float32Array,
    options: Parameters<local.Model['classify']>[1] = {},
  ): Promise<ClassScore[]> {
    await this.settled();
    return this.remote.classify((await sendable(source)) as PictureSource, options);
  }

  async pixels(source: PictureSource | Float32Array, options: PictureOptions = {}): Promise<Float32Array> {
    return this.remote.pixels((await sendable(source)) as PictureSource, options);
  }

  async state(options: ProgramRunOptions = {}): Promise<Map<string, Float32Array>> {
    await this.settled();
    return this.remote.state(options);
  }

  async saveOnnx(options: ProgramRunOptions = {}): Promise<Uint8Array> {
    await this.settled();
    return this.remote.saveOnnx(options);
  }

  /** Frees it in the Worker. */
  dispose(): void {
    this.remote.dispose().catch(() => undefined);
  }

  /** `using`: {@link dispose}. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** A method compiled in the Worker, for many pictures and targets. */
export class Explainer {
  /** Use `createExplainer`. */
  constructor(
    readonly model: Model,
    private readonly remote: Remote<ServedExplainer>,
  ) {}

  /** As `Explainer.run` of wgrad/explain. */
  run(pixels: Float32Array, options: ExplainRun = {}): Promise<Attribution> {
    requireData('explain', 'target', options.target, 'a class or the name of a unit');
    return this.remote.run(pixels, options);
  }

  /** As `Explainer.runEach` of wgrad/explain. */
  runEach(pixels: Float32Array, targets: Targets, options: Omit<ExplainRun, 'target'> = {}): Promise<Attribution[]> {
    for (const target of 'top' in targets ? [] : targets)
      requireData('explain', 'target', target, 'a class or the name of a unit');
    return this.remote.runEach(pixels, targets, options);
  }

  /** Frees its programs in the worker. */
  dispose(): void {
    this.remote.dispose().catch(() => undefined);
  }

  /** `using`: {@link dispose}. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Functions that are called in the middle of a computation cannot be asked for over a port. */
export function requireData(what: string, key: string, value: unknown, instead: string): void {
  if (typeof value !== 'function') return;
  throw new WgradError('invalid-argument', `${what}: ${key} is a function, which cannot go to a Worker`, {
    remedy: `Give ${instead}, or call ${what} of 'wgrad' in a Worker of your own and expose() it`,
  });
}
