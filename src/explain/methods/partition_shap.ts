/**
 * Partition SHAP: Owen values of the picture's halves, of their halves, and so on, down to where the passes are spent;
 * the rest of a box is spread over its pixels. (Owen 1977; shap's PartitionExplainer with its image masker.) Adds up to
 * v(all) - v(nothing) at any depth. Colour channels stay runEach, where shap would split a single pixel's.
 */
import { WgradError } from '../../errors.ts';
import { choice, count } from '../../options.ts';
import { checkBlur } from '../box_blur.ts';
import { compileMasked, segmentMasks } from '../engines/masks.ts';
import { fillOf, hidingOptions, weightedOutputs } from '../engines/segment_masks.ts';
import { completeness } from '../errors.ts';
import { Pulse } from '../pulse.ts';
import { HalvingTree, owenValues } from '../shapley/halving.ts';
import { defineMethod, type MethodRun, type MethodResult } from '../types.ts';

export const partitionShap = defineMethod({
  summary: 'what each part of the picture adds to the score, halved further where it matters',
  options: {
    ...hidingOptions('blur'),
    maxEvals: count(500, 'passes at most, those of the whole and of the hidden picture included (shap: 500)'),
    fixedContext: choice(['both', 0, 1], 'both', 'what the other half does meanwhile: hidden (0, quicker), showing (1), or the mean of both'), // prettier-ignore
    batch: count(10, 'pictures in one run, chosen before any of them is seen (shap: 10)'),
  },
  target: 'one',
  cost: ({ maxEvals }) => ({ forwards: maxEvals }),
  async compile(model, score, { maxEvals, fixedContext, batch, ...hiding }, control) {
    if (maxEvals < 4) {
      throw new WgradError('invalid-argument', `partition-shap: maxEvals is ${maxEvals}; the first halving takes 4`, {
        remedy: 'Two passes for the whole and the hidden picture, and two for each halving: some hundred are usual',
      });
    }
    checkBlur(hiding.blurSize);
    const [, h, w] = model.pictureShape;
    // Every halving makes one cell more.
    const capacity = Math.min(h * w, Math.floor(maxEvals / 2));
    const masked = await compileMasked(model, score, {
      ...control,
      mask: segmentMasks([h, w], capacity),
      limit: 2 * Math.ceil(Math.min(batch, maxEvals) / 2),
    });

    async function runEach(run: MethodRun, weights: readonly Float32Array[]): Promise<MethodResult[]> {
      const tree = new HalvingTree(h, w, weights.length);
      const fill = fillOf('partition-shap', model, hiding, run.pixels, { labels: tree.labels, count: 1 });
      if (run.pixels.every((v, i) => v === fill[i])) {
        throw new WgradError('invalid-argument', 'partition-shap: the hidden picture is the picture itself', {
          remedy: "Hide it by something else: 'hide', 'color' or 'fill'",
        });
      }
      let done = 0;
      /** Scores of each target, of pictures that show these cells. */
      async function evaluate(masks: readonly (readonly number[])[]): Promise<Float64Array[]> {
        const { batch } = masked;
        const feeds = (first: number) => {
          const shown = new Float32Array(batch * capacity);
          masks.slice(first, first + batch).forEach((cells, k) => {
            for (const cell of cells) shown[k * capacity + cell] = 1;
          });
          return { labels: tree.labels, shown };
        };
        const quiet = { ...run, onProgress: undefined };
        const outputs = await masked.run({ count: masks.length, feeds, fill, run: quiet });
        done += masks.length;
        run.onProgress?.({ done, total: maxEvals });
        const scores = weights.map((of) => weightedOutputs(outputs, of));
        return masks.map((_, k) => Float64Array.from(scores, (of) => of[k]!));
      }
      const [nothing, all] = (await evaluate([[], [0]])) as [Float64Array, Float64Array];
      const pulse = new Pulse();
      await owenValues({
        tree,
        nothing,
        all,
        budget: maxEvals - 2,
        batch,
        context: fixedContext,
        evaluate: (masks) => evaluate(masks.map((parts) => parts.flatMap((part) => tree.cellsOf(part)))),
        onBatch(waiting) {
          if (!run.onPartial || !pulse.due()) return;
          run.onPartial({ map: Float32Array.from(tree.maps(waiting)[0]!), shape: [1, h, w] });
        },
      });
      return tree.maps().map((map, k) => ({
        map: Float32Array.from(map),
        shape: [1, h, w],
        score: all[k]!,
        error: completeness(map, all[k]! - nothing[k]!),
      }));
    }
    return {
      run: async (run) => (await runEach(run, [run.weights]))[0]!,
      runEach,
      dispose: () => masked.dispose(),
    };
  },
});
