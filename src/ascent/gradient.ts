/**
 * What is done to the gradient before the optimiser sees it: keras-vis's gradient modifiers, and its division by the
 * length. The gradient is that of the objective: the direction in which it rises.
 */
import type { Tensor } from '../graph/tensor.ts';
import { div } from '../ops/binary.ts';
import { norm } from '../ops/reduce.ts';
import { abs, affine, neg, reciprocal, relu } from '../ops/unary.ts';

type Modifier = (g: Tensor, pictures: number) => Tensor;

/** Of each picture by itself, where the tensor has one part for each. */
const perPicture = (g: Tensor, pictures: number) =>
  g.shape[0] === pictures ? g.shape.map((_, axis) => axis).slice(1) : undefined;

const modifiers = {
  /** g / (|g| + 1e-12): the step does not depend on the objective's scale. */
  normalize: (g, pictures) => div(g, affine(norm(g, perPicture(g, pictures), true), 1, 1e-12)),
  absolute: abs,
  /** Goes down instead of up. */
  negate: neg,
  /** Only what raises the objective by becoming brighter. */
  relu,
  /** Large where the gradient is small: |1 / (g + 1e-7)|. */
  'small-values': (g) => abs(reciprocal(affine(g, 1, 1e-7))),
} satisfies Record<string, Modifier>;

/** Name of a change that the gradient goes through before the optimiser sees it; keras-vis's `grad_modifier`. */
export type GradientModifier = keyof typeof modifiers;

/** All names of {@link GradientModifier}. */
export const gradientModifiers = Object.keys(modifiers) as GradientModifier[];

/** The gradient through the modifiers, in order. */
export const modified = (g: Tensor, names: readonly GradientModifier[], pictures: number): Tensor =>
  names.reduce<Tensor>((t, name) => (modifiers[name] as Modifier)(t, pictures), g);
