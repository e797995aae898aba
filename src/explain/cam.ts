/**
 * What all class activation maps share: A [N,K,h,w], the activations of a layer, and g = d f_c / d A. A method says
 * how they become weighted activations; here are the layer's choice, the sum over channels, smoothing, the ReLU, and
 * the way to the picture's size. The gradient is taken with respect to the activations, so that it does not matter
 * which parameters are frozen.
 */
import { grad } from '../autograd/grad.ts';
import type { Tensor } from '../graph/tensor.ts';
import { resizePlanes } from '../image/resize.ts';
import type { Model } from '../model/model.ts';
import { sum } from '../ops/reduce.ts';
import { flag, name } from '../options.ts';
import { noError } from './errors.ts';
import { principalComponent } from './principal_component.ts';
import { defineMethod, type MethodResult } from './types.ts';

/** Options that every CAM has. */
export const camOptions = {
  layer: name('layer, node or value whose activations are weighted (default: the last stage before global pooling)'),
  relu: flag(true, 'keep only what speaks for the target'),
};

export interface Cam {
  summary: string;
  /** Weighted activations [N,K,h,w] from activations and gradients of that shape; their sum over K is the map. */
  weigh(activations: Tensor, gradients: Tensor): Tensor;
  /** The map is the first principal component of the weighted activations, not their sum. Default false. */
  principal?: boolean;
}

/** A method that needs one forward pass, and a backward pass down to its layer. */
export const defineCam = ({ summary, weigh, principal = false }: Cam) =>
  defineMethod({
    summary,
    options: {
      ...camOptions,
      eigenSmooth: flag(principal, 'the first principal component of the weighted activations, in place of their sum'),
      augmentSmooth: flag(false, 'mean over the picture and its mirror image, each times 0.9, 1 and 1.1'),
    },
    target: 'one',
    // The way back ends at the layer: behind the last map, the usual one, it is next to nothing.
    cost: ({ augmentSmooth }) => ({ forwards: augmentSmooth ? 6 : 1 }),
    async compile(model, score, { layer, relu, eigenSmooth, augmentSmooth }, control) {
      const scored = score({ batch: 1 });
      const { value, channelsFirst } = scored.graph.map(layer);
      const [g] = grad(sum(scored.scores), [value]);
      const weighted = weigh(channelsFirst(value), channelsFirst(g!));
      const cam = eigenSmooth ? weighted : sum(weighted, [1], true);
      const program = await model.engine.compile({ outputs: { cam, scores: scored.scores } }, control);
      const [, , h, w] = cam.shape as [number, number, number, number];
      return {
        async run({ pixels, feeds, signal, onProgress }) {
          const views: readonly View[] = augmentSmooth ? views6(pixels, model.pictureShape[2]) : [asItIs(pixels)];
          const map = new Float32Array(h * w);
          let score = 0;
          for (const [i, view] of views.entries()) {
            signal?.throwIfAborted();
            const out = await program.run({ [model.inputName]: view.pixels, ...feeds });
            const one = eigenSmooth ? principalComponent(out.cam, h * w) : out.cam;
            const upright = view.mirrored ? mirrored(one, w) : one;
            upright.forEach((v, k) => (map[k]! += v / views.length));
            if (view.pixels === pixels) score = out.scores[0]!;
            onProgress?.({ done: i + 1, total: views.length });
          }
          return { ...presentCam(model, map, [h, w], relu), score };
        },
        dispose: () => program.dispose(),
      };
    },
  });

/** The ReLU, and the map at the picture's size: bilinear, half-pixel centres. */
export function presentCam(
  model: Model,
  signed: Float32Array,
  [height, width]: readonly [number, number],
  relu: boolean,
): Omit<MethodResult, 'score'> {
  const map = relu ? signed.map((v) => Math.max(0, v)) : signed;
  const [, h, w] = model.pictureShape;
  const upsampled = resizePlanes({ width, height, channels: 1, data: map }, w, h).data as Float32Array;
  const error = noError('a weighting of activations, which promises no sum');
  return { map, shape: [1, height, width], upsampled, error };
}

interface View {
  pixels: Float32Array;
  mirrored: boolean;
}

const asItIs = (pixels: Float32Array): View => ({ pixels, mirrored: false });

/** As pytorch-grad-cam's aug_smooth has them; the factors are of the network's input. */
function views6(pixels: Float32Array, width: number): View[] {
  const sides: View[] = [asItIs(pixels), { pixels: mirrored(pixels, width), mirrored: true }];
  return sides.flatMap((side) => [
    side,
    ...[0.9, 1.1].map((factor) => ({ ...side, pixels: side.pixels.map((v) => v * factor) })),
  ]);
}

/** Rows of `width`, each from right to left. */
const mirrored = (rows: Float32Array, width: number): Float32Array =>
  rows.map((_, i) => rows[i - (i % width) + (width - 1 - (i % width))]!);
