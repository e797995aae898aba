/**
 * Feature ablation by segments: R_s = f(x) - f(x with segment s hidden), at every pixel of s. (Captum's FeatureAblation
 * with a feature mask.)
 */
import { count } from '../../options.ts';
import { compileSegmentPasses, fillOf, hidingOptions, painted, weightedOutputs } from '../engines/segment_masks.ts';
import { noError } from '../errors.ts';
import { Pulse } from '../pulse.ts';
import { segmentOptions } from '../segments/index.ts';
import { segmentsOf } from '../segments/of_model.ts';
import { defineMethod, type MethodResult, type MethodRun } from '../types.ts';

/** All segments show, then each is hidden alone: [segments + 1, segments]. */
export function oneHidden(segments: number): Uint8Array {
  const bits = new Uint8Array((segments + 1) * segments).fill(1);
  for (let s = 0; s < segments; s++) bits[(s + 1) * segments + s] = 0;
  return bits;
}

export const featureAblation = defineMethod({
  summary: 'how much the score falls when a segment is hidden',
  options: { ...hidingOptions('zero'), ...segmentOptions, batch: count(8, 'masks in one run') },
  target: 'one',
  // As many segments as quickshift finds in a photograph.
  cost: ({ labels }) => ({ forwards: 2 + (labels ? labels.reduce((a, b) => Math.max(a, b), 0) : 35) }),
  async compile(model, score, options, { signal }) {
    const passes = await compileSegmentPasses(model, score, { limit: options.batch, labels: options.labels, signal });
    const explainEach = async (run: MethodRun, targets: readonly Float32Array[]): Promise<MethodResult[]> => {
      const segments = await segmentsOf('feature-ablation', model, run.pixels, options, run.signal);
      const fill = fillOf('feature-ablation', model, options, run.pixels, segments);
      const pulse = new Pulse();
      /** Of segments that are still to be hidden: 0. */
      const onBatch = (soFar: Float32Array) => {
        if (!run.onPartial || targets.length > 1 || !pulse.due()) return;
        const [score, ...hidden] = weightedOutputs(soFar, targets[0]!);
        const values = Float64Array.from({ length: segments.count }, (_, s) => score! - (hidden[s] ?? score!));
        run.onPartial({ map: painted(segments.labels, values), shape: [1, ...model.pictureShape.slice(1)] as [number, number, number] }); // prettier-ignore
      };
      const outputs = await passes.run({ ...segments, bits: oneHidden(segments.count), fill, run, onBatch });
      return targets.map((weights) => {
        const [score, ...hidden] = weightedOutputs(outputs, weights) as unknown as [number, ...number[]];
        const values = Float64Array.from(hidden, (v) => score - v);
        return {
          map: painted(segments.labels, values),
          shape: [1, ...model.pictureShape.slice(1)] as [number, number, number],
          score,
          error: noError('exact: differences of scores, which promise no sum'),
          regions: { labels: segments.labels, values },
        };
      });
    };
    return {
      run: async (run) => (await explainEach(run, [run.weights]))[0]!,
      runEach: explainEach,
      dispose: () => passes.dispose(),
    };
  },
});
