/** Accuracy and loss of a model in eval mode over a dataset. */
import { input } from '../graph/leaves.ts';
import type { Model } from '../model/model.ts';
import { requireScores } from '../model/roles.ts';
import { abortSignal, callback, count, readOptions } from '../options.ts';
import type { Program } from '../plan/program.ts';
import { checkClasses, type Dataset } from './dataset.ts';
import type { FrozenPart } from './frozen.ts';
import { classLoss } from './loss.ts';
import type { Scored } from './measures/scores.ts';
import { PictureSource, type Source } from './source.ts';

/** Also what the measures (`classReport`, `topK`, `calibration`, ...) are taken of. */
export interface Evaluation extends Scored {
  /** Share of pictures whose highest logit is the target's. */
  accuracy: number;
  /** Mean cross-entropy. */
  loss: number;
  /** confusion[true class][predicted class], counts. */
  confusion: number[][];
  /** Logits [pictures, classes], in the order of the dataset; of a binary classifier with one score z: 0 and z. */
  scores: Float32Array;
  /** Class indices [pictures]. */
  labels: Int32Array;
  /** Of the model. */
  classes: number;
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
  const evaluator = await Evaluator.create(model, Math.min(batchSize, data.length), { signal });
  try {
    return await evaluator.run(data, options);
  } finally {
    evaluator.dispose();
  }
}

interface EvaluatorOptions {
  /** Of the training: the evaluation is then fed what it makes of pictures. */
  frozen?: FrozenPart | undefined;
  signal?: AbortSignal | undefined;
}

/** Compiled once, for repeated evaluations of a model that is being trained. */
export class Evaluator {
  private constructor(
    private readonly model: Model,
    /** Pictures in one run. */
    readonly batch: number,
    /** Whether its inputs are what the frozen part makes of pictures. */
    readonly isSplit: boolean,
    private readonly program: Program<'logits' | 'each'>,
  ) {}

  static async create(model: Model, batch: number, { frozen, signal }: EvaluatorOptions = {}): Promise<Evaluator> {
    const picture = input(model.inputName, [batch, ...model.pictureShape]);
    const whole = model.graph({ input: picture }).logits;
    const cut = frozen?.batch === batch ? frozen.cut([whole], picture) : undefined;
    const logits = cut?.[0] ?? whole;
    const target = input('target', [batch], 'i32');
    const each = classLoss(requireScores(model.roles).kind, logits, target, { reduction: 'none' });
    const program = await model.engine.compile({ outputs: { logits, each } }, { signal });
    return new Evaluator(model, batch, cut !== undefined, program);
  }

  /** @param source default: the pictures, read anew. */
  async run(data: Dataset, { signal, onProgress }: EvaluateOptions = {}, source?: Source): Promise<Evaluation> {
    const { model, batch } = this;
    const from = source ?? new PictureSource(model, data, batch);
    const { classes } = model;
    const scores = new Float32Array(data.length * classes);
    const labels = new Int32Array(data.length);
    const confusion = data.classes.map(() => new Array<number>(data.classes.length).fill(0));
    const everything = Array.from({ length: data.length }, (_, i) => i);
    let [loss, correct] = [0, 0];
    for (let at = 0; at < data.length; at += batch) {
      signal?.throwIfAborted();
      const indices = everything.slice(at, at + batch);
      const [micro] = await from.load(indices, everything.slice(at + batch, at + 2 * batch));
      const { inputs, targets } = micro!;
      const out = await this.program.run({ ...inputs, target: targets }, { signal });
      const width = out.logits.length / batch;
      for (const [k, i] of indices.entries()) {
        const row = out.logits.subarray(k * width, (k + 1) * width);
        const guess = model.predicted(row);
        scores.set(row, (i + 1) * classes - width);
        labels[i] = targets[k]!;
        loss += out.each[k]!;
        if (guess === targets[k]) correct++;
        const counts = confusion[targets[k]!];
        if (counts && guess < counts.length) counts[guess]!++;
      }
      onProgress?.(at + indices.length, data.length);
    }
    return { accuracy: correct / data.length, loss: loss / data.length, confusion, scores, labels, classes };
  }

  dispose(): void {
    this.program.dispose();
  }
}
