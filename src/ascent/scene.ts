/** What an objective sees: the network on a batch of pictures being drawn, and the pictures themselves. */
import { WgradError } from '../errors.ts';
import { constant } from '../graph/leaves.ts';
import { show } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import { checkPicture } from '../model/gate.ts';
import type { Model, ModelGraph } from '../model/model.ts';
import { slice } from '../ops/slice.ts';

/** What an objective can speak of: the drawn pictures, and what the model makes of them. */
export interface Scene {
  readonly model: Model;
  /** Pictures in the batch; of a scene of one picture, 1. */
  readonly pictures: number;
  /** What leaves a layer: [N,K,h,w], channels first whatever the file's layout, or [N,K]. @throws WgradError 'unknown-name'. */
  value(layer: string): Tensor;
  /** Class scores before softmax or sigmoid [N, scores]. */
  readonly logits: Tensor;
  /** The pictures as they are drawn, before any transform: pixel values [N,C,H,W]. */
  readonly pixels: Tensor;
  /** The same in the network's units. */
  readonly input: Tensor;
  /** Opacity [N,1,H,W]. @throws WgradError 'invalid-argument' where the parametrisation has none. */
  readonly alpha: Tensor;
  /** The same layers of a given picture, in the network's units [C,H,W] or [1,C,H,W]: computed once. */
  reference(picture: Float32Array): Pick<Scene, 'value'>;
  /** One picture of the batch as a scene of its own. */
  only(index: number): Scene;
}

export interface Drawing {
  pixels: Tensor;
  input: Tensor;
  alpha?: Tensor | undefined;
}

/** @param graph the network on what it sees @param drawn the pictures before transforms. */
export function sceneOf(model: Model, graph: ModelGraph, drawn: Drawing): Scene {
  const [n, c, h, w] = graph.input.shape as [number, number, number, number];
  const references = new Map<Float32Array, ModelGraph>();
  const whole: Scene = {
    model,
    pictures: n,
    value: (layer) => channelsFirst(graph, layer),
    get logits() {
      return graph.logits;
    },
    pixels: drawn.pixels,
    input: drawn.input,
    get alpha() {
      if (drawn.alpha) return drawn.alpha;
      throw new WgradError('invalid-argument', 'the picture has no opacity', {
        remedy: 'Take another objective, or a parametrisation of your own that gives an opacity',
      });
    },
    reference(picture) {
      checkPicture(picture, [c, h, w], 'the reference picture');
      const known = references.get(picture) ?? model.graph({ input: constant(picture, [1, c, h, w]) });
      references.set(picture, known);
      return { value: (layer) => channelsFirst(known, layer) };
    },
    only: (index) => part(whole, index),
  };
  return whole;
}

function channelsFirst(graph: ModelGraph, layer: string): Tensor {
  const value = graph.value(layer);
  if (value.rank === 2) return value;
  if (value.rank === 4) return graph.map(layer).channelsFirst(value);
  throw new WgradError(
    'shape',
    `'${layer}' has shape ${show(value.shape)}: neither a map [N,K,h,w] nor a vector [N,K]`,
    {
      remedy: '`wgrad info MODEL` lists the layers',
    },
  );
}

function part(scene: Scene, index: number): Scene {
  if (scene.pictures === 1) return scene;
  const row = (t: Tensor) => slice(t, [index, ...t.shape.slice(1).map(() => 0)], [1, ...t.shape.slice(1)]);
  const single: Scene = {
    model: scene.model,
    pictures: 1,
    value: (layer) => row(scene.value(layer)),
    get logits() {
      return row(scene.logits);
    },
    get pixels() {
      return row(scene.pixels);
    },
    get input() {
      return row(scene.input);
    },
    get alpha() {
      return row(scene.alpha);
    },
    reference: (picture) => scene.reference(picture),
    only: () => single,
  };
  return single;
}
