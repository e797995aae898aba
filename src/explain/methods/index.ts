/** The attribution methods by name. To add one: a file that defines it, and a line here. */
import { WgradError } from '../../errors.ts';
import type { OptionsOf } from '../../options.ts';
import type { ClassOutput } from '../score.ts';
import type { Method } from '../types.ts';
import { deepShap } from './deep_lift.ts';
import { gradCam } from './grad_cam.ts';
import { gradient } from './gradient.ts';
import { inputXGradient } from './input_x_gradient.ts';
import { integratedGradients } from './integrated_gradients.ts';
import { occlusion } from './occlusion.ts';
import { rise } from './rise.ts';
import { smoothGrad } from './smoothgrad.ts';
import { sumOfOutputs } from './sum_of_outputs.ts';

export const methods = {
  gradient,
  'sum-of-outputs': sumOfOutputs,
  'input-x-gradient': inputXGradient,
  smoothgrad: smoothGrad,
  'integrated-gradients': integratedGradients,
  'grad-cam': gradCam,
  'deep-shap': deepShap,
  occlusion,
  rise,
};

type Methods = typeof methods;

export type MethodName = keyof Methods;

/** A method and the options that it knows, and no others. */
export type MethodOptions = {
  [N in MethodName]: {
    method: N;
    /** What a class target means; default 'logit'. */
    output?: ClassOutput | undefined;
  } & OptionsOf<Methods[N]['options']>;
}[MethodName];

export const methodNames = Object.keys(methods) as MethodName[];

/** @throws WgradError 'unknown-name'. */
export function methodOf(name: string): Method {
  if (!Object.hasOwn(methods, name)) {
    throw new WgradError('unknown-name', `there is no attribution method '${name}'`, {
      remedy: `Methods: ${methodNames.join(', ')}`,
    });
  }
  return methods[name as MethodName] as Method<any>;
}
