/**
 * Sums of gradients over many points near a picture: M = sum_k w_k t(d f / d x at x_k), the shape of SmoothGrad,
 * integrated gradients and their kin. The sum stays on the device, in a variable: only M is read back.
 */
import { grad } from '../autograd/grad.ts';
import { input, Variable } from '../graph/leaves.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Model } from '../model/model.ts';
import { assign } from '../ops/effects.ts';
import { add, mul } from '../ops/binary.ts';
import { sum } from '../ops/reduce.ts';
import type { Feeds } from '../plan/program.ts';
import { buildScore, CLASS_WEIGHTS } from './score.ts';
import type { MethodRun } from './types.ts';

export interface WeightedBatch {
  /** Pictures in one run of the program; the points may be more, and need not be a multiple of it. */
  readonly batch: number;
  /**
   * @param weights w_k, one for each point; a point of weight 0 gives its score only.
   * @param feeds what `points` needs for the points from `first` on; those past the end have weight 0.
   */
  run(request: {
    weights: Float64Array;
    feeds: (first: number) => Feeds;
    classWeights: Float32Array;
    control: MethodRun;
  }): Promise<{ map: Float32Array; scores: Float64Array }>;
  dispose(): void;
}

/**
 * @param count number of points, which sets the batch: the fewest runs of at most `limit`, evenly filled.
 * @param points builds the pictures [B,C,H,W] of one run from program inputs of its own.
 * @param transform of each gradient before it is weighted, such as a square.
 */
export async function compileWeightedBatch(
  model: Model,
  options: {
    count: number;
    limit: number;
    points: (batch: number) => Tensor;
    transform?: ((gradients: Tensor) => Tensor) | undefined;
  },
): Promise<WeightedBatch> {
  const { count, points, transform = (g) => g } = options;
  const batch = Math.ceil(count / Math.ceil(count / options.limit));
  const [c, h, w] = model.pictureShape;
  const { graph, scores } = buildScore(model, { input: points(batch) });
  const [g] = grad(sum(scores), [graph.input]);
  const weights = input('point_weights', [batch, 1, 1, 1]);
  const total = new Variable('attribution', [c, h, w], new Float32Array(c * h * w));
  const increment = sum(mul(transform(g!), weights), [0]);
  const updates = [assign(total, add(total.tensor, increment))];
  const { engine } = model;
  const program = await engine.compile({ outputs: { scores }, updates });

  return {
    batch,
    async run({ weights, feeds, classWeights, control }) {
      const points = weights.length;
      const scores = new Float64Array(points);
      engine.write(total, total.initial as Float32Array);
      for (let first = 0; first < points; first += batch) {
        control.signal?.throwIfAborted();
        const some = new Float32Array(batch);
        some.set(weights.subarray(first, first + batch));
        const result = await program.run({ ...feeds(first), point_weights: some, [CLASS_WEIGHTS]: classWeights });
        scores.set(result.scores.subarray(0, points - first), first);
        control.onProgress?.({ done: Math.min(first + batch, points), total: points });
      }
      return { map: await engine.read(total), scores };
    },
    dispose() {
      program.dispose();
      engine.release([total]);
    },
  };
}
