/** What methods on segments share: what stands where they are hidden, and the passes under masks of them. */
import { WgradError } from '../../errors.ts';
import type { Model } from '../../model/model.ts';
import { choice, count, custom, floats, type ResolvedOptions } from '../../options.ts';
import { boxBlur } from '../box_blur.ts';
import type { Score } from '../score.ts';
import { segmentMeans } from '../segments/labels.ts';
import type { Segments } from '../segments/of_model.ts';
import type { MethodRun } from '../types.ts';
import { compileMasked, segmentMasks } from './masks.ts';

type Hidden = 'mean' | 'zero' | 'blur';

/** What stands in hidden segments. */
export const hidingOptions = (fallback: Hidden) => ({
  hide: choice<Hidden>(['mean', 'zero', 'blur'], fallback, "what stands in a hidden segment: its own mean colour, the input's 0, or the picture blurred"), // prettier-ignore
  blurSize: count(16, 'blur: side of the box that is averaged, pixels'),
  color: custom<readonly number[]>(
    'RGB from 0 to 255 that stands there instead',
    'three numbers from 0 to 255',
    isColor,
  ),
  fill: floats('the picture [C,H,W] in input space whose pixels stand there instead'),
});

const isColor = (v: unknown) =>
  Array.isArray(v) && v.length === 3 && v.every((c) => typeof c === 'number' && c >= 0 && c <= 255);

type Hiding = ResolvedOptions<ReturnType<typeof hidingOptions>>;

/** [C,H,W] in input space. @throws WgradError 'shape', 'invalid-argument'. */
export function fillOf(
  what: string,
  model: Model,
  { hide, blurSize, color, fill }: Hiding,
  pixels: Float32Array,
  { labels, count: segments }: Segments,
): Float32Array {
  if (fill && color) throw new WgradError('invalid-argument', `${what}: both color and fill were given`);
  if (fill && fill.length !== pixels.length) {
    throw new WgradError('shape', `${what}: ${fill.length} values of fill for a picture of ${pixels.length}`);
  }
  if (fill) return fill;
  if (color) return uniform(what, model, color);
  switch (hide) {
    case 'mean':
      return segmentMeans(pixels, labels, segments);
    case 'blur':
      return boxBlur(pixels, model.pictureShape, blurSize);
    case 'zero':
      return new Float32Array(pixels.length);
  }
}

function uniform(what: string, { pictureShape, preprocess }: Model, color: readonly number[]): Float32Array {
  const [channels, h, w] = pictureShape;
  if (!preprocess || channels !== 3) {
    throw new WgradError('invalid-argument', `${what}: the model does not say what its input makes of a colour`, {
      remedy: "Give 'fill', in input space",
    });
  }
  const { mean, std } = preprocess;
  const out = new Float32Array(channels * h * w);
  for (let c = 0; c < channels; c++) {
    out.fill((color[c]! / 255 - (mean[c] ?? mean[0]!)) / (std[c] ?? std[0]!), c * h * w, (c + 1) * h * w);
  }
  return out;
}

export interface SegmentRequest extends Segments {
  /** Which segments show: 0 or 1, [masks, count]. */
  bits: Uint8Array;
  fill: Float32Array;
  run: MethodRun;
  onBatch?: ((outputs: Float32Array, done: number) => void) | undefined;
}

export interface SegmentPasses {
  /** Masks in one run of the program. */
  readonly batch: number;
  /** K */
  readonly outputs: number;
  /** @returns all outputs of every mask, [masks, K]. */
  run(request: SegmentRequest): Promise<Float32Array>;
  dispose(): void;
}

/** Segments that the first program holds: more of them compile another, of the next power of two. */
const FIRST_CAPACITY = 64;

export async function compileSegmentPasses(
  model: Model,
  score: Score,
  { limit, labels, signal }: { limit: number; labels?: Int32Array | undefined; signal?: AbortSignal | undefined },
): Promise<SegmentPasses> {
  const [, h, w] = model.pictureShape;
  let capacity = FIRST_CAPACITY;
  for (const label of labels ?? []) while (label >= capacity && capacity < h * w) capacity *= 2;
  const compile = (by: AbortSignal | undefined) =>
    compileMasked(model, score, { mask: segmentMasks([h, w], capacity), limit, signal: by });
  let masked = await compile(signal);
  const { batch, outputs } = masked;
  return {
    batch,
    outputs,
    async run({ labels, count: segments, bits, fill, run, onBatch }) {
      if (segments > capacity) {
        while (segments > capacity) capacity *= 2;
        const larger = await compile(run.signal);
        masked.dispose();
        masked = larger;
      }
      const count = bits.length / segments;
      const feeds = (first: number) => {
        const shown = new Float32Array(batch * capacity);
        for (let k = 0; k < Math.min(batch, count - first); k++) {
          shown.set(bits.subarray((first + k) * segments, (first + k + 1) * segments), k * capacity);
        }
        return { labels, shown };
      };
      return masked.run({ count, feeds, fill, run, ...(onBatch && { onBatch }) });
    },
    dispose: () => masked.dispose(),
  };
}

/** The value explained under each mask, from all outputs [masks, K]. */
export function weightedOutputs(outputs: Float32Array, weights: Float32Array): Float64Array {
  const classes = weights.length;
  return Float64Array.from({ length: outputs.length / classes }, (_, k) =>
    weights.reduce((n, v, i) => n + v * outputs[k * classes + i]!, 0),
  );
}

/** One value a segment as a picture [H*W]. */
export const painted = (labels: Int32Array, values: ArrayLike<number>): Float32Array =>
  Float32Array.from(labels, (label) => values[label]!);
