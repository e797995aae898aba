/**
 * Sum of outputs: R_i = sum_j d y_j / d x_i over all classes j: where the output reacts at all, whichever class gains.
 * One backward pass, seeded with ones. No options.
 */
import { compileGradient } from './gradient.ts';
import type { Method } from './types.ts';

export const sumOfOutputs: Method = {
  summary: 'gradient of the sum of all class scores',
  target: 'all',
  compile: (model) => compileGradient(model, (g) => g),
};
