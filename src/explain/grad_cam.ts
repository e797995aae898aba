/**
 * Grad-CAM: R = ReLU(sum_k a_k A_k), a_k = mean over space of d f_c / d A_k, for the activations A [K,h,w] of a layer.
 * (Selvaraju, Cogswell, Das, Vedantam, Parikh, Batra 2017, arXiv:1610.02391.) The gradient is taken with respect to
 * the activations, so that it does not matter which parameters are frozen.
 *
 * Defaults: the last stage, that is the last value [N,K,h,w] with more than one position before the scores; ReLU on.
 */
import { grad } from '../autograd/grad.ts';
import { WgradError } from '../errors.ts';
import { constantOp, inputOp, variableOp } from '../graph/leaves.ts';
import { show } from '../graph/shape.ts';
import { topologicalOrder, type Tensor } from '../graph/tensor.ts';
import { mul } from '../ops/binary.ts';
import { mean, sum } from '../ops/reduce.ts';
import { resizeBilinear } from '../ops/resize.ts';
import { relu } from '../ops/unary.ts';
import { buildScore, CLASS_WEIGHTS } from './score.ts';
import { defaults, type Method } from './types.ts';

export const gradCam: Method = {
  summary: 'activations of a layer, weighted by the mean gradient of their channel',
  target: 'one',
  async compile(model, options) {
    const { graph, scores } = buildScore(model, { batch: 1 });
    const activations = options.layer === undefined ? lastStage(scores) : graph.value(options.layer);
    if (activations.rank !== 4) {
      const name = options.layer ?? 'the last stage';
      throw new WgradError(
        'invalid-argument',
        `grad-cam: ${name} has shape ${show(activations.shape)}, not [N,K,h,w]`,
        {
          remedy: 'Choose a layer before global pooling',
        },
      );
    }
    const [g] = grad(scores, [activations]);
    const weighted = sum(mul(activations, mean(g!, [2, 3], true)), [1], true);
    const cam = (options.relu ?? defaults.relu) ? relu(weighted) : weighted;
    const [, height, width] = model.pictureShape;
    const upsampled = resizeBilinear(cam, [height, width]);
    const program = await model.engine.compile({ outputs: { map: cam, upsampled, scores } });
    const shape: [number, number, number] = [1, cam.shape[2]!, cam.shape[3]!];
    return {
      async run(pixels, classWeights, { signal, onProgress }) {
        signal?.throwIfAborted();
        const out = await program.run({ [model.inputName]: pixels, [CLASS_WEIGHTS]: classWeights });
        onProgress?.({ done: 1, total: 1 });
        return { map: out.map, shape, upsampled: out.upsampled, score: out.scores[0]! };
      },
      dispose: () => program.dispose(),
    };
  },
};

/** @throws WgradError 'invalid-argument' for a network without feature maps. */
function lastStage(scores: Tensor): Tensor {
  const leaves = [inputOp, constantOp, variableOp] as object[];
  const maps = topologicalOrder([scores])
    .filter((node) => !leaves.includes(node.op))
    .flatMap((node) => node.outputs)
    .filter((t) => t.dtype === 'f32' && t.rank === 4 && t.shape[2]! * t.shape[3]! > 1);
  const last = maps.at(-1);
  if (!last) throw new WgradError('invalid-argument', 'grad-cam: the network has no feature maps');
  return last;
}
