/**
 * What ascent maximises: small functions from a model's graph to a scalar, which add and scale:
 * `channel('layer3.5', 7).plus(logit('pug').times(0.1))`.
 */
import { WgradError } from '../errors.ts';
import { show } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Model, ModelGraph } from '../model/model.ts';
import { classColumns, requireScores } from '../model/roles.ts';
import { classIndex, type ClassTarget } from '../model/target.ts';
import { add as addTensors } from '../ops/binary.ts';
import { mean } from '../ops/reduce.ts';
import { reshape } from '../ops/reshape.ts';
import { slice } from '../ops/slice.ts';
import { affine } from '../ops/unary.ts';

export interface Objective {
  /** The objective on a graph of one picture: a tensor of one element. */
  (graph: ModelGraph, model: Model): Tensor;
  plus(other: Objective): Objective;
  /** A negative factor suppresses. */
  times(factor: number): Objective;
}

/** Makes an objective of any function of the graph; its result must have one element. */
export function objective(build: (graph: ModelGraph, model: Model) => Tensor): Objective {
  const scalar = (graph: ModelGraph, model: Model): Tensor => {
    const value = build(graph, model);
    if (value.size !== 1) {
      throw new WgradError('shape', `an objective must be one number; ${value} is ${show(value.shape)}`, {
        remedy: 'Reduce it with mean()',
      });
    }
    return reshape(value, []);
  };
  return Object.assign(scalar, {
    plus: (other: Objective) => objective((g, m) => addTensors(scalar(g, m), other(g, m))),
    times: (factor: number) => objective((g, m) => affine(scalar(g, m), factor)),
  });
}

/** Sum of objectives. */
export const add = (first: Objective, ...others: Objective[]): Objective => others.reduce((a, b) => a.plus(b), first);

export const scale = (o: Objective, factor: number): Objective => o.times(factor);

/** Mean over space of one channel of a layer's value [1,K,h,w], or its entry `index` where it is a vector [1,K]. */
export const channel = (layer: string, index: number): Objective =>
  objective((graph) => mean(unit(graph.value(layer), layer, [index])));

/** One position of one channel; default: the centre. */
export const neuron = (layer: string, index: number, y?: number, x?: number): Objective =>
  objective((graph) => {
    const value = graph.value(layer);
    const [, , h = 1, w = 1] = value.shape;
    const at = value.rank === 4 ? [index, y ?? Math.floor(h / 2), x ?? Math.floor(w / 2)] : [index];
    return unit(value, layer, at);
  });

/** The score of a class, by index or label; both classes of a binary classifier have one. */
export const logit = (target: ClassTarget): Objective =>
  objective((graph, model) => {
    const columns = classColumns(graph.logits, requireScores(model.roles).kind);
    return unit(columns, 'the logits', [classIndex(model, target)]);
  });

/** value[0, at...], whole along the axes that `at` leaves open. @throws WgradError 'unknown-name'. */
function unit(value: Tensor, name: string, at: readonly number[]): Tensor {
  const extents = value.shape.slice(1);
  at.forEach((index, axis) => {
    const extent = extents[axis] ?? 0;
    if (Number.isInteger(index) && index >= 0 && index < extent) return;
    const what = ['channel', 'row', 'column'][axis] ?? 'index';
    throw new WgradError('unknown-name', `${name} has no ${what} ${index}: its shape is ${show(value.shape)}`, {
      remedy: extent > 0 ? `Give one from 0 to ${extent - 1}` : '',
    });
  });
  const starts = [0, ...at, ...extents.slice(at.length).map(() => 0)];
  const sizes = [1, ...at.map(() => 1), ...extents.slice(at.length)];
  return slice(value, starts, sizes);
}
