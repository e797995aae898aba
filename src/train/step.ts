/**
 * One training step: forward, backward through the trainable parameters only, update, as one Program; with gradient
 * accumulation one that adds up, run for each micro-batch, and one that updates.
 */
import { WgradError } from '../errors.ts';
import type { Variable } from '../graph/leaves.ts';
import type { Model } from '../model/model.ts';
import { readOptions } from '../options.ts';
import type { Profile, ProfileOptions } from '../plan/profile.ts';
import type { Feeds, Program, RunOptions } from '../plan/program.ts';
import { ParameterAverage } from './average.ts';
import type { MicroBatch } from './entrance.ts';
import type { FrozenPart } from './frozen.ts';
import type { Optimizer } from './optimizers.ts';
import { stepGraph, type StepGraph } from './step_graph.ts';
import { stepOptions, type StepOptions } from './step_options.ts';
import { areRight, countTargets, type Targets } from './targets.ts';

export interface StepResult {
  /** Mean cross-entropy over the batch, before the update. */
  loss: number;
  /** Pictures whose highest logit was the target's; with independent labels, with every label right. */
  correct: number;
}

interface Parts {
  model: Model;
  optimizer: Optimizer;
  graph: StepGraph;
  /** Forward and backward; the update too, where nothing is accumulated. */
  program: Program<'loss' | 'logits'>;
  /** The update from the sums. */
  apply: Program | undefined;
  average: ParameterAverage | undefined;
  batch: number;
  accumulate: number;
}

/** One training step as a program: loss, gradients of what is unfrozen, updates. `fit` is a loop over it. */
export class TrainStep {
  /** Steps done. */
  steps = 0;
  /** Of {@link TrainStep.gradients}, from its first call on. */
  private inspector: Promise<Program> | undefined;

  private constructor(private readonly parts: Parts) {}

  get program(): Program<'loss' | 'logits'> {
    return this.parts.program;
  }

  /** The optimiser's moments, by name. */
  get state(): readonly Variable[] {
    return this.parts.graph.slots.flatMap((s) => s.state);
  }

  /** The moving average of the parameters, where `ema` asks for one. */
  get average(): readonly Variable[] {
    return this.parts.average?.variables ?? [];
  }

  /** What a step changes of the model: parameters and running statistics. */
  get changes(): readonly Variable[] {
    const { parameters, statistics } = this.parts.graph;
    return [...parameters.map((p) => p.variable), ...statistics];
  }

  /** Whether BatchNorm uses the statistics of the batch, so that a step cannot have fewer pictures. */
  get needsWholeBatches(): boolean {
    return this.parts.graph.statistics.length > 0;
  }

  /** With `splitFrozen`, where something is frozen: what makes a run's inputs from its pictures. */
  get frozen(): FrozenPart | undefined {
    return this.parts.graph.frozen;
  }

  /** Pictures of one step. */
  get pictures(): number {
    return this.parts.batch * this.parts.accumulate;
  }

  /**
   * @throws WgradError 'invalid-argument' for a bad option, and where nothing is trainable; 'unknown-name' for a group
   *   that matches nothing.
   */
  static async create(model: Model, options: StepOptions): Promise<TrainStep> {
    const o = readOptions('training', stepOptions, { ...options });
    const { optimizer, batch, accumulate, signal } = o;
    const graph = await stepGraph(model, o);
    const { engine } = model;
    const made: { dispose(): void }[] = graph.frozen ? [graph.frozen] : [];
    const { outputs, changes: updates, settings } = graph;
    try {
      const program = await engine.compile({ outputs, updates, updateIf: outputs.loss }, { signal });
      made.push(program);
      let apply: Program | undefined;
      if (graph.apply.length > 0) {
        apply = await engine.compile({ outputs: {}, updates: graph.apply, updateIf: settings }, { signal });
        made.push(apply);
      }
      let average: ParameterAverage | undefined;
      if (o.ema !== undefined) average = await ParameterAverage.create(engine, model.trainable(), o.ema, signal);
      return new TrainStep({ model, optimizer, graph, program, apply, average, batch, accumulate });
    } catch (error) {
      for (const part of made) part.dispose();
      engine.release([...graph.slots.flatMap((s) => s.state), ...graph.sums]);
      throw error;
    }
  }

  /**
   * One step.
   * @param pictures [pictures, C, H, W] @param targets class indices [pictures]; pictures with -100, the last ones,
   *   count for nothing.
   * @param lr the optimiser's learning rate in this step; groups have theirs in proportion.
   * @throws WgradError 'not-finite' where the loss, a gradient or a statistic is NaN or infinite, naming it: parameters,
   *   moments and statistics are then those before this step (with `accumulate`, statistics are those before the
   *   micro-batch). The signal's reason; a step that the GPU has begun it ends.
   */
  async run(
    pictures: Float32Array,
    targets: Targets,
    lr = this.parts.optimizer.lr,
    { signal }: RunOptions = {},
  ): Promise<StepResult> {
    const micros = this.micros(pictures, targets);
    return this.runOn(this.frozen ? await this.freeze(micros, signal) : micros, lr, { signal });
  }

  /** {@link TrainStep.run} of inputs as its runs take them: `accumulate` micro-batches, or fewer. */
  async runOn(
    micros: readonly MicroBatch[],
    lr = this.parts.optimizer.lr,
    { signal }: RunOptions = {},
  ): Promise<StepResult> {
    const { program, apply, average, model, batch } = this.parts;
    const settings = this.settings(lr);
    const shares = sharesOf(micros, this.parts.batch);
    let [loss, correct] = [0, 0];
    try {
      for (const [k, { inputs, targets }] of micros.entries()) {
        if (k > 0 && shares[k] === 0) continue;
        const own: Feeds = apply ? { weights: [k === 0 ? 0 : 1, shares[k]!] } : { settings };
        const out = await program.run({ ...inputs, target: targets, ...own }, { signal });
        loss += out.loss[0]! * shares[k]!;
        correct += areRight(model, out.logits, targets, batch).filter(Boolean).length;
      }
      await apply?.run({ settings }, { signal });
    } catch (error) {
      if (!(error instanceof WgradError) || error.code !== 'not-finite') throw error;
      throw new WgradError('not-finite', `training step ${this.steps + 1}: ${error.message}`, {
        remedy: 'Lower the learning rate, and check the pictures and weights for NaN',
      });
    }
    this.steps++;
    await average?.follow(this.steps);
    return { loss, correct };
  }

  /**
   * Where the time of a step goes (with `accumulate`, of a micro-batch): {@link Program.profile} of its program. Nothing
   * is trained by it.
   * @param pictures [batch, C, H, W] @param targets class indices [batch]
   */
  profile(pictures: Float32Array, targets: Targets, options: ProfileOptions = {}): Promise<Profile> {
    const { model, program, apply, optimizer } = this.parts;
    const own: Feeds = apply ? { weights: [0, 1] } : { settings: this.settings(optimizer.lr) };
    if (this.frozen) throw new WgradError('invalid-argument', 'profile: the step is split at its frozen part');
    return program.profile({ [model.inputName]: pictures, target: targets, ...own }, options);
  }

  /** The runs of a step. */
  private micros(pictures: Float32Array, targets: Targets): MicroBatch[] {
    const { model, accumulate } = this.parts;
    const part = <T extends Targets>(list: T, k: number) =>
      list.subarray((k * list.length) / accumulate, ((k + 1) * list.length) / accumulate) as T;
    return Array.from({ length: accumulate }, (_, k) => ({
      inputs: { [model.inputName]: part(pictures, k) },
      targets: part(targets, k),
    }));
  }

  private async freeze(micros: readonly MicroBatch[], signal?: AbortSignal): Promise<MicroBatch[]> {
    const frozen = this.frozen!;
    const run = async ({ inputs, targets }: MicroBatch) => {
      const values = await frozen.run(inputs, { signal });
      return { inputs: frozen.feeds(values), targets };
    };
    return Promise.all(micros.map(run));
  }

  /**
   * Gradients of the loss by the parameter's name, row-major, before any clipping, at the parameters as they are. Costs a
   * forward and a backward pass; the first call compiles.
   * @param micros as of {@link TrainStep.runOn}.
   */
  async gradients(micros: readonly MicroBatch[], { signal }: RunOptions = {}): Promise<Map<string, Float32Array>> {
    const { model, graph } = this.parts;
    const outputs = Object.fromEntries(graph.parameters.map((p, i) => [p.name, graph.gradients[i]!]));
    this.inspector ??= model.engine.compile({ outputs });
    const program = await this.inspector;
    const shares = sharesOf(micros, this.parts.batch);
    const sums = new Map(graph.parameters.map((p) => [p.name, new Float32Array(p.variable.tensor.size)]));
    for (const [k, { inputs, targets }] of micros.entries()) {
      if (k > 0 && shares[k] === 0) continue;
      const out = await program.run({ ...inputs, target: targets }, { signal });
      for (const [name, sum] of sums) out[name]!.forEach((v, i) => (sum[i]! += shares[k]! * v));
    }
    return sums;
  }

  /** All rows of this step. */
  private settings(lr: number): number[] {
    const { optimizer, graph } = this.parts;
    return graph.grouping.rows.flatMap((row) =>
      optimizer.settings(this.steps + 1 - row.since, lr * row.factor, row.weightDecay),
    );
  }

  /**
   * Calls `use` while the model holds the moving average of the parameters in their place: to evaluate or save it.
   * Without `ema` it holds the parameters themselves.
   */
  async averaged<T>(use: () => Promise<T> | T): Promise<T> {
    const { average } = this.parts;
    await average?.swap();
    try {
      return await use();
    } finally {
      await average?.swap();
    }
  }

  /** Puts the moving average in the place of the parameters, for good. */
  async adoptAverage(): Promise<void> {
    await this.parts.average?.swap();
  }

  /** Frees the programs and the optimiser's moments; the model keeps its parameters. */
  dispose(): void {
    const { model, graph, program, apply, average } = this.parts;
    program.dispose();
    apply?.dispose();
    average?.dispose();
    graph.frozen?.dispose();
    this.inspector?.then(
      (inspector) => inspector.dispose(),
      () => undefined,
    );
    model.engine.release([...this.state, ...graph.sums]);
  }
}

/** Of each run, its share of the step's pictures. */
function sharesOf(micros: readonly MicroBatch[], batch: number): number[] {
  if (micros.length === 1) return [1];
  const counts = micros.map(({ targets }) => countTargets(targets, batch));
  const all = Math.max(
    1,
    counts.reduce((a, b) => a + b, 0),
  );
  return counts.map((n) => n / all);
}
