/**
 * Score-CAM: R = sum_k w_k A_k, w = softmax over channels k of f(x m_k), m_k being A_k enlarged to the picture (aligned
 * corners) and scaled to [0, 1]. No gradient. (Wang et al. 2020, arXiv:1910.01279.) A dead channel hides all.
 */
import { input } from '../../graph/leaves.ts';
import { sizeOf } from '../../graph/shape.ts';
import { div, sub } from '../../ops/binary.ts';
import { max, min } from '../../ops/reduce.ts';
import { resize } from '../../ops/resize.ts';
import { affine } from '../../ops/unary.ts';
import { count } from '../../options.ts';
import { camOptions, presentCam } from '../cam.ts';
import { compileMasked } from '../engines/masks.ts';
import { weightedOutputs } from '../engines/segment_masks.ts';
import { Pulse } from '../pulse.ts';
import { defineMethod } from '../types.ts';

export const scoreCam = defineMethod({
  summary: 'activations weighted by the score of the picture seen through them',
  options: { ...camOptions, batch: count(8, 'masks in one run') },
  target: 'one',
  // One mask a channel: 2,048 at the last stage of ResNet-50, the usual layer.
  cost: () => ({ forwards: 2049 }),
  async compile(model, score, { layer, relu, batch }, control) {
    const scored = score({ batch: 1 });
    const { value, channelsFirst } = scored.graph.map(layer);
    const activations = channelsFirst(value);
    const [, k, h, w] = activations.shape as [number, number, number, number];
    const [, height, width] = model.pictureShape;
    const first = await model.engine.compile({ outputs: { activations, scores: scored.scores } }, control);
    const masked = await compileMasked(model, score, {
      ...control,
      limit: Math.min(batch, k),
      mask(n) {
        const cells = resize(input('cells', [n, 1, h, w]), [height, width], { alignCorners: true });
        const low = min(cells, [1, 2, 3], true);
        return div(sub(cells, low), affine(sub(max(cells, [1, 2, 3], true), low), 1, 1e-8));
      },
    }).catch((error: unknown) => {
      first.dispose();
      throw error;
    });
    const fill = new Float32Array(sizeOf(model.pictureShape));
    return {
      async run(run) {
        const out = await first.run({ [model.inputName]: run.pixels, ...run.feeds });
        const feeds = (from: number) => {
          const cells = new Float32Array(masked.batch * h * w);
          cells.set(out.activations.subarray(from * h * w, (from + masked.batch) * h * w));
          return { cells };
        };
        const pulse = new Pulse();
        /** By the channels that have been seen through so far. */
        const present = (outputs: Float32Array, channels: number) => {
          const scores = weightedOutputs(outputs, run.weights).subarray(0, channels);
          const top = scores.reduce((a, b) => Math.max(a, b), -Infinity);
          const powers = scores.map((s) => Math.exp(s - top));
          const total = powers.reduce((a, b) => a + b, 0);
          const map = weightedSum(out.activations, powers.map((p) => p / total), h * w); // prettier-ignore
          return presentCam(model, map, [h, w], relu);
        };
        const onBatch = (outputs: Float32Array, done: number) => {
          if (run.onPartial && pulse.due()) run.onPartial(present(outputs, done));
        };
        const outputs = await masked.run({ count: k, feeds, fill, run, onBatch });
        return { ...present(outputs, k), score: out.scores[0]! };
      },
      dispose() {
        first.dispose();
        masked.dispose();
      },
    };
  },
});

/** sum_k w_k A_k of activations [K, positions]. */
export function weightedSum(activations: Float32Array, weights: Float64Array, positions: number): Float32Array {
  const map = new Float64Array(positions);
  weights.forEach((weight, k) => {
    for (let p = 0; p < positions; p++) map[p]! += weight * activations[k * positions + p]!;
  });
  return Float32Array.from(map);
}
