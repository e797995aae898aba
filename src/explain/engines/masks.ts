/**
 * Forward passes under many masks: f(m * x + (1 - m) * fill). Masks are made on the device from a compact description,
 * such as segment labels with a few numbers a mask, or corners of a window; only scores come back.
 */
import { constant, input } from '../../graph/leaves.ts';
import type { Tensor } from '../../graph/tensor.ts';
import type { Model } from '../../model/model.ts';
import { add, greater, mul, sub } from '../../ops/binary.ts';
import { gather } from '../../ops/gather.ts';
import { reshape } from '../../ops/reshape.ts';
import { affine } from '../../ops/unary.ts';
import type { Feeds } from '../../plan/program.ts';
import type { Score } from '../score.ts';
import type { MethodRun } from '../types.ts';

export interface MaskedRequest {
  /** Number of masks. */
  count: number;
  /** What the mask builder needs for the masks from `first` on, for a whole batch of {@link Masked.batch}. */
  feeds: (first: number) => Feeds;
  /** What stands where the picture is hidden, [C,H,W]. */
  fill: Float32Array;
  run: MethodRun;
  /** Called with the outputs [done, K] so far, for partial results. */
  onBatch?: (outputs: Float32Array, done: number) => void;
}

export interface Masked {
  /** Masks in one run of the program. */
  readonly batch: number;
  /** K, the number of outputs: classes, or 1 for a unit. */
  readonly outputs: number;
  /** @returns all outputs of every mask, [count, K]. */
  run(request: MaskedRequest): Promise<Float32Array>;
  dispose(): void;
}

/**
 * @param options.mask builds [B,1,H,W], 1 where the picture shows, from inputs of its own.
 * @param options.limit masks in one run.
 */
export async function compileMasked(
  model: Model,
  score: Score,
  { mask, limit: batch, signal }: { mask: (batch: number) => Tensor; limit: number; signal?: AbortSignal | undefined },
): Promise<Masked> {
  const points = maskedPicture(model.pictureShape, mask(batch));
  const { outputs } = score({ input: points });
  const program = await model.engine.compile({ outputs: { outputs } }, { signal });
  const classes = outputs.shape[1]!;
  // The classes' weights are an input of the score only: the outputs do without.
  const needed = (feeds: Feeds) =>
    Object.fromEntries(Object.entries(feeds).filter(([name]) => program.plan.inputs.has(name)));
  return {
    batch,
    outputs: classes,
    async run({ count, feeds, fill, run, onBatch }) {
      const all = new Float32Array(count * classes);
      for (let first = 0; first < count; first += batch) {
        run.signal?.throwIfAborted();
        const given = { ...run.feeds, ...feeds(first), picture: run.pixels, fill };
        const result = await program.run(needed(given));
        const done = Math.min(first + batch, count);
        all.set(result.outputs.subarray(0, (done - first) * classes), first * classes);
        run.onProgress?.({ done, total: count });
        if (done < count) onBatch?.(all.subarray(0, done * classes), done);
      }
      return all;
    },
    dispose: () => program.dispose(),
  };
}

/** fill + mask (x - fill), from the inputs `picture` and `fill` [1,C,H,W]: exactly x where the mask is 1 and fill is 0. */
export function maskedPicture(shape: readonly [number, number, number], mask: Tensor): Tensor {
  const [x, fill] = [input('picture', [1, ...shape]), input('fill', [1, ...shape])];
  return add(mul(x, mask), mul(fill, affine(mask, -1, 1)));
}

/**
 * Masks of segments: inputs `labels` [H*W] (i32, from 0) and `shown` [B, capacity], 1 for the segments that show.
 * @param capacity at least the number of segments.
 */
export function segmentMasks([height, width]: readonly [number, number], capacity: number) {
  return (batch: number): Tensor => {
    const labels = input('labels', [height * width], 'i32');
    const shown = input('shown', [batch, capacity]);
    return reshape(gather(shown, labels, 1), [batch, 1, height, width]);
  };
}

/** Masks that hide one window each: inputs `top`, `left`, `bottom`, `right` [B,1,1,1]; the last two are exclusive. */
export function windowMasks([height, width]: readonly [number, number]) {
  const places = (n: number) => Float32Array.from({ length: n }, (_, i) => i + 0.5);
  const rows = constant(places(height), [1, 1, height, 1]);
  const columns = constant(places(width), [1, 1, 1, width]);
  return (batch: number): Tensor => {
    const edge = (name: string) => input(name, [batch, 1, 1, 1]);
    const inRows = mul(greater(rows, edge('top')), greater(edge('bottom'), rows));
    const inColumns = mul(greater(columns, edge('left')), greater(edge('right'), columns));
    return sub(constant([1]), mul(inRows, inColumns));
  };
}
