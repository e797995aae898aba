/**
 * The function that is explained: f(x) = sum over outputs k of weight_k * outputs_k(x), the weights fed at run time, so
 * that one compiled program serves every class. Outputs are the logits, their (log-)probabilities, or one unit.
 */
import { WgradError } from '../errors.ts';
import { input, scalar } from '../graph/leaves.ts';
import { show } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { GraphOptions, Model, ModelGraph } from '../model/model.ts';
import { unit } from '../model/unit.ts';
import { classColumns, requireScores } from '../model/roles.ts';
import { minimum, mul, sub } from '../ops/binary.ts';
import { sum } from '../ops/reduce.ts';
import { reshape } from '../ops/reshape.ts';
import { logSoftmax, softmax } from '../ops/softmax.ts';
import { abs, affine, exp, log, neg, sigmoid } from '../ops/unary.ts';
import type { Target } from './types.ts';

/** The program input [1, outputs] that picks the target: one-hot, or ones for the sum over classes. */
export const CLASS_WEIGHTS = 'class_weights';

/** What a class target means: the value before softmax, as Captum and SHAP advise, or what comes after it. */
export type ClassOutput = 'logit' | 'probability' | 'log-probability';

export interface ScoreGraph {
  graph: ModelGraph;
  /** All that can be explained with this graph: [N, K]. */
  outputs: Tensor;
  /** f of each picture, [N]. */
  scores: Tensor;
}

/** Builds the network and the value explained on the input that `options` gives. */
export type Score = (options: GraphOptions) => ScoreGraph;

const links: Record<ClassOutput, (logits: Tensor) => Tensor> = {
  logit: (logits) => logits,
  probability: (logits) => softmax(logits, 1),
  'log-probability': (logits) => logSoftmax(logits, 1),
};

/** Of a binary classifier's one logit, and of independent labels. */
const sigmoidLinks: Record<ClassOutput, (logits: Tensor) => Tensor> = {
  logit: (logits) => logits,
  probability: sigmoid,
  'log-probability': (logits) => sub(minimum(logits, scalar(0)), log(affine(exp(neg(abs(logits))), 1, 1))),
};

/** The classes of the model. */
export function classScore(model: Model, output: ClassOutput): Score {
  // One input for all graphs of a program, such as a picture's and its baseline's.
  let weights: Tensor | undefined;
  return (options) => {
    const graph = model.graph(options);
    const { kind } = requireScores(model.roles);
    const outputs = (kind === 'single-label' ? links : sigmoidLinks)[output](classColumns(graph.logits, kind));
    weights ??= input(CLASS_WEIGHTS, [1, outputs.shape[1]!]);
    return { graph, outputs, scores: sum(mul(outputs, weights), [1]) };
  };
}

/** A unit by name, or what a function of the graph gives: one output. */
export const unitScore =
  (model: Model, target: Exclude<Target, number>): Score =>
  (options) => {
    const graph = model.graph(options);
    const batch = graph.input.shape[0]!;
    const value = typeof target === 'string' ? unit(target, (name) => graph.value(name)) : target(graph);
    if (value.rank === 0 || value.shape[0] !== batch) {
      throw new WgradError('shape', `explain: the target ${String(target)} has shape ${show(value.shape)}`, {
        remedy: `It must keep the batch axis: ${show([batch])} or ${show([batch])} with more axes behind it`,
      });
    }
    const flat = reshape(value, [batch, -1]);
    const outputs = sum(flat, [1], true);
    return { graph, outputs, scores: reshape(outputs, [batch]) };
  };
