/**
 * The frozen part of a network: what depends on the picture and on nothing that training changes. Its frontier are the
 * values that leave it; a step that is fed them costs the unfrozen part only.
 */
import { input, variableOf, type Variable } from '../graph/leaves.ts';
import { substituteAll } from '../graph/substitute.ts';
import { topologicalOrder, type Tensor } from '../graph/tensor.ts';
import type { Model } from '../model/model.ts';
import type { Feeds, Program, RunOptions } from '../plan/program.ts';

/**
 * Values that depend on `picture` and on none of `moving`, and are used by what does.
 * @returns undefined where there are none but the picture itself, or one that is not a row for each of its pictures.
 */
export function frontier(
  outputs: readonly Tensor[],
  picture: Tensor,
  moving: ReadonlySet<Variable>,
): Tensor[] | undefined {
  const frozen = new Set<Tensor>([picture]);
  const moves = new Set<Tensor>();
  const found = new Set<Tensor>();
  for (const node of topologicalOrder(outputs)) {
    if (node === picture.node) continue;
    const variable = node.outputs[0] && variableOf(node.outputs[0]);
    // An input of its own, such as the targets, is another one in every step; statistics are of the whole batch.
    const isOther = node.inputs.length === 0 && node.op.name === 'input';
    const mixes = node.op.name === 'batch_norm_stats' || node.op.effect !== undefined;
    const moved = isOther || mixes || (variable && moving.has(variable)) || node.inputs.some((t) => moves.has(t));
    if (moved) {
      for (const t of node.outputs) moves.add(t);
      for (const t of node.inputs) if (frozen.has(t)) found.add(t);
    } else if (node.inputs.some((t) => frozen.has(t))) for (const t of node.outputs) frozen.add(t);
  }
  for (const t of outputs) if (frozen.has(t)) found.add(t);
  const values = [...found];
  const isRow = (t: Tensor) => t.dtype === 'f32' && t.rank > 1 && t.shape[0] === picture.shape[0];
  return values.length > 0 && values.every((t) => t !== picture && isRow(t)) ? values : undefined;
}

/** What a frontier is, to find the same one in another graph of the model. */
const signature = (values: readonly Tensor[]) => values.map(String).join(', ');

/** The picture's program: from pictures to the values at the frontier. */
export class FrozenPart {
  private constructor(
    readonly batch: number,
    private readonly moving: ReadonlySet<Variable>,
    private readonly signature: string,
    /** Names of the values' makers, for people. */
    readonly names: readonly string[],
    /** Elements of each value, of one picture. */
    readonly sizes: readonly number[],
    private readonly program: Program,
  ) {}

  /**
   * Of a training graph of pictures `picture` [batch, ...] with `outputs`, logits and effects.
   * @returns undefined where there is none.
   */
  static async create(
    model: Model,
    outputs: readonly Tensor[],
    picture: Tensor,
    changed: Iterable<Variable>,
    signal?: AbortSignal,
  ): Promise<FrozenPart | undefined> {
    const moving = new Set(changed);
    const values = frontier(outputs, picture, moving);
    if (!values) return undefined;
    const [batch] = picture.shape as [number];
    const program = await model.engine.compile(
      { outputs: Object.fromEntries(values.map((t, i) => [feedName(i), t])) },
      { signal },
    );
    const names = values.map((t) => t.node.name ?? t.node.op.name);
    const sizes = values.map((t) => t.size / batch);
    return new FrozenPart(batch, moving, signature(values), names, sizes, program);
  }

  /** The same frontier for pictures that come in by another entrance, such as those of an evaluation. */
  static forEvaluation(model: Model, picture: Tensor, changed: Iterable<Variable>, signal?: AbortSignal) {
    return FrozenPart.create(model, [model.graph({ input: picture }).logits], picture, changed, signal);
  }

  /** Bytes of one picture's values. */
  get bytes(): number {
    return this.sizes.reduce((n, size) => n + 4 * size, 0);
  }

  /** Floating-point operations of a batch, which a step that is fed the values saves. */
  get flops(): number {
    return this.program.stats.flops;
  }

  /** The values of a batch of pictures, each [batch, ...], row-major. @param inputs as of the whole step. */
  async run(inputs: Feeds, options: RunOptions = {}): Promise<Float32Array[]> {
    const out = await this.program.run(inputs, options);
    return this.sizes.map((_, i) => out[feedName(i)]!);
  }

  /** `outputs` with the frontier's values as inputs; undefined where that graph has another frontier. */
  cut(outputs: readonly Tensor[], picture: Tensor): Tensor[] | undefined {
    const values = frontier(outputs, picture, this.moving);
    if (!values || signature(values) !== this.signature) return undefined;
    return substituteAll(outputs, new Map(values.map((t, i) => [t, input(feedName(i), t.shape)])));
  }

  /** As the inputs of {@link cut} are called. */
  feeds(values: readonly Float32Array[]): Feeds {
    return Object.fromEntries(values.map((v, i) => [feedName(i), v]));
  }

  /** The model's variables that the frozen part reads. */
  get variables(): readonly Variable[] {
    return this.program.plan.frozen;
  }

  dispose(): void {
    this.program.dispose();
  }
}

const feedName = (i: number) => `frozen ${i}`;
