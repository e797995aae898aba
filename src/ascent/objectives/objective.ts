/**
 * What ascent raises: graph functions that add, scale and negate, and carry a name that says what they are, in the words
 * of the expressions that the command line takes: `channel('layer3.5', 7).minus(l1().times(1e-2))` is called
 * `channel(layer3.5,7) - 0.01*l1`.
 */
import { WgradError } from '../../errors.ts';
import { show } from '../../graph/shape.ts';
import { scalar } from '../../graph/leaves.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { add as addTensors, mul, sub } from '../../ops/binary.ts';
import { reshape } from '../../ops/reshape.ts';
import { affine } from '../../ops/unary.ts';
import type { Scene } from '../scene.ts';

/** A(x): what an ascent climbs. Objectives add, scale and carry a name that says what they are (Lucid's arithmetic). */
export interface Objective {
  /** For captions and logs. */
  readonly name: string;
  /** A score for each picture [N], or one for all of them together []. */
  build(scene: Scene): Tensor;
  /** The activations that it is about [N, ...], where it is about a unit: what share of them is dead is reported. */
  readonly unit?: ((scene: Scene) => Tensor) | undefined;
  /** The layers that it names, to be checked before anything is computed. */
  readonly layers: readonly string[];
  /** This and another; a number is the same for every picture. */
  plus(other: Objective | number): Objective;
  /** This less another. */
  minus(other: Objective | number): Objective;
  /** A negative factor suppresses; an objective multiplies score by score. */
  times(factor: Objective | number): Objective;
  /** Climbs down instead: `times(-1)`. */
  negated(): Objective;
}

/** What {@link objective} may be told beside the function. */
export interface ObjectiveParts {
  layers?: readonly string[];
  /** The activations that it is about: {@link Objective.unit}. */
  unit?: ((scene: Scene) => Tensor) | undefined;
}

/** Makes an objective of any function of the scene. @throws (at build) WgradError 'shape' unless it gives [N] or one number. */
export function objective(name: string, build: (scene: Scene) => Tensor, parts: ObjectiveParts = {}): Objective {
  const { layers = [], unit } = parts;
  const checked = (scene: Scene): Tensor => {
    const value = build(scene);
    if (value.size === 1) return reshape(value, scene.pictures === 1 ? [1] : []);
    if (value.rank === 1 && value.size === scene.pictures) return value;
    throw new WgradError('shape', `the objective ${name} is ${show(value.shape)}, not one number for each picture`, {
      remedy: 'Reduce it with mean(t, axes)',
    });
  };
  const both = (text: string, op: typeof mul, other: Objective) =>
    objective(text, (scene) => op(checked(scene), other.build(scene)), {
      layers: [...layers, ...other.layers],
      unit: unit ?? other.unit,
    });
  const sum = (sign: '+' | '-', given: Objective | number) => {
    const other = asObjective(given);
    return both(`${name} ${sign} ${sign === '-' ? grouped(other.name) : other.name}`, sign === '+' ? addTensors : sub, other); // prettier-ignore
  };
  return {
    name,
    build: checked,
    unit,
    layers,
    plus: (other) => sum('+', other),
    minus: (other) => sum('-', other),
    times: (factor) =>
      typeof factor === 'number'
        ? objective(`${short(factor)}*${grouped(name)}`, (s) => affine(checked(s), factor), parts)
        : both(`${grouped(name)}*${signed(grouped(factor.name))}`, mul, factor),
    negated: () => objective(`-${grouped(name)}`, (s) => affine(checked(s), -1), parts),
  };
}

const short = (factor: number) => String(Number(factor.toPrecision(6)));

/** A number as an objective: the same for every picture. */
export const asObjective = (value: Objective | number): Objective =>
  typeof value === 'number' ? objective(short(value), () => scalar(value)) : value;

/** In parentheses where it begins with a sign. */
const signed = (name: string) => (name.startsWith('-') ? `(${name})` : name);

/** In parentheses where it is a sum. */
const grouped = (name: string) => {
  let depth = 0;
  for (let i = 0; i < name.length; i++) {
    if (name[i] === '(') depth++;
    if (name[i] === ')') depth--;
    if (depth === 0 && i > 0 && / [+-] /.test(name.slice(i - 1, i + 2))) return `(${name})`;
  }
  return name;
};

/** Sum of objectives. */
export const add = (first: Objective, ...others: Objective[]): Objective => others.reduce((a, b) => a.plus(b), first);

/** `o.times(factor)`. */
export const scale = (o: Objective, factor: Objective | number): Objective => o.times(factor);
