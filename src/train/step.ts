/** One training step as one Program: forward, backward through the trainable parameters only, update. */
import { grad } from '../autograd/grad.ts';
import { WgradError } from '../errors.ts';
import { input, type Variable } from '../graph/leaves.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Model, ModelGraph } from '../model/model.ts';
import { requireScores } from '../model/roles.ts';
import { abortSignal, callback, count, custom, fraction, readOptions, required } from '../options.ts';
import type { Program, RunOptions } from '../plan/program.ts';
import { classLoss } from './loss.ts';
import { SCALARS, type Optimizer } from './optimizers.ts';

export interface StepOptions {
  optimizer: Optimizer;
  /** Pictures a step. */
  batch: number;
  labelSmoothing?: number;
  /**
   * The pictures trained on in place of the given ones [batch,C,H,W], such as `adversarialPoints` of wgrad/explain.
   * @param loss of pictures, with the batch's targets and the statistics of evaluation.
   */
  perturb?: ((loss: (pictures: Tensor) => Tensor, pictures: Tensor) => Tensor) | undefined;
  /** Stops the compilation. */
  signal?: AbortSignal | undefined;
}

const stepOptions = {
  optimizer: required(
    custom<Optimizer>('sgd(), adam() or adamw()', 'an optimizer', (v) => typeof v === 'object' && v !== null),
  ),
  batch: required(count(undefined, 'pictures a step')),
  labelSmoothing: fraction(0, 'share of the target that is spread over all classes'),
  perturb: callback<NonNullable<StepOptions['perturb']>>('makes the pictures trained on'),
  signal: abortSignal(),
};

export interface StepResult {
  /** Mean cross-entropy over the batch, before the update. */
  loss: number;
  /** Pictures whose highest logit was the target's. */
  correct: number;
}

export class TrainStep {
  /** Steps done. */
  steps = 0;

  private constructor(
    private readonly model: Model,
    private readonly optimizer: Optimizer,
    readonly program: Program<'loss' | 'logits'>,
    /** The optimiser's moments, by name. */
    readonly state: readonly Variable[],
    readonly batch: number,
  ) {}

  /** @throws WgradError 'invalid-argument' for a bad option, and where nothing is trainable. */
  static async create(model: Model, options: StepOptions): Promise<TrainStep> {
    const { optimizer, batch, labelSmoothing, perturb, signal } = readOptions('training', stepOptions, { ...options });
    const parameters = model.trainable();
    if (parameters.length === 0) {
      throw new WgradError('invalid-argument', 'training: every parameter is frozen', {
        remedy: "Unfreeze some: model.unfreeze('fc')",
      });
    }
    const { kind } = requireScores(model.roles);
    const target = input('target', [batch], 'i32');
    const lossOf = ({ logits }: ModelGraph) => classLoss(kind, logits, target, { labelSmoothing });
    const clean = input(model.inputName, [batch, ...model.pictureShape]);
    const graph = model.graph({
      training: true,
      input: perturb ? perturb((pictures) => lossOf(model.graph({ input: pictures })), clean) : clean,
    });
    const loss = lossOf(graph);
    const gradients = grad(
      loss,
      parameters.map((p) => p.tensor),
    );
    const scalars = input('scalars', [SCALARS]);
    const slots = parameters.map((p) => optimizer.slot(p));
    const updates = [...slots.map((slot, i) => slot.update(gradients[i]!, scalars)), ...graph.updates];
    const outputs = { loss, logits: graph.logits };
    const program = await model.engine.compile({ outputs, updates, updateIf: loss }, { signal });
    return new TrainStep(
      model,
      optimizer,
      program,
      slots.flatMap((s) => s.state),
      batch,
    );
  }

  /**
   * @param pictures [batch, C, H, W] @param targets class indices [batch]
   * @throws WgradError 'not-finite' where the loss, a gradient or a statistic is NaN or infinite, naming it: parameters,
   *   moments and statistics are then those before this step. The signal's reason; a step that the GPU has begun it ends.
   */
  async run(
    pictures: Float32Array,
    targets: Int32Array,
    lr = this.optimizer.lr,
    { signal }: RunOptions = {},
  ): Promise<StepResult> {
    const feeds = {
      [this.model.inputName]: pictures,
      target: targets,
      scalars: this.optimizer.scalars(this.steps + 1, lr),
    };
    const { loss, logits } = await this.program.run(feeds, { signal }).catch((error: unknown) => {
      if (!(error instanceof WgradError) || error.code !== 'not-finite') throw error;
      throw new WgradError('not-finite', `training step ${this.steps + 1}: ${error.message}`, {
        remedy: 'Lower the learning rate, and check the pictures and weights for NaN',
      });
    });
    this.steps++;
    return { loss: loss[0]!, correct: countCorrect(this.model, logits, targets) };
  }

  /** Frees the program and the optimiser's moments; the model keeps its parameters. */
  dispose(): void {
    this.program.dispose();
    this.model.engine.release(this.state);
  }
}

/** Rows of logits [N, scores] that speak for the target. */
export function countCorrect(model: Model, logits: Float32Array, targets: Int32Array): number {
  const classes = logits.length / targets.length;
  let correct = 0;
  targets.forEach((target, i) => {
    if (model.predicted(logits.subarray(i * classes, (i + 1) * classes)) === target) correct++;
  });
  return correct;
}
