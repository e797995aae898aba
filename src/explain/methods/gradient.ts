/**
 * Gradient: R_i = d f_c / d x_i, with its sign. (Simonyan, Vedaldi, Zisserman 2013, arXiv:1312.6034, show max over
 * channels of |R|: that is `channelReduce(map, 'abs-max')`.)
 */
import { grad, type GradOptions } from '../../autograd/grad.ts';
import type { Tensor } from '../../graph/tensor.ts';
import type { Model } from '../../model/model.ts';
import { mask } from '../../ops/binary.ts';
import { sum } from '../../ops/reduce.ts';
import { relu } from '../../ops/unary.ts';
import { noError } from '../errors.ts';
import type { Score } from '../score.ts';
import { defineMethod, sensitivity, type CompiledMethod } from '../types.ts';

/** By Adebayo et al. 2018, arXiv:1810.03292, and Nie, Zhang, Patel 2018, arXiv:1805.07039. */
export const failsRandomisation =
  'fails the randomisation check: it draws nearly the same picture when the classifier and the last layers are random';

export const gradient = defineMethod({
  summary: 'gradient of the class score with respect to the picture',
  display: sensitivity,
  options: {},
  target: 'one',
  cost: () => ({ gradients: 1 }),
  compile: (model, score, _, control) => compileGradient(model, score, control, (g) => g),
});

/**
 * Guided backpropagation: a ReLU passes back g where y > 0 and g > 0. (Springenberg, Dosovitskiy, Brox, Riedmiller
 * 2014, arXiv:1412.6806.) It draws the picture's edges more than the network's reasons: it hardly changes when
 * the last layers are made random (Adebayo et al. 2018, arXiv:1810.03292).
 */
export const guidedBackprop = defineMethod({
  summary: 'gradient through the positive parts of gradient and activation: crisp, but close to an edge detector',
  caution: failsRandomisation,
  display: sensitivity,
  options: {},
  target: 'one',
  cost: () => ({ gradients: 1 }),
  compile: (model, score, _, control) => compileGradient(model, score, control, (g) => g, guided),
});

/** Deconvnet: a ReLU passes back g where g > 0. (Zeiler and Fergus 2014, arXiv:1311.2901.) Fails as guided does. */
export const deconvnet = defineMethod({
  summary: 'gradient through the positive parts of the gradient alone',
  caution: failsRandomisation,
  display: sensitivity,
  options: {},
  target: 'one',
  cost: () => ({ gradients: 1 }),
  compile: (model, score, _, control) =>
    compileGradient(model, score, control, (g) => g, { relu: (_, [g]) => [() => relu(g!)] }),
});

export const guided: Rules = { relu: ({ outputs: [y] }, [g]) => [() => mask(relu(g!), y!)] };

type Rules = NonNullable<GradOptions['rules']>;

/** One program for all classes: the map is `finish` of the gradient and the picture. */
export async function compileGradient(
  model: Model,
  score: Score,
  control: { signal?: AbortSignal | undefined },
  finish: (gradient: Tensor, picture: Tensor) => Tensor,
  rules: Rules = {},
): Promise<CompiledMethod> {
  const { graph, scores } = score({ batch: 1 });
  const [g] = grad(sum(scores), [graph.input], { rules });
  const program = await model.engine.compile({ outputs: { map: finish(g!, graph.input), scores } }, control);
  return {
    async run({ pixels, feeds, onProgress }) {
      const { map, scores } = await program.run({ [model.inputName]: pixels, ...feeds });
      onProgress?.({ done: 1, total: 1 });
      const error = noError('exact: a derivative, which promises no sum');
      return { map, shape: model.pictureShape, score: scores[0]!, error };
    },
    dispose: () => program.dispose(),
  };
}
