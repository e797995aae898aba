/**
 * Gradients at many points near a picture, summed on the device: M = sum_k w_k t(d f / d x at x_k), the shape of
 * SmoothGrad, integrated and expected gradients and their kin. Only M, and where asked for the sum of the squared
 * terms, is read back; points are made on the device from what `points` describes.
 */
import { grad } from '../../autograd/grad.ts';
import { input, Variable } from '../../graph/leaves.ts';
import type { Tensor } from '../../graph/tensor.ts';
import type { Model } from '../../model/model.ts';
import { assign } from '../../ops/effects.ts';
import { add, mul } from '../../ops/binary.ts';
import { sum } from '../../ops/reduce.ts';
import { square } from '../../ops/unary.ts';
import type { Feeds } from '../../plan/program.ts';
import type { Score } from '../score.ts';
import type { MethodRun } from '../types.ts';

export interface PointsRequest {
  /** w_k, one for each point; a point of weight 0 gives its score only. */
  weights: Float64Array;
  /** What `points` needs for the points from `first` on; those past the end have weight 0. */
  feeds: (first: number) => Feeds;
  run: MethodRun;
  /** From the device's sum to the map, for partial results; default: as it is. */
  finish?: (sum: Float32Array) => Float32Array;
}

export interface PointsResult {
  map: Float32Array;
  /** sum_k w_k t_k^2, where `squares` was asked for. */
  squares?: Float32Array;
  /** f at each point. */
  scores: Float64Array;
}

export interface Points {
  /** Pictures in one run of the program; the points may be more, and need not be a multiple of it. */
  readonly batch: number;
  run(request: PointsRequest): Promise<PointsResult>;
  dispose(): void;
}

export interface PointsOptions {
  /** Number of points, which sets the batch: the fewest runs of at most `limit`, evenly filled. */
  count: number;
  limit: number;
  /** Builds the pictures [B,C,H,W] of one run from program inputs of its own. */
  points: (batch: number) => Tensor;
  /** Of each gradient [B,C,H,W] before it is weighted, such as a square or a product with x - baseline. */
  transform?: ((gradients: Tensor, points: Tensor) => Tensor) | undefined;
  /** Also add up the squares of what is added up, for standard errors. */
  squares?: boolean;
}

/** Partial maps are read no more often than this, milliseconds. */
const PARTIAL_EVERY = 400;

export async function compilePoints(model: Model, score: Score, options: PointsOptions): Promise<Points> {
  const { count, points, transform = (g) => g, squares = false } = options;
  const batch = Math.ceil(count / Math.ceil(count / options.limit));
  const shape = model.pictureShape;
  const { graph, scores } = score({ input: points(batch) });
  const [g] = grad(sum(scores), [graph.input]);
  const weights = input('point_weights', [batch, 1, 1, 1]);
  const terms = transform(g!, graph.input);
  const zeros = new Float32Array(shape[0] * shape[1] * shape[2]);
  const total = new Variable('attribution', shape, zeros);
  const totalOfSquares = squares ? new Variable('attribution_squares', shape, zeros) : undefined;
  const accumulate = (v: Variable, t: Tensor) => assign(v, add(v.tensor, sum(mul(t, weights), [0])));
  const updates = [accumulate(total, terms)];
  if (totalOfSquares) updates.push(accumulate(totalOfSquares, square(terms)));
  const { engine } = model;
  const program = await engine.compile({ outputs: { scores }, updates });

  return {
    batch,
    async run({ weights, feeds, run, finish = (m) => m }) {
      const points = weights.length;
      const scores = new Float64Array(points);
      await engine.write(total, zeros);
      if (totalOfSquares) await engine.write(totalOfSquares, zeros);
      let [shown, weight] = [performance.now(), 0];
      for (let first = 0; first < points; first += batch) {
        run.signal?.throwIfAborted();
        const some = new Float32Array(batch);
        some.set(weights.subarray(first, first + batch));
        const result = await program.run({ ...feeds(first), point_weights: some, ...run.feeds });
        scores.set(result.scores.subarray(0, points - first), first);
        const done = Math.min(first + batch, points);
        weight += some.reduce((a, b) => a + b, 0);
        run.onProgress?.({ done, total: points });
        if (run.onPartial && weight > 0 && done < points && performance.now() - shown > PARTIAL_EVERY) {
          const soFar = (await engine.read(total)).map((v) => v / weight);
          run.onPartial({ map: finish(soFar), shape });
          shown = performance.now();
        }
      }
      const map = await engine.read(total);
      return { map, scores, ...(totalOfSquares && { squares: await engine.read(totalOfSquares) }) };
    },
    dispose() {
      program.dispose();
      engine.release([total, ...(totalOfSquares ? [totalOfSquares] : [])]);
    },
  };
}
