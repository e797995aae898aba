/** Objectives about a given picture, as in Lucid: what it excites is raised, kept or copied. */
import { WgradError } from '../../errors.ts';
import { show } from '../../graph/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { addN, div, mul, pow, sub } from '../../ops/binary.ts';
import { matmul } from '../../ops/matmul.ts';
import { mean, sum } from '../../ops/reduce.ts';
import { reshape } from '../../ops/reshape.ts';
import { abs, affine, sqrt, square } from '../../ops/unary.ts';
import { objective, type Objective } from './objective.ts';
import { mapOf, perPicture } from './units.ts';

/**
 * Exaggerates what a picture excites: the product a . r of the activations with those of the reference, times
 * (a . r / (1e-6 + |a|))^power, so that a few loud units do not do.
 * @param reference a picture in the network's units, of the size that is drawn. @param power default 1.
 */
export const caricature = (layer: string, reference: Float32Array, power = 1): Objective =>
  objective(
    `caricature(${layer}${power === 1 ? '' : `,${power}`})`,
    (s) => {
      const [a, r] = [mapOf(s, layer), mapOf(s.reference(reference), layer)];
      requireSame(a, r, layer);
      const dot = sum(mul(a, r), [1, 2, 3]);
      if (power === 0) return dot;
      const length = sqrt(affine(sum(square(a), [1, 2, 3]), 1, 1e-12));
      return mul(dot, pow(div(dot, affine(length, 1, 1e-6)), power));
    },
    { layers: [layer] },
  );

/** Mean absolute difference between the activations and those of a reference: take it away to keep its contents. */
export const activationDifference = (layers: string | readonly string[], reference: Float32Array): Objective =>
  overLayers('difference', layers, (s, layer) => {
    const [a, r] = [mapOf(s, layer), mapOf(s.reference(reference), layer)];
    requireSame(a, r, layer);
    return perPicture(mean, abs(sub(a, r)));
  });

/** Mean absolute difference of the Gram matrices of the channels: take it away to copy a reference's texture. */
export const style = (layers: string | readonly string[], reference: Float32Array): Objective =>
  overLayers('style', layers, (s, layer) =>
    perPicture(mean, abs(sub(gram(mapOf(s, layer)), gram(mapOf(s.reference(reference), layer))))),
  );

/** [N,K,K]: products of the channels, as a mean over positions. */
export function gram(map: Tensor): Tensor {
  const [n, k, h, w] = map.shape as [number, number, number, number];
  const flat = reshape(map, [n, k, h * w]);
  return affine(matmul(flat, flat, { transposeB: true }), 1 / (h * w));
}

function overLayers(
  name: string,
  layers: string | readonly string[],
  term: (scene: Parameters<Objective['build']>[0], layer: string) => Tensor,
): Objective {
  const list = typeof layers === 'string' ? [layers] : [...layers];
  return objective(`${name}(${list.join(',')})`, (s) => addN(list.map((layer) => term(s, layer))), { layers: list });
}

function requireSame(a: Tensor, r: Tensor, layer: string): void {
  if (a.shape.slice(1).join() === r.shape.slice(1).join()) return;
  throw new WgradError(
    'shape',
    `'${layer}' is ${show(a.shape)} of the drawn pictures, ${show(r.shape)} of the reference`,
  );
}
