/**
 * Input x gradient: R_i = x_i d f_c / d x_i, x in the normalised space of the network's input. (Shrikumar, Greenside,
 * Shcherbina, Kundaje 2016, arXiv:1605.01713.) The first-order guess of f(x) - f(0). No options.
 */
import { mul } from '../ops/binary.ts';
import { compileGradient } from './gradient.ts';
import type { Method } from './types.ts';

export const inputXGradient: Method = {
  summary: 'gradient times picture',
  target: 'one',
  compile: (model) => compileGradient(model, (g, x) => mul(g, x)),
};
