/**
 * Sums over many points, made on the device: M = sum_k w_k t_k, where the term t_k comes from one pass of the network,
 * such as its gradient at a point near the picture. The shape of SmoothGrad, integrated and expected gradients, DeepSHAP
 * over baselines, and their kin. Only M, where asked for the sum of the squared terms, and numbers are read back.
 */
import { grad } from '../../autograd/grad.ts';
import { input, Variable } from '../../graph/leaves.ts';
import { sizeOf } from '../../graph/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import type { Model } from '../../model/model.ts';
import { assign } from '../../ops/effects.ts';
import { add, mul } from '../../ops/binary.ts';
import { sum } from '../../ops/reduce.ts';
import { square } from '../../ops/unary.ts';
import type { Feeds } from '../../plan/program.ts';
import { Pulse } from '../pulse.ts';
import type { Score } from '../score.ts';
import type { MethodRun } from '../types.ts';

/** What one run of the program computes, for `batch` points. */
export interface Batch<V extends string> {
  /** t_k, [batch, C, H, W]: C, H, W of the picture or of a layer. */
  terms: Tensor;
  /** Numbers of each point, [batch], read back: f(x_k) and the like. */
  values: Readonly<Record<V, Tensor>>;
}

export interface SumOptions<V extends string> {
  /** Number of points, which sets the batch: the fewest runs of at most `limit`, evenly filled. */
  count: number;
  limit: number;
  build: (batch: number) => Batch<V>;
  /** Also add up the squares of the terms, for standard errors. */
  squares?: boolean;
  signal?: AbortSignal | undefined;
}

export interface SumRequest {
  /** w_k, one for each point; a point of weight 0 gives its values only. */
  weights: Float64Array;
  /** What `build` needs for the points from `first` on; those past the end have weight 0. */
  feeds: (first: number) => Feeds;
  run: MethodRun;
  /** From the device's sum to the map, for partial results; default: as it is. */
  finish?: (sum: Float32Array) => Float32Array;
}

export interface SumResult<V extends string> {
  map: Float32Array;
  /** sum_k w_k t_k^2, where `squares` was asked for. */
  squares?: Float32Array;
  values: Record<V, Float64Array>;
}

export interface Sum<V extends string> {
  /** Points in one run of the program; the points may be more, and need not be a multiple of it. */
  readonly batch: number;
  /** [C,H,W] of the terms. */
  readonly shape: [number, number, number];
  run(request: SumRequest): Promise<SumResult<V>>;
  dispose(): void;
}

export async function compileSum<V extends string>(model: Model, options: SumOptions<V>): Promise<Sum<V>> {
  const { count, limit, squares = false } = options;
  const batch = Math.ceil(count / Math.ceil(count / limit));
  const { terms, values } = options.build(batch);
  const shape = terms.shape.slice(1) as [number, number, number];
  const weights = input('point_weights', [batch, 1, 1, 1]);
  const zeros = new Float32Array(sizeOf(shape));
  const total = new Variable('attribution', shape, zeros);
  const totalOfSquares = squares ? new Variable('attribution_squares', shape, zeros) : undefined;
  const accumulate = (v: Variable, t: Tensor) => assign(v, add(v.tensor, sum(mul(t, weights), [0])));
  const updates = [accumulate(total, terms)];
  if (totalOfSquares) updates.push(accumulate(totalOfSquares, square(terms)));
  const { engine } = model;
  const program = await engine.compile({ outputs: values, updates }, { signal: options.signal });
  const names = Object.keys(values) as V[];

  return {
    batch,
    shape,
    async run({ weights, feeds, run, finish = (m) => m }) {
      const points = weights.length;
      const collected = Object.fromEntries(names.map((n) => [n, new Float64Array(points)])) as Record<V, Float64Array>;
      await engine.write(total, zeros);
      if (totalOfSquares) await engine.write(totalOfSquares, zeros);
      const pulse = new Pulse();
      const whole = weights.reduce((a, b) => a + b, 0);
      let weight = 0;
      for (let first = 0; first < points; first += batch) {
        run.signal?.throwIfAborted();
        const some = new Float32Array(batch);
        some.set(weights.subarray(first, first + batch));
        const result = await program.run({ ...feeds(first), point_weights: some, ...run.feeds });
        for (const name of names) collected[name].set(result[name].subarray(0, points - first), first);
        const done = Math.min(first + batch, points);
        weight += some.reduce((a, b) => a + b, 0);
        run.onProgress?.({ done, total: points });
        if (run.onPartial && weight > 0 && done < points && pulse.due()) {
          // As large as the sum will be, whatever the weights add up to.
          const soFar = (await engine.read(total)).map((v) => (v * whole) / weight);
          run.onPartial({ map: finish(soFar), shape });
        }
      }
      const map = await engine.read(total);
      return { map, values: collected, ...(totalOfSquares && { squares: await engine.read(totalOfSquares) }) };
    },
    dispose() {
      program.dispose();
      engine.release([total, ...(totalOfSquares ? [totalOfSquares] : [])]);
    },
  };
}

/**
 * The term that is a gradient: t(d f / d x) at the points [B,C,H,W]; f of each as `score`.
 * @param transform of each gradient, such as a square or a product with x - baseline.
 */
export function gradientTerms(
  score: Score,
  points: Tensor,
  transform: (gradients: Tensor) => Tensor = (g) => g,
): Batch<'score'> {
  const { graph, scores } = score({ input: points });
  const [g] = grad(sum(scores), [graph.input]);
  return { terms: transform(g!), values: { score: scores } };
}
