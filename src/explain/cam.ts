/**
 * What all class activation maps share: A [N,K,h,w], the activations of a layer, and g = d f_c / d A. A method says
 * how they become one map; here are the layer's choice, the ReLU, and the way to the picture's size. The gradient is
 * taken with respect to the activations, so that it does not matter which parameters are frozen.
 */
import { grad } from '../autograd/grad.ts';
import type { Tensor } from '../graph/tensor.ts';
import { sum } from '../ops/reduce.ts';
import { resizeBilinear } from '../ops/resize.ts';
import { relu } from '../ops/unary.ts';
import { flag, name, type GivenKind } from '../options.ts';
import { noError } from './errors.ts';
import { defineMethod } from './types.ts';

/** Options of every CAM. */
export const camOptions = {
  layer: name('layer, node or value whose activations are weighted (default: the last stage before global pooling)'),
  relu: flag(true, 'keep only what speaks for the target'),
};

export interface Cam {
  summary: string;
  /** The signed map [N,1,h,w] from activations and gradients [N,K,h,w]. */
  combine(activations: Tensor, gradients: Tensor): Tensor;
  /** False where the paper has no ReLU at the end; default true. */
  relu?: boolean;
}

/** A method that needs one forward and one backward pass. */
export const defineCam = ({ summary, combine, relu: keepsPositive = true }: Cam) =>
  defineMethod({
    summary,
    options: { ...camOptions, relu: { ...camOptions.relu, default: keepsPositive } as GivenKind<boolean> },
    target: 'one',
    cost: () => ({ gradients: 1 }),
    async compile(model, score, options) {
      const scored = score({ batch: 1 });
      const { value, channelsFirst } = scored.graph.map(options.layer);
      const [g] = grad(sum(scored.scores), [value]);
      const signed = combine(channelsFirst(value), channelsFirst(g!));
      const map = options.relu ? relu(signed) : signed;
      const [, height, width] = model.pictureShape;
      const outputs = { map, upsampled: resizeBilinear(map, [height, width]), scores: scored.scores };
      const program = await model.engine.compile({ outputs });
      const shape: [number, number, number] = [1, map.shape[2]!, map.shape[3]!];
      return {
        async run({ pixels, feeds, onProgress }) {
          const out = await program.run({ [model.inputName]: pixels, ...feeds });
          onProgress?.({ done: 1, total: 1 });
          const error = noError('a weighting of activations, which promises no sum');
          return { map: out.map, shape, upsampled: out.upsampled, score: out.scores[0]!, error };
        },
        dispose: () => program.dispose(),
      };
    },
  });
