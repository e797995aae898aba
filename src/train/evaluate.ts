/** Accuracy and loss of a model in eval mode over a dataset. */
import type { Model } from '../model/model.ts';
import { requireScores } from '../model/roles.ts';
import { abortSignal, callback, count, readOptions } from '../options.ts';
import type { Program } from '../plan/program.ts';
import { checkClasses, type Dataset } from './dataset.ts';
import type { FrozenPart } from './frozen.ts';
import { entranceFor, type Entrance } from './entrance.ts';
import { classLoss, type LossData } from './loss.ts';
import type { Scored } from './measures/scores.ts';
import { PictureSource, type Source } from './source.ts';
import { areRight, mainClasses, targetInput } from './targets.ts';

/** Also what the measures (`classReport`, `topK`, `calibration`, ...) are taken of. */
export interface Evaluation extends Scored {
  /** Share of pictures whose highest logit is the target's; with independent labels, of those with every label right. */
  accuracy: number;
  /** Mean cross-entropy. */
  loss: number;
  /** confusion[true class][predicted class], counts. */
  confusion: number[][];
  /** Logits [pictures, classes], in the order of the dataset; of a binary classifier with one score z: 0 and z. */
  scores: Float32Array;
  /** Class indices [pictures]; of several labels the first, and of none -1: `wanted` has them all. */
  labels: Int32Array;
  /** Of the model. */
  classes: number;
  /** Of a dataset whose targets are rows, these [pictures, classes]. */
  wanted?: Float32Array;
}

export interface EvaluateOptions {
  /** Default 16, at most the dataset's length. */
  batchSize?: number;
  signal?: AbortSignal;
  /** Called after each batch with pictures done and in all. */
  onProgress?: (done: number, total: number) => void;
}

const evaluateOptions = {
  batchSize: count(16, 'pictures in one run'),
  signal: abortSignal(),
  onProgress: callback<(done: number, total: number) => void>('called after each batch'),
};

/**
 * @throws WgradError 'invalid-argument', 'dataset-empty'; 'shape', 'not-finite', 'unknown-name' naming the sample; the
 *   signal's reason.
 */
export async function evaluate(model: Model, data: Dataset, options: EvaluateOptions = {}): Promise<Evaluation> {
  const { batchSize, signal } = readOptions('evaluate', evaluateOptions, { ...options });
  checkClasses(model, data, 'evaluate');
  const evaluator = await Evaluator.create(model, data, Math.min(batchSize, data.length), { signal });
  try {
    return await evaluator.run(data, options);
  } finally {
    evaluator.dispose();
  }
}

interface EvaluatorOptions {
  /** Of the training: the evaluation is then fed what it makes of pictures. */
  frozen?: FrozenPart | undefined;
  loss?: LossData | undefined;
  signal?: AbortSignal | undefined;
}

/** Compiled once, for repeated evaluations of a model that is being trained. */
export class Evaluator {
  private constructor(
    private readonly model: Model,
    /** Where pictures come in. */
    readonly entrance: Entrance,
    /** Whether its inputs are what the frozen part makes of pictures. */
    readonly isSplit: boolean,
    private readonly program: Program<'logits' | 'each'>,
  ) {}

  /** @param batch pictures in one run. */
  static async create(
    model: Model,
    data: Dataset,
    batch: number,
    { frozen, loss, signal }: EvaluatorOptions = {},
  ): Promise<Evaluator> {
    const entrance = entranceFor(model, data, { batch });
    const { picture } = entrance;
    const whole = model.graph({ input: picture }).logits;
    const cut = frozen?.batch === batch ? frozen.cut([whole], picture) : undefined;
    const logits = cut?.[0] ?? whole;
    const target = targetInput(batch, model.classes, entrance.soft);
    const each = classLoss(requireScores(model.roles).kind, logits, target, { reduction: 'none', loss });
    const program = await model.engine.compile({ outputs: { logits, each } }, { signal });
    return new Evaluator(model, entrance, cut !== undefined, program);
  }

  /** @param source default: the pictures, read anew. */
  async run(data: Dataset, { signal, onProgress }: EvaluateOptions = {}, source?: Source): Promise<Evaluation> {
    const { model, entrance } = this;
    const { batch } = entrance;
    const from = source ?? new PictureSource(entrance, data);
    const { classes } = model;
    const scores = new Float32Array(data.length * classes);
    const labels = new Int32Array(data.length);
    const rows = entrance.soft ? new Float32Array(data.length * classes) : undefined;
    const confusion = data.classes.map(() => new Array<number>(data.classes.length).fill(0));
    const everything = Array.from({ length: data.length }, (_, i) => i);
    let [loss, correct] = [0, 0];
    for (let at = 0; at < data.length; at += batch) {
      signal?.throwIfAborted();
      const indices = everything.slice(at, at + batch);
      const [micro] = await from.load(indices, { upcoming: everything.slice(at + batch, at + 2 * batch) });
      const { inputs, targets } = micro!;
      const out = await this.program.run({ ...inputs, target: targets }, { signal });
      const width = out.logits.length / batch;
      const wanted = mainClasses(targets, batch);
      const right = areRight(model, out.logits, targets, batch);
      rows?.set(targets.subarray(0, indices.length * classes), at * classes);
      for (const [k, i] of indices.entries()) {
        const row = out.logits.subarray(k * width, (k + 1) * width);
        const guess = model.predicted(row);
        scores.set(row, (i + 1) * classes - width);
        labels[i] = wanted[k]!;
        loss += out.each[k]!;
        if (right[k]) correct++;
        const counts = confusion[wanted[k]!];
        if (counts && guess < counts.length) counts[guess]!++;
      }
      onProgress?.(at + indices.length, data.length);
    }
    return {
      accuracy: correct / data.length,
      loss: loss / data.length,
      confusion,
      scores,
      labels,
      classes,
      ...(rows && { wanted: rows }),
    };
  }

  dispose(): void {
    this.program.dispose();
  }
}
