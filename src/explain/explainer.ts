/** explain() and the compiled Explainer behind it. */
import { WgradError } from '../errors.ts';
import { show } from '../graph/shape.ts';
import type { Model } from '../model/model.ts';
import { argmax, classIndex } from '../model/target.ts';
import { methodOf, type MethodName } from './methods.ts';
import type { Attribution, CompiledMethod, ExplainOptions, Method, MethodOptions, RunOptions } from './types.ts';

/**
 * Explains one prediction.
 *
 * @param pixels one picture [C,H,W], row-major, in the model's normalised input space.
 * @throws WgradError 'unknown-name' (method, layer, class), 'shape', 'not-finite', 'invalid-argument'; the signal's
 * reason when aborted.
 */
export async function explain(model: Model, pixels: Float32Array, options: ExplainOptions): Promise<Attribution> {
  const explainer = await createExplainer(model, options);
  try {
    return await explainer.run(pixels, options);
  } finally {
    explainer.dispose();
  }
}

/** Compiles a method once, for many pictures and targets. The parameters' values are those at the time of a run. */
export async function createExplainer(
  model: Model,
  options: MethodOptions & { method: MethodName },
): Promise<Explainer> {
  const method = methodOf(options.method);
  return new Explainer(model, options.method, method, await method.compile(model, options));
}

export class Explainer {
  private turn: Promise<unknown> = Promise.resolve();
  private disposed = false;

  /** Use {@link createExplainer}. */
  constructor(
    readonly model: Model,
    readonly name: MethodName,
    private readonly method: Method,
    private readonly compiled: CompiledMethod,
  ) {}

  /** See {@link explain}. Runs queue up. */
  async run(pixels: Float32Array, options: RunOptions = {}): Promise<Attribution> {
    if (this.disposed) throw new WgradError('disposed', `the ${this.name} explainer was disposed of`);
    const result = this.turn.then(() => this.runNow(pixels, options));
    this.turn = result.catch(() => undefined);
    return result;
  }

  private async runNow(pixels: Float32Array, options: RunOptions): Promise<Attribution> {
    const { model } = this;
    const [c, h, w] = model.pictureShape;
    if (pixels.length !== c * h * w) {
      throw new WgradError('shape', `explain: ${pixels.length} values are no picture ${show(model.pictureShape)}`);
    }
    const { signal, onProgress } = options;
    signal?.throwIfAborted();
    const target = this.method.target === 'all' ? null : await this.target(pixels, options);
    const weights = new Float32Array(model.classes).fill(target === null ? 1 : 0);
    if (target !== null) weights[target] = 1;
    const result = await this.compiled.run(pixels, weights, { signal, onProgress });
    const label = target === null ? undefined : model.labels?.[target];
    if (!Number.isFinite(result.score)) {
      const what = target === null ? 'sum of the logits' : `score of class ${label ?? target}`;
      throw new WgradError('not-finite', `explain: the ${what} is ${result.score}`, {
        remedy: "Check the picture and the model's weights",
      });
    }
    return { method: this.name, ...result, target, ...(label !== undefined && { label }) };
  }

  private async target(pixels: Float32Array, { target }: RunOptions): Promise<number> {
    if (target !== undefined) return classIndex(this.model, target);
    const logits = (await this.model.run(pixels))[this.model.network.outputs[0]!]!;
    return argmax(logits);
  }

  /** Frees the programs after the runs that were asked for; the model stays. Idempotent. */
  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    void this.turn.then(() => this.compiled.dispose());
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
