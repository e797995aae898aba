/**
 * What the parts of a network are for, as plain data. Found once for each network (for ONNX in `src/onnx/roles.ts`), and
 * read by every command and method; nothing else guesses which output holds the classes or where the channels lie.
 */
import { WgradError } from '../errors.ts';
import { show } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import { concat } from '../ops/concat.ts';
import { reshape } from '../ops/reshape.ts';
import { neg, sigmoid } from '../ops/unary.ts';
import { softmax } from '../ops/softmax.ts';

/** The picture input. Pictures are given as [N,C,H,W] whatever the layout here: {@link Model.graph} transposes. */
export interface InputRole {
  name: string;
  /** The order in which the file wants a picture. */
  layout: 'nchw' | 'nhwc';
  channels: number;
  /** As the file has them; null where it leaves them open. A default: other extents are tried. */
  batch: number | null;
  height: number | null;
  width: number | null;
  /** The node for which other batches than the file's run in parts of that many pictures; absent where any is one run. */
  batchFixedBy?: string;
  /** Height and width of pictures: as asked for at loading, else the file's, else the preprocessing's crop, else 224. */
  size: readonly [number, number];
  /** Element type in the file, such as `f32` or `u8`; the engine computes in float32. */
  dtype: string;
  /**
   * The pixel value that stands for full brightness, where the file itself normalises pixels (or takes bytes); null
   * where it expects them normalised.
   */
  range: 1 | 255 | null;
}

/** What the file does to the class scores at its very end. */
export type Tail = 'none' | 'softmax' | 'log-softmax' | 'sigmoid';

/**
 * single-label: one of the classes is right. binary: one score, its sigmoid is the probability of class 1 of 2.
 * multi-label: each class is right or wrong by itself.
 */
export type ScoreKind = 'single-label' | 'binary' | 'multi-label';

export interface ScoresRole {
  /** The graph output that carries the classes. */
  output: string;
  /** The value before the tail: the logits. */
  value: string;
  tail: Tail;
  /** Axis of `value` that counts the scores; all others but the batch have extent 1. */
  classAxis: number;
  /** Scores a picture. */
  count: number;
  kind: ScoreKind;
  /** Path of the linear layer that makes the scores; undefined where there is none. */
  head: string | undefined;
  /** The last value with more than one position in space before the head, and the axis of its channels. */
  features: { value: string; channelAxis: number } | undefined;
}

export interface OutputRole {
  name: string;
  /** At the file's picture size. */
  shape: readonly number[];
}

export interface Roles {
  /** Undefined where no input of the network is a picture. */
  input: InputRole | undefined;
  outputs: readonly OutputRole[];
  /** Undefined where no output, or more than one, can be class scores: then `ask` says so. */
  scores: ScoresRole | undefined;
  /** Why there are no scores, with the choices. */
  ask?: { message: string; remedy: string };
}

/** @throws WgradError 'invalid-argument' listing the outputs, where the class scores are unknown. */
export function requireScores({ scores, ask }: Roles): ScoresRole {
  if (scores) return scores;
  throw new WgradError('invalid-argument', ask?.message ?? 'the model has no class scores', {
    remedy: ask?.remedy ?? 'Use its named outputs',
  });
}

/** @throws WgradError 'invalid-argument' where the network does not take pictures. */
export function requirePicture({ input }: Roles): InputRole {
  if (input) return input;
  throw new WgradError('invalid-argument', 'the model takes no picture: none of its inputs has rank 4', {
    remedy: 'Build its graph with model.network.build()',
  });
}

/** Classes that can be told apart: two for a single score. */
export const classesOf = ({ kind, count }: ScoresRole): number => (kind === 'binary' ? 2 : count);

/** The scores before the tail as [N, count]. @throws WgradError 'shape' where they are a map over space. */
export function scoreRows(value: Tensor, { classAxis, count, output }: ScoresRole): Tensor {
  const rows = value.rank === 0 ? 1 : classAxis === 0 ? value.size / count : value.shape[0]!;
  if (value.size !== rows * count) {
    throw new WgradError('shape', `the class scores of '${output}' are a map of shape ${show(value.shape)}`, {
      remedy: "Give pictures of the file's own size",
    });
  }
  return value.rank === 2 && classAxis === 1 ? value : reshape(value, [rows, count]);
}

/** Probabilities of logits [N, count]: softmax for one right class, sigmoid for a single score and for many labels. */
export const probabilitiesOf = (logits: Tensor, kind: ScoreKind): Tensor =>
  kind === 'single-label' ? softmax(logits, 1) : sigmoid(logits);

/** The class that a row of scores speaks for. */
export function predictedClass(kind: ScoreKind, row: ArrayLike<number>): number {
  if (kind === 'binary') return row[0]! > 0 ? 1 : 0;
  let best = 0;
  for (let i = 1; i < row.length; i++) if (row[i]! > row[best]!) best = i;
  return best;
}

/** One column a class: the one logit z of a binary classifier becomes [-z, z], the log odds of its two classes. */
export const classColumns = (logits: Tensor, kind: ScoreKind): Tensor =>
  kind === 'binary' ? concat([neg(logits), logits], 1) : logits;

/** Weights [classes] that pick a class of {@link classColumns}; for null all scores of the network, each once. */
export function classWeights(scores: ScoresRole, target: number | null): Float32Array {
  const weights = new Float32Array(classesOf(scores)).fill(target === null ? 1 : 0);
  if (target !== null) weights[target] = 1;
  else if (scores.kind === 'binary') weights[0] = 0;
  return weights;
}
