/** Objectives about units: channels, positions, directions, classes. Formulas are Lucid's (lucid/optvis/objectives.py). */
import { WgradError } from '../../errors.ts';
import { constant } from '../../graph/leaves.ts';
import { show } from '../../graph/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { classIndex, type ClassTarget } from '../../model/target.ts';
import { classColumns, requireScores } from '../../model/roles.ts';
import { div, maximum, mul, pow } from '../../ops/binary.ts';
import { mean, sum } from '../../ops/reduce.ts';
import { reshape } from '../../ops/reshape.ts';
import { scalar } from '../../graph/leaves.ts';
import { slice } from '../../ops/slice.ts';
import { logSoftmax } from '../../ops/softmax.ts';
import { affine, neg, softplus, sqrt, square } from '../../ops/unary.ts';
import type { Scene } from '../scene.ts';
import { objective, type Objective } from './objective.ts';

const inner = (t: Tensor) => t.shape.map((_, axis) => axis).slice(1);

/** Mean over space of one channel of a layer, or an entry of a vector. */
export function channel(layer: string, index: number): Objective {
  const unit = (scene: Scene) => picked(scene.value(layer), layer, [index]);
  return objective(`channel(${layer},${index})`, (s) => perPicture(mean, unit(s)), { layers: [layer], unit });
}

/** One position of one channel; default: the middle, [h / 2] and [w / 2] rounded down. */
export function neuron(layer: string, index: number, y?: number, x?: number): Objective {
  const where = y === undefined && x === undefined ? '' : `,${y ?? ''},${x ?? ''}`;
  const unit = (scene: Scene) => {
    const value = scene.value(layer);
    const [, , h = 1, w = 1] = value.shape;
    if (value.rank === 4) return picked(value, layer, [index, y ?? Math.floor(h / 2), x ?? Math.floor(w / 2)]);
    // A vector has the one position 0, 0.
    return picked(value, layer, y || x ? [index, y ?? 0, x ?? 0] : [index]);
  };
  return objective(`neuron(${layer},${index}${where})`, (s) => reshape(unit(s), [s.pictures]), {
    layers: [layer],
    unit,
  });
}

/** Mean square of a whole layer: deep dream. */
export const layer = (name: string): Objective =>
  objective(`layer(${name})`, (s) => perPicture(mean, square(s.value(name))), { layers: [name] });

/**
 * A direction in the space of a layer's channels: the mean over space of its product with the activations, times
 * max(0.1, their cosine)^power.
 * @param vector [K] @param power default 0.
 */
export function direction(layer: string, vector: ArrayLike<number>, power = 0): Objective {
  return objective(
    `direction(${layer},${vector.length} numbers${power ? `,${power}` : ''})`,
    (s) => perPicture(mean, dotCosine(mapOf(s, layer), direct(s, layer, vector), [1], power)),
    { layers: [layer] },
  );
}

/** {@link direction} at one position; default: the middle. */
export function directionNeuron(
  layer: string,
  vector: ArrayLike<number>,
  options: { power?: number; y?: number; x?: number } = {},
): Objective {
  const { power = 0 } = options;
  return objective(
    `directionNeuron(${layer},${vector.length} numbers${power ? `,${power}` : ''})`,
    (s) => {
      const map = mapOf(s, layer);
      const [n, k, h, w] = map.shape as [number, number, number, number];
      const at = slice(map, [0, 0, options.y ?? Math.floor(h / 2), options.x ?? Math.floor(w / 2)], [n, k, 1, 1]);
      return perPicture(mean, dotCosine(at, direct(s, layer, vector), [1], power));
    },
    { layers: [layer] },
  );
}

/** Mean over space of the cosine between a direction and the activations. @param vector [K] */
export const cosine = (layer: string, vector: ArrayLike<number>): Objective =>
  objective(
    `cosine(${layer},${vector.length} numbers)`,
    (s) => {
      const [map, v] = [mapOf(s, layer), direct(s, layer, vector)];
      const lengths = mul(affine(length(map, [1]), 1, 1e-8), affine(length(v, [1]), 1, 1e-8));
      return perPicture(mean, div(sum(mul(map, v), [1], true), lengths));
    },
    { layers: [layer] },
  );

/**
 * Product of a layer's activations with a pattern of them in the middle of the map, times max(0.1, cosine)^power.
 * @param pattern [K,h,w], no larger than the map. @param power default 1.
 */
export function tensorNeuron(
  layer: string,
  pattern: Float32Array,
  shape: readonly [number, number, number],
  power = 1,
): Objective {
  return objective(
    `tensorNeuron(${layer},${shape.join('x')})`,
    (s) => {
      const map = mapOf(s, layer);
      const [n, k, h, w] = map.shape as [number, number, number, number];
      const [channels, rows, columns] = shape;
      if (channels !== k || rows > h || columns > w || pattern.length !== k * rows * columns) {
        throw new WgradError('shape', `a pattern of ${shape.join(' x ')} for '${layer}', which is ${show(map.shape)}`);
      }
      const at = slice(map, [0, 0, Math.floor((h - rows) / 2), Math.floor((w - columns) / 2)], [n, k, rows, columns]);
      return perPicture(sum, dotCosine(at, constant(pattern, [1, ...shape]), [1, 2, 3], power));
    },
    { layers: [layer] },
  );
}

/** The score of a class, by index or label, before softmax or sigmoid. */
export function logit(target: ClassTarget): Objective {
  const unit = (s: Scene) => column(s, columnsOf(s), target);
  return objective(`logit(${quoted(target)})`, unit, { unit });
}

/** The logarithm of a class's probability: it raises a class and lowers the others. */
export const logProbability = (target: ClassTarget): Objective =>
  objective(`logprob(${quoted(target)})`, (s) => {
    const { kind } = requireScores(s.model.roles);
    return column(s, kind === 'single-label' ? logSoftmax(s.logits, 1) : neg(softplus(neg(columnsOf(s)))), target);
  });

const columnsOf = (s: Scene): Tensor => classColumns(s.logits, requireScores(s.model.roles).kind);

const column = (s: Scene, scores: Tensor, target: ClassTarget): Tensor =>
  reshape(slice(scores, [0, classIndex(s.model, target)], [s.pictures, 1]), [s.pictures]);

/** Labels with what separates arguments stand in quotes. */
export const quoted = (target: ClassTarget): string =>
  typeof target === 'string' && /[^\p{L}\p{N}_ .-]/u.test(target) ? `'${target}'` : String(target);

/** [N] of [N, ...]. */
export function perPicture(reduce: (t: Tensor, axes?: readonly number[]) => Tensor, t: Tensor): Tensor {
  return t.rank === 1 ? t : reduce(t, inner(t));
}

/** A layer as [N,K,h,w], a vector as a map of one position. */
export function mapOf(scene: Pick<Scene, 'value'>, layer: string): Tensor {
  const value = scene.value(layer);
  return value.rank === 2 ? reshape(value, [...value.shape, 1, 1]) : value;
}

function direct(s: Scene, layer: string, vector: ArrayLike<number>): Tensor {
  const k = mapOf(s, layer).shape[1]!;
  if (vector.length !== k) {
    throw new WgradError('shape', `a direction of ${vector.length} numbers in '${layer}', which has ${k} channels`);
  }
  return constant(Float32Array.from(vector), [1, k, 1, 1]);
}

const length = (t: Tensor, axes: readonly number[]) => sqrt(affine(sum(square(t), axes, true), 1, 1e-12));

/** x . v max(0.1, x . v / (|x| + 1e-4) / (|v| + 1e-4))^power along the axes. */
function dotCosine(x: Tensor, v: Tensor, axes: readonly number[], power: number): Tensor {
  const dot = sum(mul(x, v), axes, true);
  if (power === 0) return dot;
  const cosines = div(div(dot, affine(length(x, axes), 1, 1e-4)), affine(length(v, axes), 1, 1e-4));
  return mul(dot, pow(maximum(cosines, scalar(0.1)), power));
}

/** value[:, at...], whole along the axes that `at` leaves open. @throws WgradError 'unknown-name'. */
function picked(value: Tensor, name: string, at: readonly number[]): Tensor {
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
  const sizes = [value.shape[0]!, ...at.map(() => 1), ...extents.slice(at.length)];
  return slice(value, starts, sizes);
}
