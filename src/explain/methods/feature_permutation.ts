/**
 * Feature permutation by segments: R_s = mean over other pictures p of f(x) - f(x with p's pixels in segment s). What
 * Captum's FeaturePermutation draws one p at a time from a shuffled batch is computed here for all of them.
 */
import { WgradError } from '../../errors.ts';
import { sizeOf } from '../../graph/shape.ts';
import { count, floats, required } from '../../options.ts';
import { compileSegmentPasses, painted, weightedOutputs } from '../engines/segment_masks.ts';
import { noError, standardError } from '../errors.ts';
import { Pulse } from '../pulse.ts';
import { segmentOptions } from '../segments/index.ts';
import { segmentsOf } from '../segments/of_model.ts';
import { defineMethod } from '../types.ts';
import { oneHidden } from './feature_ablation.ts';

export const featurePermutation = defineMethod({
  summary: 'how much the score falls when a segment shows another picture',
  options: {
    pictures: required(floats('the other pictures [K,C,H,W], in input space')),
    ...segmentOptions,
    batch: count(8, 'masks in one run'),
  },
  target: 'one',
  cost: ({ pictures, labels }, size) => ({
    forwards: (2 + (labels ? labels.reduce((a, b) => Math.max(a, b), 0) : 35)) * ((pictures?.length ?? size) / size),
  }),
  async compile(model, score, { pictures, batch: limit, ...options }, { signal }) {
    const size = sizeOf(model.pictureShape);
    const others = pictures.length / size;
    if (!Number.isInteger(others) || others === 0) {
      throw new WgradError('shape', `feature-permutation: ${pictures.length} values are no pictures of ${size}`);
    }
    const passes = await compileSegmentPasses(model, score, { limit, labels: options.labels, signal });
    return {
      async run(run) {
        const segments = await segmentsOf('feature-permutation', model, run.pixels, options, run.signal);
        const bits = oneHidden(segments.count);
        const values = new Float64Array(segments.count);
        const squares = new Float64Array(segments.count);
        const pulse = new Pulse();
        const shape = [1, ...model.pictureShape.slice(1)] as [number, number, number];
        let score = 0;
        for (let k = 0; k < others; k++) {
          const fill = pictures.subarray(k * size, (k + 1) * size);
          const onProgress = run.onProgress && (({ done, total }: { done: number; total: number }) => run.onProgress!({ done: k * total + done, total: others * total })); // prettier-ignore
          const f = weightedOutputs(
            await passes.run({ ...segments, bits, fill, run: { ...run, onProgress } }),
            run.weights,
          );
          score = f[0]!;
          for (let s = 0; s < segments.count; s++) {
            values[s]! += (score - f[s + 1]!) / others;
            squares[s]! += (score - f[s + 1]!) ** 2 / others;
          }
          if (run.onPartial && k + 1 < others && pulse.due()) {
            run.onPartial({ map: painted(segments.labels, values.map((v) => (v * others) / (k + 1))), shape }); // prettier-ignore
          }
        }
        return {
          map: painted(segments.labels, values),
          shape,
          score,
          error: others > 1 ? standardError(values, squares, others) : noError('one picture has no spread'),
          regions: { labels: segments.labels, values },
        };
      },
      dispose: () => passes.dispose(),
    };
  },
});
