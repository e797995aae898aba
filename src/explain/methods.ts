/** The attribution methods by name. To add one: a file that compiles it, and a line here. */
import { WgradError } from '../errors.ts';
import { gradCam } from './grad_cam.ts';
import { gradient } from './gradient.ts';
import { inputXGradient } from './input_x_gradient.ts';
import { integratedGradients } from './integrated_gradients.ts';
import { smoothGrad } from './smoothgrad.ts';
import { sumOfOutputs } from './sum_of_outputs.ts';
import type { Method } from './types.ts';

export const methods = {
  gradient,
  'sum-of-outputs': sumOfOutputs,
  'input-x-gradient': inputXGradient,
  smoothgrad: smoothGrad,
  'integrated-gradients': integratedGradients,
  'grad-cam': gradCam,
} satisfies Record<string, Method>;

export type MethodName = keyof typeof methods;

export const methodNames = Object.keys(methods) as MethodName[];

/** @throws WgradError 'unknown-name'. */
export function methodOf(name: string): Method {
  if (!Object.hasOwn(methods, name)) {
    throw new WgradError('unknown-name', `there is no attribution method '${name}'`, {
      remedy: `Methods: ${methodNames.join(', ')}`,
    });
  }
  return methods[name as MethodName];
}
