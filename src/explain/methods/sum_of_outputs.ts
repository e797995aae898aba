/**
 * Sum of outputs: R_i = sum_j d y_j / d x_i over all classes j: where the output reacts at all, whichever class gains.
 * One backward pass, seeded with ones.
 */
import { defineMethod, sensitivity } from '../types.ts';
import { compileGradient } from './gradient.ts';

export const sumOfOutputs = defineMethod({
  summary: 'gradient of the sum of all class scores',
  display: sensitivity,
  options: {},
  target: 'all',
  cost: () => ({ gradients: 1 }),
  compile: (model, score, _, control) => compileGradient(model, score, control, (g) => g),
});
