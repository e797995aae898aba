/** Accuracy and loss of a model in eval mode over a dataset. */
import type { Model } from '../model/model.ts';
import { abortSignal, callback, count, readOptions } from '../options.ts';
import { checkClasses, type Dataset } from './dataset.ts';
import { Evaluator } from './evaluator.ts';
import type { Scored } from './measures/scores.ts';

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
