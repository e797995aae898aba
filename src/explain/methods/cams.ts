/** Class activation maps of one forward and one backward pass: each is how activations A are weighted by gradients g. */
import { scalar } from '../../graph/leaves.ts';
import { add, div, mul } from '../../ops/binary.ts';
import { mean, sum } from '../../ops/reduce.ts';
import { affine, relu, square } from '../../ops/unary.ts';
import { defineCam } from '../cam.ts';

/** w_k = mean over space of g_k. (Selvaraju et al. 2017, arXiv:1610.02391.) */
export const gradCam = defineCam({
  summary: 'activations of a layer, weighted by the mean gradient of their channel',
  weigh: (a, g) => mul(a, mean(g, [2, 3], true)),
});

/**
 * w_k = sum over space of alpha relu(g), alpha = g^2 / (2 g^2 + (sum A) g^3 + 1e-6).
 * (Chattopadhay et al. 2018, arXiv:1710.11063.) The denominator may pass near 0, where alpha is large.
 */
export const gradCamPlusPlus = defineCam({
  summary: 'Grad-CAM whose weights count positive gradients, each by its share: for several objects of a class',
  weigh(a, g) {
    const g2 = square(g);
    const denominator = add(affine(g2, 2, 1e-6), mul(sum(a, [2, 3], true), mul(g2, g)));
    const safe = div(g2, denominator);
    return mul(a, sum(mul(safe, relu(g)), [2, 3], true));
  },
});

/** A g, position by position: faithful where Grad-CAM's means are not. (Draelos and Carin 2020, arXiv:2011.08891.) */
export const hiResCam = defineCam({
  summary: 'activations times their own gradients, position by position',
  weigh: (a, g) => mul(a, g),
});

/** A relu(g). (Jiang et al. 2021, doi:10.1109/TIP.2021.3089943.) Good at early layers. */
export const layerCam = defineCam({
  summary: 'activations times their positive gradients: sharp at early layers',
  weigh: (a, g) => mul(a, relu(g)),
});

/** relu(A g): what speaks for the target at each channel and position, before the sum. */
export const elementwiseCam = defineCam({
  summary: 'positive products of activation and gradient',
  weigh: (a, g) => relu(mul(a, g)),
});

/** w_k = sum of g A over (sum of A + 1e-7), both over space. (Fu et al. 2020, arXiv:2008.02312.) */
export const xGradCam = defineCam({
  summary: 'Grad-CAM whose weights are gradients averaged in proportion to the activations',
  weigh: (a, g) => mul(a, div(sum(mul(g, a), [2, 3], true), add(sum(a, [2, 3], true), scalar(1e-7)))),
});

/** The first principal component of A. No class enters. (Muhammad and Yeasin 2020, arXiv:2008.00299.) */
export const eigenCam = defineCam({
  summary: 'the main direction in which the activations vary over the picture; the same for every class',
  weigh: (a) => a,
  principal: true,
});

/** The first principal component of A g. */
export const eigenGradCam = defineCam({
  summary: 'the main direction in which activation times gradient varies over the picture',
  weigh: (a, g) => mul(a, g),
  principal: true,
});
