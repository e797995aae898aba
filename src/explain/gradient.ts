/**
 * Gradient: R_i = d f_c / d x_i, with its sign. (Simonyan, Vedaldi, Zisserman 2013, arXiv:1312.6034, show max over
 * channels of |R|: that is `channelReduce(map, 'abs-max')`.) No options.
 */
import type { Tensor } from '../graph/tensor.ts';
import type { Model } from '../model/model.ts';
import { grad } from '../autograd/grad.ts';
import { buildScore, CLASS_WEIGHTS } from './score.ts';
import type { CompiledMethod, Method } from './types.ts';

export const gradient: Method = {
  summary: 'gradient of the class score with respect to the picture',
  target: 'one',
  compile: (model) => compileGradient(model, (g) => g),
};

/** One program for all classes: the map is `finish` of the gradient and the picture. */
export async function compileGradient(
  model: Model,
  finish: (gradient: Tensor, picture: Tensor) => Tensor,
): Promise<CompiledMethod> {
  const { graph, scores } = buildScore(model, { batch: 1 });
  const [g] = grad(scores, [graph.input]);
  const program = await model.engine.compile({ outputs: { map: finish(g!, graph.input), scores } });
  return {
    async run(pixels, classWeights, { signal, onProgress }) {
      signal?.throwIfAborted();
      const { map, scores } = await program.run({ [model.inputName]: pixels, [CLASS_WEIGHTS]: classWeights });
      onProgress?.({ done: 1, total: 1 });
      return { map, shape: model.pictureShape, score: scores[0]! };
    },
    dispose: () => program.dispose(),
  };
}
