/**
 * Grad-CAM: R = ReLU(sum_k a_k A_k), a_k = mean over space of g_k.
 * (Selvaraju, Cogswell, Das, Vedantam, Parikh, Batra 2017, arXiv:1610.02391.)
 */
import { mul } from '../../ops/binary.ts';
import { mean, sum } from '../../ops/reduce.ts';
import { defineCam } from '../cam.ts';

export const gradCam = defineCam({
  summary: 'activations of a layer, weighted by the mean gradient of their channel',
  combine: (a, g) => sum(mul(a, mean(g, [2, 3], true)), [1], true),
});
