/**
 * One training step: forward, backward through the trainable parameters only, update, as one Program; with gradient
 * accumulation one that adds up, run for each micro-batch, and one that updates.
 */
import { grad } from '../autograd/grad.ts';
import { WgradError } from '../errors.ts';
import { input, Variable } from '../graph/leaves.ts';
import { withRole, type Tensor } from '../graph/tensor.ts';
import type { Model, ModelGraph } from '../model/model.ts';
import type { NetworkParameter } from '../model/network.ts';
import { requireScores } from '../model/roles.ts';
import {
  abortSignal,
  callback,
  choice,
  count,
  custom,
  fraction,
  positive,
  readOptions,
  required,
  share,
} from '../options.ts';
import { blend } from '../ops/effects.ts';
import type { Profile, ProfileOptions } from '../plan/profile.ts';
import type { Feeds, Program, RunOptions } from '../plan/program.ts';
import { ParameterAverage } from './average.ts';
import { clipGradients, type ClipOptions } from './clip.ts';
import { groupParameters, type DecayOn, type Grouping, type ParameterGroup } from './groups.ts';
import { classLoss } from './loss.ts';
import { optimizerOption, SETTINGS, type Optimizer, type Slot } from './optimizers.ts';

export interface UpdateOptions extends ClipOptions {
  optimizer: Optimizer;
  /** Rates and decay of parts of the model; the first group that matches a parameter is its own. */
  groups?: readonly ParameterGroup[] | undefined;
  /** Which parameters weight decay is for; default 'all', as in PyTorch. */
  decayOn?: DecayOn | undefined;
  /** Micro-batches whose mean gradient is one step; default 1. BatchNorm in train mode sees each by itself. */
  accumulate?: number | undefined;
  /** Keeps an exponential moving average of the parameters with this decay, for instance 0.999; default: none. */
  ema?: number | undefined;
  /** Share of the target that is spread over all classes; default 0. */
  labelSmoothing?: number | undefined;
}

export interface StepOptions extends UpdateOptions {
  /** Pictures in one run: of a step, or with `accumulate` of a micro-batch. */
  batch: number;
  /**
   * The pictures trained on in place of the given ones [batch,C,H,W], such as `adversarialPoints` of wgrad/explain.
   * @param loss of pictures, with the batch's targets and the statistics of evaluation.
   */
  perturb?: ((loss: (pictures: Tensor) => Tensor, pictures: Tensor) => Tensor) | undefined;
  /** Stops the compilation. */
  signal?: AbortSignal | undefined;
}

/** What `fit` and {@link TrainStep} share. */
export const updateOptions = {
  optimizer: required(optimizerOption),
  groups: custom<readonly ParameterGroup[]>('rates and decay of parts of the model', 'a list of groups', (v) =>
    Array.isArray(v) && v.every((g) => typeof g === 'object' && g !== null),
  ), // prettier-ignore
  decayOn: choice(['all', 'weights'], 'all', 'which parameters weight decay is for: weights: no biases, no BatchNorm'),
  clipNorm: positive(undefined, 'largest L2 norm of all gradients together'),
  clipValue: positive(undefined, "largest magnitude of a gradient's value"),
  accumulate: count(1, 'micro-batches whose mean gradient is one step'),
  ema: share(undefined, 'decay of the moving average of the parameters'),
  labelSmoothing: fraction(0, 'share of the target that is spread over all classes'),
};

const stepOptions = {
  ...updateOptions,
  batch: required(count(undefined, 'pictures in one run')),
  perturb: callback<NonNullable<StepOptions['perturb']>>('makes the pictures trained on'),
  signal: abortSignal(),
};

export interface StepResult {
  /** Mean cross-entropy over the batch, before the update. */
  loss: number;
  /** Pictures whose highest logit was the target's. */
  correct: number;
}

/** The target of a picture that counts for nothing. */
const IGNORED = -100;

interface Parts {
  model: Model;
  /** By the parameter's name, of one run's pictures. */
  gradients: Readonly<Record<string, Tensor>>;
  optimizer: Optimizer;
  grouping: Grouping;
  /** Forward and backward; the update too, where nothing is accumulated. */
  program: Program<'loss' | 'logits'>;
  /** The update from the sums. */
  apply: Program | undefined;
  sums: readonly Variable[];
  state: readonly Variable[];
  average: ParameterAverage | undefined;
  batch: number;
  accumulate: number;
  mixes: boolean;
}

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
    return this.parts.state;
  }

  /** The moving average of the parameters, where `ema` asks for one. */
  get average(): readonly Variable[] {
    return this.parts.average?.variables ?? [];
  }

  /** Whether BatchNorm uses the statistics of the batch, so that a step cannot have fewer pictures. */
  get needsWholeBatches(): boolean {
    return this.parts.mixes;
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
    const { optimizer, batch, accumulate, perturb, signal } = o;
    const variables = new Set(model.trainable());
    const parameters = [...model.network.parameters.values()].filter((p) => variables.has(p.variable));
    if (parameters.length === 0) {
      throw new WgradError('invalid-argument', 'training: every parameter is frozen', {
        remedy: "Unfreeze some: model.unfreeze('fc')",
      });
    }
    const grouping = groupParameters(model, parameters, optimizer, o.groups ?? [], o.decayOn);
    const { kind } = requireScores(model.roles);
    const target = input('target', [batch], 'i32');
    const lossOf = ({ logits }: ModelGraph) => classLoss(kind, logits, target, { labelSmoothing: o.labelSmoothing });
    const clean = input(model.inputName, [batch, ...model.pictureShape]);
    const graph = model.graph({
      training: true,
      input: perturb ? perturb((pictures) => lossOf(model.graph({ input: pictures })), clean) : clean,
    });
    const loss = lossOf(graph);
    const gradients = grad(
      loss,
      parameters.map((p) => p.variable.tensor),
    );
    const slots = parameters.map((p) => optimizer.slot(p.variable));
    const settings = input('settings', [grouping.rows.length, SETTINGS]);
    const updatesFrom = (raw: readonly Tensor[]) =>
      withRole('update', () => {
        const clipped = clipGradients(raw, o);
        return slots.map((slot, i) => slot.update(clipped[i]!, settings, grouping.of[i]));
      });
    const sums = accumulate > 1 ? parameters.map(sumOf) : [];
    const weights = input('weights', [2]);
    const changes = accumulate > 1 ? sums.map((sum, i) => blend(sum, gradients[i]!, weights)) : updatesFrom(gradients);
    const outputs = { loss, logits: graph.logits };
    const { engine } = model;
    const made: { dispose(): void }[] = [];
    try {
      const compiled = { updates: [...changes, ...graph.updates], updateIf: loss };
      const program = await engine.compile({ outputs, ...compiled }, { signal });
      made.push(program);
      let apply: Program | undefined;
      if (accumulate > 1) {
        const updates = updatesFrom(sums.map((sum) => sum.tensor));
        apply = await engine.compile({ outputs: {}, updates, updateIf: settings }, { signal });
        made.push(apply);
      }
      let average: ParameterAverage | undefined;
      if (o.ema !== undefined) {
        average = await ParameterAverage.create(engine, [...variables], o.ema, signal);
      }
      const state = slots.flatMap((s: Slot) => s.state);
      const named = Object.fromEntries(parameters.map((p, i) => [p.name, gradients[i]!]));
      return new TrainStep({
        ...{ model, optimizer, grouping, program, apply, sums, state, average, batch, accumulate },
        gradients: named,
        mixes: graph.updates.length > 0,
      });
    } catch (error) {
      for (const part of made) part.dispose();
      engine.release([...slots.flatMap((s) => s.state), ...sums]);
      throw error;
    }
  }

  /**
   * @param pictures [pictures, C, H, W] @param targets class indices [pictures]; pictures with -100, the last ones,
   *   count for nothing.
   * @param lr the optimiser's learning rate in this step; groups have theirs in proportion.
   * @throws WgradError 'not-finite' where the loss, a gradient or a statistic is NaN or infinite, naming it: parameters,
   *   moments and statistics are then those before this step (with `accumulate`, statistics are those before the
   *   micro-batch). The signal's reason; a step that the GPU has begun it ends.
   */
  async run(
    pictures: Float32Array,
    targets: Int32Array,
    lr = this.parts.optimizer.lr,
    { signal }: RunOptions = {},
  ): Promise<StepResult> {
    const { program, apply, average } = this.parts;
    const settings = this.settings(lr);
    let [loss, correct] = [0, 0];
    try {
      for (const [micro, { feeds, labels, share }] of this.micros(pictures, targets).entries()) {
        const own: Feeds = apply ? { weights: [micro === 0 ? 0 : 1, share] } : { settings };
        const out = await program.run({ ...feeds, ...own }, { signal });
        loss += out.loss[0]! * share;
        correct += countCorrect(this.parts.model, out.logits, labels);
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
  profile(pictures: Float32Array, targets: Int32Array, options: ProfileOptions = {}): Promise<Profile> {
    const { model, program, apply, optimizer } = this.parts;
    const own: Feeds = apply ? { weights: [0, 1] } : { settings: this.settings(optimizer.lr) };
    return program.profile({ [model.inputName]: pictures, target: targets, ...own }, options);
  }

  /** The runs of a step: what each is fed, and its share of the step's pictures. */
  private micros(pictures: Float32Array, targets: Int32Array) {
    const { model, accumulate } = this.parts;
    const counted = (labels: Int32Array) => labels.reduce((n, label) => n + (label === IGNORED ? 0 : 1), 0);
    const all = Math.max(1, counted(targets));
    const runs = Array.from({ length: accumulate }, (_, micro) => {
      const part = <T extends Float32Array | Int32Array>(list: T) => {
        const size = list.length / accumulate;
        return list.subarray(micro * size, (micro + 1) * size) as T;
      };
      const labels = part(targets);
      const feeds: Feeds = { [model.inputName]: part(pictures), target: labels };
      return { feeds, labels, share: accumulate === 1 ? 1 : counted(labels) / all };
    });
    return runs.filter(({ share }, micro) => micro === 0 || share > 0);
  }

  /**
   * Gradients of the loss by the parameter's name, row-major, before any clipping, at the parameters as they are. Costs a
   * forward and a backward pass; the first call compiles.
   * @param pictures and targets as of {@link TrainStep.run}.
   */
  async gradients(
    pictures: Float32Array,
    targets: Int32Array,
    { signal }: RunOptions = {},
  ): Promise<Map<string, Float32Array>> {
    const { model, gradients } = this.parts;
    this.inspector ??= model.engine.compile({ outputs: gradients });
    const program = await this.inspector;
    const sums = new Map<string, Float32Array>();
    for (const { feeds, share } of this.micros(pictures, targets)) {
      for (const [name, values] of Object.entries(await program.run(feeds, { signal }))) {
        const sum = sums.get(name);
        if (sum) values.forEach((v, i) => (sum[i]! += share * v));
        else
          sums.set(
            name,
            values.map((v) => share * v),
          );
      }
    }
    return sums;
  }

  /** All rows of this step. */
  private settings(lr: number): number[] {
    const { optimizer, grouping } = this.parts;
    return grouping.rows.flatMap((row) => optimizer.settings(this.steps + 1, lr * row.factor, row.weightDecay));
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
    const { model, program, apply, sums, state, average } = this.parts;
    program.dispose();
    apply?.dispose();
    average?.dispose();
    this.inspector?.then(
      (inspector) => inspector.dispose(),
      () => undefined,
    );
    model.engine.release([...state, ...sums]);
  }
}

const sumOf = ({ variable: v }: NetworkParameter) =>
  new Variable(`${v.name}.gradient`, v.shape, new Float32Array(v.initial.length), v.layout);

/** Rows of logits [N, scores] that speak for the target. */
export function countCorrect(model: Model, logits: Float32Array, targets: Int32Array): number {
  const classes = logits.length / targets.length;
  let correct = 0;
  targets.forEach((target, i) => {
    if (model.predicted(logits.subarray(i * classes, (i + 1) * classes)) === target) correct++;
  });
  return correct;
}
