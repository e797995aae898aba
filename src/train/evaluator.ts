/** What measures accuracy and loss, compiled for a model and the kind of its data. */
import type { Model } from '../model/model.ts';
import { requireScores } from '../model/roles.ts';
import type { Program } from '../plan/program.ts';
import type { Dataset } from './dataset.ts';
import { entranceFor, type Entrance } from './entrance.ts';
import type { EvaluateOptions, Evaluation } from './evaluate.ts';
import type { FrozenPart } from './frozen.ts';
import { classLoss, type LossData } from './loss.ts';
import { PictureSource, type Source } from './source.ts';
import { areRight, mainClasses, targetInput } from './targets.ts';

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
