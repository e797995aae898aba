/**
 * Gradient: R_i = d f_c / d x_i, with its sign. (Simonyan, Vedaldi, Zisserman 2013, arXiv:1312.6034, show max over
 * channels of |R|: that is `channelReduce(map, 'abs-max')`.)
 */
import { grad } from '../../autograd/grad.ts';
import type { Tensor } from '../../graph/tensor.ts';
import type { Model } from '../../model/model.ts';
import { sum } from '../../ops/reduce.ts';
import { noError } from '../errors.ts';
import type { Score } from '../score.ts';
import { defineMethod, type CompiledMethod } from '../types.ts';

export const gradient = defineMethod({
  summary: 'gradient of the class score with respect to the picture',
  options: {},
  target: 'one',
  cost: () => ({ gradients: 1 }),
  compile: (model, score) => compileGradient(model, score, (g) => g),
});

/** One program for all classes: the map is `finish` of the gradient and the picture. */
export async function compileGradient(
  model: Model,
  score: Score,
  finish: (gradient: Tensor, picture: Tensor) => Tensor,
): Promise<CompiledMethod> {
  const { graph, scores } = score({ batch: 1 });
  const [g] = grad(sum(scores), [graph.input]);
  const program = await model.engine.compile({ outputs: { map: finish(g!, graph.input), scores } });
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
