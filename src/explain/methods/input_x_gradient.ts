/**
 * Input x gradient: R_i = x_i d f_c / d x_i, x in the normalised space of the network's input. (Shrikumar, Greenside,
 * Shcherbina, Kundaje 2016, arXiv:1605.01713.) The first-order guess of f(x) - f(0).
 */
import { mul } from '../../ops/binary.ts';
import { defineMethod } from '../types.ts';
import { compileGradient } from './gradient.ts';

export const inputXGradient = defineMethod({
  summary: 'gradient times picture',
  options: {},
  target: 'one',
  cost: () => ({ gradients: 1 }),
  compile: (model, score, _, control) => compileGradient(model, score, control, (g, x) => mul(g, x)),
});
