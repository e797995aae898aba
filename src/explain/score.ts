/** The function that is explained: f(x) = sum over classes of weight * logit, the weights fed at run time. */
import { input } from '../graph/leaves.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { GraphOptions, Model, ModelGraph } from '../model/model.ts';
import { mul } from '../ops/binary.ts';
import { sum } from '../ops/reduce.ts';
import { reshape } from '../ops/reshape.ts';

/** The program input [1, classes] that picks the target: one-hot, or ones for the sum over classes. */
export const CLASS_WEIGHTS = 'class_weights';

export interface ScoreGraph {
  graph: ModelGraph;
  /** f of each picture, [N]. */
  scores: Tensor;
}

/** Class weights are data, so that one compiled program serves every target. */
export function buildScore(model: Model, options: GraphOptions): ScoreGraph {
  const graph = model.graph(options);
  const batch = graph.input.shape[0]!;
  const logits = reshape(graph.logits, [batch, -1]);
  const weights = input(CLASS_WEIGHTS, [1, logits.shape[1]!]);
  return { graph, scores: sum(mul(logits, weights), [1]) };
}
