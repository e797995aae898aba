/**
 * FullGrad: R = s(x g_x) + sum over biases b of s(b g_b), g_b the gradient at the place where b is added, and s(t) the
 * magnitude scaled to [0, 1] over the whole tensor, enlarged to the picture (aligned corners) and summed over channels.
 * (Srinivas and Fleuret 2019, arXiv:1905.00780.) For a network of ReLUs, f(x) = sum x g_x + sum of all b g_b, the
 * biases of the classifier included.
 *
 * The biases are those of convolutions and the shift that a BatchNorm with given statistics adds.
 */
import { grad } from '../../autograd/grad.ts';
import { topologicalOrder, type Tensor } from '../../graph/tensor.ts';
import { add, div, mul, sub } from '../../ops/binary.ts';
import { max, min, sum } from '../../ops/reduce.ts';
import { reshape } from '../../ops/reshape.ts';
import { resize } from '../../ops/resize.ts';
import { abs, affine } from '../../ops/unary.ts';
import { noError } from '../errors.ts';
import { defineMethod } from '../types.ts';

/** Values [1,C,h,w] to which a bias [C] is added, with that bias. */
function biases(scores: Tensor): [value: Tensor, bias: Tensor][] {
  return topologicalOrder([scores]).flatMap(({ op, inputs, outputs }): [Tensor, Tensor][] => {
    const value = outputs[0]!;
    if (value.rank !== 4) return [];
    const bias = op.name === 'batch_norm' ? inputs[6] : op.name === 'conv2d' ? inputs[2] : undefined;
    return bias ? [[value, bias]] : [];
  });
}

export const fullGrad = defineMethod({
  summary: 'what the input and every bias of the network contribute',
  options: {},
  target: 'one',
  cost: () => ({ gradients: 1 }),
  async compile(model, score, _, control) {
    const { graph, scores } = score({ batch: 1 });
    const places = biases(scores);
    const [gx, ...gs] = grad(sum(scores), [graph.input, ...places.map(([value]) => value)]);
    const [, height, width] = model.pictureShape;
    const scaled = (t: Tensor) => {
      const size = abs(t);
      const low = min(size, undefined, true);
      const share = div(sub(size, low), affine(sub(max(size, undefined, true), low), 1, 1e-8));
      // Enlarging is linear: the channels are summed first.
      return resize(sum(share, [1], true), [height, width], { alignCorners: true });
    };
    const terms = places.map(([, bias], i) => mul(reshape(bias, [1, bias.size, 1, 1]), gs[i]!));
    const map = terms.reduce((total, term) => add(total, scaled(term)), scaled(mul(graph.input, gx!)));
    const program = await model.engine.compile({ outputs: { map, scores } }, control);
    return {
      async run({ pixels, feeds, onProgress }) {
        const { map, scores } = await program.run({ [model.inputName]: pixels, ...feeds });
        onProgress?.({ done: 1, total: 1 });
        const error = noError('magnitudes, scaled tensor by tensor: their sum means nothing');
        return { map, shape: [1, height, width], score: scores[0]!, error };
      },
      dispose: () => program.dispose(),
    };
  },
});
