/** explain() and the compiled Explainer behind it. */
import { untilAborted } from '../abort.ts';
import { WgradError } from '../errors.ts';
import { sizeOf } from '../graph/shape.ts';
import { checkPicture } from '../model/gate.ts';
import type { Model } from '../model/model.ts';
import { classWeights, requireScores } from '../model/roles.ts';
import { classIndex } from '../model/target.ts';
import { parseUnit } from '../model/unit.ts';
import { readOptions } from '../options.ts';
import { checkCost } from './costs.ts';
import { methodOf, type MethodName, type MethodOptions } from './methods/index.ts';
import { CLASS_WEIGHTS, classScore, unitScore, type Score } from './score.ts';
import type { Attribution, CompiledMethod, Method, MethodResult, RunOptions, Target, Targets } from './types.ts';

/**
 * A method with its own options, and how it is run: the union of all methods, so that an option of another one does not
 * compile.
 */
export type ExplainOptions = MethodOptions & RunOptions;
/** One map for each target. */
export type ExplainSeveral = MethodOptions & Omit<RunOptions, 'target'> & { targets: Targets };
/** A target for each picture, or one for all. */
export type ExplainPictures = MethodOptions &
  Omit<RunOptions, 'target'> & { target?: Target | readonly Target[] | undefined };

/**
 * Explains a prediction: one map; one for each of `targets`; one for each picture.
 *
 * @param pixels one picture [C,H,W], row-major, in the model's normalised input space, or a list of them.
 * @throws WgradError 'unknown-name' (method, layer, class), 'shape', 'not-finite', 'invalid-argument'; the signal's
 * reason when aborted.
 */
export function explain(model: Model, pixels: Float32Array, options: ExplainOptions): Promise<Attribution>;
export function explain(model: Model, pixels: Float32Array, options: ExplainSeveral): Promise<Attribution[]>;
export function explain(
  model: Model,
  pixels: readonly Float32Array[],
  options: ExplainPictures,
): Promise<Attribution[]>;
export async function explain(
  model: Model,
  pixels: Float32Array | readonly Float32Array[],
  options: MethodOptions & Omit<RunOptions, 'target'> & { target?: Target | readonly Target[]; targets?: Targets },
): Promise<Attribution | Attribution[]> {
  const { target, targets, signal, onProgress, onPartial, ...compiled } = options;
  const explainer = await createExplainer(model, compiled as MethodOptions, { signal });
  try {
    const run = { signal, onProgress, onPartial };
    if (pixels instanceof Float32Array) {
      if (targets) return await explainer.runEach(pixels, targets, run);
      return await explainer.run(pixels, { ...run, target: target as Target | undefined });
    }
    const each = Array.isArray(target) ? (target as readonly Target[]) : pixels.map(() => target as Target | undefined);
    if (each.length !== pixels.length) {
      throw new WgradError('invalid-argument', `explain: ${each.length} targets for ${pixels.length} pictures`);
    }
    const maps: Attribution[] = [];
    for (const [i, picture] of pixels.entries()) maps.push(await explainer.run(picture, { ...run, target: each[i] }));
    return maps;
  } finally {
    explainer.dispose();
  }
}

/** Compiles a method once, for many pictures and targets. The parameters' values are those at the time of a run. */
export async function createExplainer(
  model: Model,
  options: MethodOptions,
  control: { signal?: AbortSignal | undefined } = {},
): Promise<Explainer> {
  const { method: name, output = 'logit', ...given } = options;
  const method = methodOf(name);
  const resolved = readOptions(name, method.options, given);
  checkCost(name, method, resolved, sizeOf(model.pictureShape));
  const compile = (score: Score, by = control) => method.compile(model, score, resolved, by);
  control.signal?.throwIfAborted();
  return new Explainer(model, name, method, compile, await compile(classScore(model, output)));
}

/** Programs for units beside those for classes: the last one asked for is kept. */
interface UnitProgram {
  target: Target;
  compiled: CompiledMethod;
}

/**
 * A method compiled for a model: pictures in, maps out, as often as wanted. `explain` makes one, uses it once and
 * disposes of it.
 */
export class Explainer {
  private turn: Promise<unknown> = Promise.resolve();
  private disposed = false;
  private unit: UnitProgram | undefined;
  private readonly revision: number;

  /** Use {@link createExplainer}. */
  constructor(
    readonly model: Model,
    readonly name: MethodName,
    private readonly method: Method,
    private readonly compile: (score: Score, control: { signal?: AbortSignal | undefined }) => Promise<CompiledMethod>,
    private readonly classes: CompiledMethod,
  ) {
    this.revision = model.revision;
  }

  /**
   * See {@link explain}. Runs queue up; the picture is copied at the call.
   * @throws (rejects) WgradError 'disposed' also where the model's head was replaced since the explainer was made.
   */
  async run(pixels: Float32Array, options: RunOptions = {}): Promise<Attribution> {
    return this.queued(pixels, options.signal, (picture) => this.runNow(picture, options));
  }

  private async queued<T>(
    pixels: Float32Array,
    signal: AbortSignal | undefined,
    work: (picture: Float32Array) => Promise<T>,
  ): Promise<T> {
    if (this.disposed) throw new WgradError('disposed', `the ${this.name} explainer was disposed of`);
    if (this.revision !== this.model.revision) {
      throw new WgradError('disposed', `the ${this.name} explainer is of the model's former head`, {
        remedy: 'Create another explainer',
      });
    }
    const picture = pixels.slice();
    const result = this.turn.then(() => {
      checkPicture(picture, this.model.pictureShape, 'explain: the picture');
      signal?.throwIfAborted();
      return work(picture);
    });
    this.turn = result.catch(() => undefined);
    return untilAborted(result, signal);
  }

  /** One map for each target, or for the classes with the highest scores, highest first (SHAP's ranked outputs). */
  async runEach(
    pixels: Float32Array,
    targets: Targets,
    options: Omit<RunOptions, 'target'> = {},
  ): Promise<Attribution[]> {
    const list = 'top' in targets ? await this.top(pixels, targets.top) : targets;
    const indices = list.map((target) => this.classOf(target));
    if (this.classes.runEach && list.length > 0 && indices.every((index) => index !== undefined)) {
      return this.queued(pixels, options.signal, (picture) => this.explainTogether(picture, indices, options));
    }
    const maps: Attribution[] = [];
    for (const target of list) maps.push(await this.run(pixels, { ...options, target }));
    return maps;
  }

  private async runNow(pixels: Float32Array, { target, ...options }: RunOptions): Promise<Attribution> {
    if (target !== undefined && this.method.target === 'one') {
      const index = this.classOf(target);
      if (index === undefined) return this.explainUnit(pixels, target as Exclude<Target, number>, options);
      return this.explainClasses(pixels, index, options);
    }
    const index = this.method.target === 'all' ? null : (await this.top(pixels, 1))[0]!;
    return this.explainClasses(pixels, index, options);
  }

  /** @param index null for the sum over all classes. */
  private async explainClasses(pixels: Float32Array, index: number | null, options: RunOptions): Promise<Attribution> {
    const weights = classWeights(requireScores(this.model.roles), index);
    const result = await this.classes.run({ ...options, pixels, weights, feeds: { [CLASS_WEIGHTS]: weights } });
    return this.ofClass(result, index);
  }

  /** Several classes from the same passes. */
  private async explainTogether(pixels: Float32Array, indices: readonly number[], options: Omit<RunOptions, 'target'>) {
    const scores = requireScores(this.model.roles);
    const weights = indices.map((index) => classWeights(scores, index));
    const feeds = { [CLASS_WEIGHTS]: weights[0]! };
    const results = await this.classes.runEach!({ ...options, pixels, weights: weights[0]!, feeds }, weights);
    return results.map((result, i) => this.ofClass(result, indices[i]!));
  }

  private ofClass(result: MethodResult, index: number | null): Attribution {
    const label = index === null ? undefined : this.model.labels?.[index];
    return this.labelled(result, index, label, index === null ? 'sum of the logits' : `class ${label ?? index}`);
  }

  private async explainUnit(
    pixels: Float32Array,
    target: Exclude<Target, number>,
    options: RunOptions,
  ): Promise<Attribution> {
    if (this.unit?.target !== target) {
      this.unit?.compiled.dispose();
      this.unit = undefined;
      this.unit = { target, compiled: await this.compile(unitScore(this.model, target), options) };
    }
    const result = await this.unit.compiled.run({ ...options, pixels, weights: Float32Array.of(1), feeds: {} });
    const label = typeof target === 'string' ? target : undefined;
    return this.labelled(result, null, label, label ?? 'target');
  }

  private labelled(result: MethodResult, target: number | null, label: string | undefined, what: string): Attribution {
    if (!Number.isFinite(result.score) || !result.map.every((v) => Number.isFinite(v))) {
      throw new WgradError(
        'not-finite',
        `explain: the ${what} scores ${result.score}, or its ${this.name} map is not finite`,
        {
          remedy: "Check the picture and the model's weights",
        },
      );
    }
    return { method: this.name, ...result, target, ...(label !== undefined && { label }) };
  }

  /** A class's index; undefined where the target is a unit. */
  private classOf(target: Target): number | undefined {
    if (typeof target === 'function') return undefined;
    if (typeof target === 'string' && (parseUnit(target)?.indices !== undefined || this.isValue(target)))
      return undefined;
    return classIndex(this.model, target);
  }

  /** A label goes before a layer of that name. */
  private isValue(text: string): boolean {
    if (this.model.labels?.some((label) => label.toLowerCase() === text.trim().toLowerCase())) return false;
    try {
      this.model.network.resolve(text);
      return true;
    } catch (error) {
      if (error instanceof WgradError && error.code === 'unknown-name') return false;
      throw error;
    }
  }

  private async top(pixels: Float32Array, count: number): Promise<number[]> {
    const { classes } = this.model;
    if (!Number.isInteger(count) || count < 1 || count > classes) {
      throw new WgradError('invalid-argument', `explain: the top ${count} of ${classes} classes`);
    }
    return (await this.model.classify(pixels, { top: count })).map(({ index }) => index);
  }

  /** Frees the programs after the runs that were asked for; the model stays. Idempotent. */
  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    void this.turn.then(() => {
      this.classes.dispose();
      this.unit?.compiled.dispose();
    });
  }

  /** `using`: {@link Explainer.dispose} at the end of the block. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}
