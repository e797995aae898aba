/**
 * Guided Grad-CAM: guided backpropagation times Grad-CAM, enlarged to the picture. (Selvaraju et al. 2017,
 * arXiv:1610.02391; Captum enlarges by the nearest value unless told otherwise.)
 */
import { grad } from '../../autograd/grad.ts';
import { mul } from '../../ops/binary.ts';
import { mean, sum } from '../../ops/reduce.ts';
import { resize } from '../../ops/resize.ts';
import { relu } from '../../ops/unary.ts';
import { choice } from '../../options.ts';
import { camOptions } from '../cam.ts';
import { noError } from '../errors.ts';
import { defineMethod, sensitivity } from '../types.ts';
import { failsRandomisation, guided } from './gradient.ts';

export const guidedGradCam = defineMethod({
  summary: 'guided backpropagation where Grad-CAM is positive',
  caution: `takes its detail from guided backpropagation, which ${failsRandomisation}`,
  display: sensitivity,
  options: {
    layer: camOptions.layer,
    interpolation: choice(['bilinear', 'nearest'], 'bilinear', 'how Grad-CAM is enlarged'),
  },
  target: 'one',
  cost: () => ({ gradients: 1 }),
  async compile(model, score, { layer, interpolation }, control) {
    const { graph, scores } = score({ batch: 1 });
    const { value, channelsFirst } = graph.map(layer);
    const [g] = grad(sum(scores), [value]);
    const cam = relu(sum(mul(channelsFirst(value), mean(channelsFirst(g!), [2, 3], true)), [1], true));
    const [back] = grad(sum(scores), [graph.input], { rules: guided });
    const [, height, width] = model.pictureShape;
    const map = mul(back!, resize(cam, [height, width], { mode: interpolation }));
    const program = await model.engine.compile({ outputs: { map, scores } }, control);
    return {
      async run({ pixels, feeds, onProgress }) {
        const { map, scores } = await program.run({ [model.inputName]: pixels, ...feeds });
        onProgress?.({ done: 1, total: 1 });
        return { map, shape: model.pictureShape, score: scores[0]!, error: noError('a product that promises no sum') };
      },
      dispose: () => program.dispose(),
    };
  },
});
