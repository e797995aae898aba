/** Objectives about the pictures of a batch together, as in Lucid. They are one number for all of them. */
import { WgradError } from '../../errors.ts';
import { constant } from '../../graph/leaves.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { add, addN, div, mul, sub } from '../../ops/binary.ts';
import { matmul } from '../../ops/matmul.ts';
import { mean, sum } from '../../ops/reduce.ts';
import { reshape } from '../../ops/reshape.ts';
import { slice } from '../../ops/slice.ts';
import { affine, sqrt, square } from '../../ops/unary.ts';
import type { Scene } from '../scene.ts';
import { objective, type Objective } from './objective.ts';
import { mapOf } from './units.ts';

function several(scene: Scene, name: string): void {
  if (scene.pictures > 1) return;
  throw new WgradError('invalid-argument', `${name} compares the pictures of a batch, and there is one`, {
    remedy: 'Draw several: { pictures: 4 }',
  });
}

/**
 * How alike the pictures' textures are at a layer: the mean over pictures of the sum over the others of the product of
 * their Gram matrices, each of length 1. Taken away, it makes the pictures of one unit differ: `.minus(diversity(...))`.
 */
export const diversity = (layer: string): Objective =>
  objective(
    `diversity(${layer})`,
    (s) => {
      several(s, 'diversity');
      const map = mapOf(s, layer);
      const [n, k, h, w] = map.shape as [number, number, number, number];
      const flat = reshape(map, [n, k, h * w]);
      const grams = reshape(matmul(flat, flat, { transposeB: true }), [n, k * k]);
      const unit = div(grams, sqrt(affine(sum(square(grams), [1], true), 1, 1e-10)));
      // The sum over all pairs, without those of a picture and itself.
      const all = sum(square(sum(unit, [0])));
      return affine(sub(all, sum(square(unit))), 1 / n);
    },
    { layers: [layer] },
  );

/**
 * Minus the distance between neighbouring pictures at a layer: added, it makes a row of pictures change slowly.
 * - sum over d = 1 to 4 of mean((a_i - a_{i+d})^2) / decay^d, over all i.
 */
export const alignment = (layer: string, decay = 2): Objective =>
  objective(
    `alignment(${layer}${decay === 2 ? '' : `,${decay}`})`,
    (s) => {
      several(s, 'alignment');
      const map = mapOf(s, layer);
      const n = map.shape[0]!;
      const part = (from: number, count: number): Tensor =>
        slice(map, [from, ...map.shape.slice(1).map(() => 0)], [count, ...map.shape.slice(1)]);
      const terms = [1, 2, 3, 4].filter((d) => d < n).map((d) => {
        const apart = mean(square(sub(part(0, n - d), part(d, n - d))));
        return affine(apart, -(n - d) / decay ** d);
      }); // prettier-ignore
      return addN(terms);
    },
    { layers: [layer] },
  );

/**
 * From one objective in the first picture to another in the last one: (1 - w_n) from + w_n to, w_n = n / (N - 1). With
 * pictures that share their low frequencies and `alignment`, it shows what lies between two units.
 */
export const interpolated = (from: Objective, to: Objective): Objective =>
  objective(
    `interpolated(${from.name}, ${to.name})`,
    (s) => {
      several(s, 'interpolated');
      const share = Float32Array.from({ length: s.pictures }, (_, i) => i / (s.pictures - 1));
      const weigh = (o: Objective, w: Float32Array) => mul(o.build(s), constant(w, [s.pictures]));
      return add(weigh(from, share.map((w) => 1 - w)), weigh(to, share)); // prettier-ignore
    },
    { layers: [...from.layers, ...to.layers] },
  );

/** The mean opacity of each picture, times its own score where it is multiplied; for parametrisations with opacity. */
export const opacity = (): Objective => objective('opacity', (s) => mean(s.alpha, [1, 2, 3]));
