/**
 * Pictures of a step as augmentation makes them, on the device: the transforms of wgrad/transforms, then mixup or CutMix.
 * Transforms work on brightness, 0 for black and 1 for white, whatever the network's input space; what lies outside a
 * picture is black unless `border` says 'edge'. What is drawn for a picture is a function of the seed, the pass and the
 * picture's index alone: of no state, and not of those that it shares a batch with.
 */
import { WgradError } from '../errors.ts';
import { show } from '../graph/shape.ts';
import { constant } from '../graph/leaves.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Preprocess } from '../image/preprocess_spec.ts';
import { add, div, mul, sub } from '../ops/binary.ts';
import type { Feeds } from '../plan/program.ts';
import { Random } from '../random.ts';
import { transformed, type Transform } from '../transforms/index.ts';
import { drawMixing, mixed, mixes, type Mixing, type MixOptions } from './mix.ts';

export interface AugmentOptions extends MixOptions {
  /** From `wgrad/transforms`, in their order; the last one leaves the pictures' size. */
  augment?: readonly Transform[] | undefined;
}

export interface Augmented {
  y: Tensor;
  /** Of one run with the pictures of these indices; `mixings` where pictures are mixed. */
  draw(indices: readonly number[], pass: number): { feeds: Feeds; mixings?: readonly Mixing[] };
}

export const augments = (o: AugmentOptions): boolean => (o.augment?.length ?? 0) > 0 || mixes(o);

/** What makes an augmentation the same one: for checkpoints and kept features. */
export const augmentationName = ({ augment = [], mixup, cutmix }: AugmentOptions): string =>
  [...augment.map((t) => t.name), mixup && `mixup(${mixup})`, cutmix && `cutmix(${cutmix})`].filter(Boolean).join(', ');

/**
 * @param x [N,C,H,W] in the network's input space. @param seed of all draws.
 * @throws WgradError 'shape' where the transforms leave another size.
 */
export function augmented(
  x: Tensor,
  { mean, std }: Pick<Preprocess, 'mean' | 'std'>,
  o: AugmentOptions,
  seed: number,
): Augmented {
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const transforms = o.augment ?? [];
  let y = x;
  let drawn: ReturnType<typeof transformed>['draw'] | undefined;
  if (transforms.length > 0) {
    const [scale, shift] = [std, mean].map((list) => constant(list, [1, c, 1, 1])) as [Tensor, Tensor];
    const moved = transformed(add(mul(x, scale), shift), transforms, { id: 'augment' });
    if (moved.y.size !== x.size || moved.y.shape[2] !== h) {
      throw new WgradError('shape', `augment: the transforms make pictures of ${show(moved.y.shape.slice(2))}, the network takes ${show([h, w])}`, { remedy: `End with one that gives this size, such as resizedCrop([${h}, ${w}]) or fit([${h}, ${w}])` }); // prettier-ignore
    }
    y = div(sub(moved.y, shift), scale);
    drawn = moved.draw;
  }
  const mixing = mixes(o) ? mixed(y) : undefined;
  const random = new Random(seed);
  const of = (what: string, index: number, pass: number) => random.fork(`${what} ${pass} ${index}`);
  return {
    y: mixing?.y ?? y,
    draw(indices, pass) {
      // Rows that fill the batch up are the first picture again.
      const each = Array.from({ length: n }, (_, i) => of('augment', indices[i] ?? indices[0]!, pass));
      const mixings = mixing && indices.map((i) => drawMixing(of('mix', i, pass), o, [h, w]));
      return { feeds: { ...drawn?.(each), ...mixing?.feeds(mixings!) }, ...(mixings && { mixings }) };
    },
  };
}
