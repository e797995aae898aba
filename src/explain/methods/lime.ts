/**
 * LIME for pictures: the weights of a linear model of f over which segments show, fitted to random masks z near the
 * whole picture: min over w of sum_k pi(z_k) (f(z_k) - w z_k - w_0)^2 + alpha |w|^2, pi = sqrt(exp(-d^2 / width^2)).
 * (Ribeiro, Singh, Guestrin 2016, arXiv:1602.04938; its f is a probability: `output: 'probability'`.) Defaults are those
 * of the authors' LimeImageExplainer, but for the mean colour of a hidden segment, which is not truncated to 8 bits.
 */
import { WgradError } from '../../errors.ts';
import { choice, count, custom, nonNegative, positive, whole } from '../../options.ts';
import { Random } from '../../random.ts';
import { compileSegmentPasses, fillOf, hidingOptions, painted, weightedOutputs } from '../engines/segment_masks.ts';
import { segmentOptions } from '../segments/index.ts';
import { segmentsOf, type Segments } from '../segments/of_model.ts';
import { Pulse } from '../pulse.ts';
import { momentsOf, ridge, type Moments } from '../surrogate/ridge.ts';
import { selectionNames, selections, type Selection } from '../surrogate/select.ts';
import { defineMethod, type MethodResult, type MethodRun } from '../types.ts';

/** Of a mask that shows `shown` of `all` segments from the whole picture: what of its cosine is missing, or |z - 1|. */
const distances = {
  cosine: (shown: number, all: number) => 1 - Math.sqrt(shown / all),
  euclidean: (shown: number, all: number) => Math.sqrt(all - shown),
};

export const lime = defineMethod({
  summary: 'weight of each segment in a linear model of the score over which segments show',
  options: {
    samples: count(1000, 'masks, the whole picture first among them'),
    kernelWidth: positive(0.25, 'of the weight of a mask by its distance from the whole picture'),
    distance: choice(['cosine', 'euclidean'], 'cosine', 'between a mask and the whole picture'),
    alpha: nonNegative(1, 'ridge penalty of the final fit'),
    numFeatures: count(undefined, 'segments with a weight at most (default: all)'),
    featureSelection: choice(selectionNames, 'auto', 'how they are chosen; auto: forward up to 6, else highest'),
    seed: whole(0, 'of the masks'),
    masks: custom<Uint8Array>(
      'the masks themselves, [samples, segments], 1 shows; the first shows all',
      'a Uint8Array of 0 and 1',
      (v) => v instanceof Uint8Array && v.every((bit) => bit <= 1),
    ),
    ...hidingOptions('mean'),
    ...segmentOptions,
    batch: count(8, 'masks in one run'),
  },
  target: 'one',
  cost: ({ samples }) => ({ forwards: samples }),
  async compile(model, score, options, { signal }) {
    const { samples, seed, masks, kernelWidth, batch, numFeatures, featureSelection, alpha } = options;
    const limit = masks ? batch : Math.min(batch, samples);
    const distance = distances[options.distance];
    const [, h, w] = model.pictureShape;
    const passes = await compileSegmentPasses(model, score, { limit, labels: options.labels, signal });

    const explainEach = async (run: MethodRun, targets: readonly Float32Array[]): Promise<MethodResult[]> => {
      const segments = await segmentsOf('lime', model, run.pixels, options, run.signal);
      const bits = masks ? checkMasks(masks, segments.count) : randomMasks(samples, segments.count, seed);
      const fill = fillOf('lime', model, options, run.pixels, segments);
      const { count: features } = segments;
      const weights = Float64Array.from({ length: bits.length / features }, (_, k) => {
        const shown = bits.subarray(k * features, (k + 1) * features).reduce((n, bit) => n + bit, 0);
        return Math.sqrt(Math.exp(-((distance(shown, features) / kernelWidth) ** 2)));
      });
      const momentsSoFar = (outputs: Float32Array, masks: number) => {
        const scores = targets.map((target) => weightedOutputs(outputs, target));
        const moments = momentsOf({ bits, weights: weights.subarray(0, masks), features }, scores);
        return moments.map((moments, t) => ({ moments, score: scores[t]![0]! }));
      };
      const pulse = new Pulse();
      const onBatch = (outputs: Float32Array, done: number) => {
        if (!run.onPartial || targets.length > 1 || !pulse.due()) return;
        const { moments } = momentsSoFar(outputs, done)[0]!;
        // All segments, and never without a penalty: few masks may not tell them apart.
        const { coefficients } = ridge(moments, [...Array(features).keys()], Math.max(alpha, 0.01));
        run.onPartial({ map: painted(segments.labels, coefficients), shape: [1, h, w] });
      };
      const outputs = await passes.run({ ...segments, bits, fill, run, onBatch });
      return momentsSoFar(outputs, weights.length).map(({ moments, score }) =>
        fitted(moments, segments, score, [1, h, w], { numFeatures, featureSelection, alpha }),
      );
    };
    return {
      run: async (run) => (await explainEach(run, [run.weights]))[0]!,
      runEach: explainEach,
      dispose: () => passes.dispose(),
    };
  },
});

function randomMasks(samples: number, segments: number, seed: number): Uint8Array {
  const random = new Random(`lime ${seed}`);
  return Uint8Array.from({ length: samples * segments }, (_, i) => (i < segments || random.uniform() < 0.5 ? 1 : 0));
}

function checkMasks(masks: Uint8Array, segments: number): Uint8Array {
  if (masks.length === 0 || masks.length % segments !== 0) {
    throw new WgradError('shape', `lime: ${masks.length} values of masks for ${segments} segments`);
  }
  if (masks.subarray(0, segments).includes(0)) {
    throw new WgradError('invalid-argument', 'lime: the first mask hides a segment', {
      remedy: 'It must show the whole picture, which the distances are from',
    });
  }
  return masks;
}

function fitted(
  moments: Moments,
  { labels, count }: Segments,
  score: number,
  shape: [number, number, number],
  options: { numFeatures: number | undefined; featureSelection: Selection; alpha: number },
): MethodResult {
  if (moments.gram.every((v) => Math.abs(v) < 1e-12)) {
    throw new WgradError('invalid-argument', 'lime: all masks are equal', { remedy: 'Take more samples' });
  }
  const { numFeatures = count, featureSelection, alpha } = options;
  const chosen = selections[featureSelection](moments, numFeatures);
  const { coefficients, intercept, r2 } = ridge(moments, chosen, alpha);
  const values = new Float64Array(count);
  chosen.forEach((segment, i) => (values[segment] = coefficients[i]!));
  const prediction = coefficients.reduce((a, b) => a + b, intercept);
  return {
    map: painted(labels, values),
    shape,
    score,
    error: { kind: 'surrogate-fit', r2 },
    regions: { labels, values, intercept, prediction },
  };
}
