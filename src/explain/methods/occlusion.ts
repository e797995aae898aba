/**
 * Occlusion: R_i = mean over the windows that cover i of f(x) - f(x with the window hidden). (Zeiler and Fergus 2014,
 * arXiv:1311.2901.) Windows start every `stride` pixels from the top left; the last ones are cut at the border.
 */
import { WgradError } from '../../errors.ts';
import { sizeOf } from '../../graph/shape.ts';
import { count, finite } from '../../options.ts';
import { compileMasked, windowMasks } from '../engines/masks.ts';
import { noError } from '../errors.ts';
import { Pulse } from '../pulse.ts';
import { defineMethod } from '../types.ts';

/** Starts of windows that together cover `size` pixels. */
function starts(size: number, window: number, stride: number): number[] {
  const steps = Math.max(0, Math.ceil((size - window) / stride));
  return Array.from({ length: steps + 1 }, (_, i) => i * stride);
}

const windows = (size: number, window: number, stride: number) => Math.max(0, Math.ceil((size - window) / stride)) + 1;

export const occlusion = defineMethod({
  summary: 'how much the score falls when a window of the picture is hidden',
  options: {
    window: count(32, 'side of the window, pixels'),
    windowWidth: count(undefined, 'its width, where it is no square'),
    stride: count(16, 'pixels from one window to the next'),
    strideWidth: count(undefined, 'the same along a row, where it differs'),
    baseline: finite(0, 'value in input space that stands in a hidden window'),
    batch: count(8, 'windows in one run'),
  },
  target: 'one',
  cost: ({ window, stride }, size) => ({ forwards: windows(Math.sqrt(size / 3), window, stride) ** 2 + 1 }),
  async compile(model, score, { window, stride, baseline, batch, ...options }, control) {
    const { windowWidth = window, strideWidth = stride } = options;
    const [, h, w] = model.pictureShape;
    if (window > h || windowWidth > w) {
      throw new WgradError(
        'invalid-argument',
        `occlusion: a window of ${window} x ${windowWidth} is larger than the picture`,
      );
    }
    const [rows, columns] = [starts(h, window, stride), starts(w, windowWidth, strideWidth)];
    // No window comes first: the whole picture's score.
    const tops = [0, ...rows.flatMap((top) => columns.map(() => top))];
    const lefts = [0, ...rows.flatMap(() => columns)];
    const count = tops.length;
    const masked = await compileMasked(model, score, {
      ...control,
      mask: windowMasks([h, w]),
      limit: Math.min(batch, count),
    });
    const fill = new Float32Array(sizeOf(model.pictureShape)).fill(baseline);
    return {
      async run(run) {
        const feeds = (first: number) => {
          const edge = (list: readonly number[], extent: number) =>
            Float32Array.from({ length: masked.batch }, (_, k) =>
              first + k > 0 && first + k < count ? list[first + k]! + extent : 0,
            );
          return {
            top: edge(tops, 0),
            left: edge(lefts, 0),
            bottom: edge(tops, window),
            right: edge(lefts, windowWidth),
          };
        };
        const [pulse, shape] = [new Pulse(), [1, h, w] as [number, number, number]];
        /** The mean fall under the windows that have been hidden so far. */
        const seen = (outputs: Float32Array, done: number) => {
          const f = (k: number) => run.weights.reduce((n, v, i) => n + v * outputs[k * masked.outputs + i]!, 0);
          const score = f(0);
          const [total, cover] = [new Float64Array(h * w), new Float64Array(h * w)];
          for (let k = 1; k < done; k++) {
            const drop = score - f(k);
            for (let y = tops[k]!; y < Math.min(h, tops[k]! + window); y++) {
              for (let x = lefts[k]!; x < Math.min(w, lefts[k]! + windowWidth); x++) {
                total[y * w + x]! += drop;
                cover[y * w + x]!++;
              }
            }
          }
          return { score, map: Float32Array.from(total, (v, i) => (cover[i]! > 0 ? v / cover[i]! : 0)) };
        };
        const onBatch = (outputs: Float32Array, done: number) => {
          if (run.onPartial && pulse.due()) run.onPartial({ map: seen(outputs, done).map, shape });
        };
        const outputs = await masked.run({ count, feeds, fill, run, onBatch });
        const { score, map } = seen(outputs, count);
        return { map, shape, score, error: noError('exact: differences of scores, which promise no sum') };
      },
      dispose: () => masked.dispose(),
    };
  },
});
