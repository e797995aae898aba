/** The attribution methods by name. To add one: a file that defines it, and a line here. */
import { WgradError } from '../../errors.ts';
import type { OptionsOf } from '../../options.ts';
import type { ClassOutput } from '../score.ts';
import type { Method } from '../types.ts';
import { ablationCam } from './ablation_cam.ts';
import { blurIg } from './blur_ig.ts';
import { deepShap } from './deep_lift.ts';
import {
  eigenCam,
  eigenGradCam,
  elementwiseCam,
  gradCam,
  gradCamPlusPlus,
  hiResCam,
  layerCam,
  xGradCam,
} from './cams.ts';
import { exactShap, shapInteractions } from './exact_shap.ts';
import { expectedGradients } from './expected_gradients.ts';
import { extremalPerturbation } from './extremal_perturbation.ts';
import { featureAblation } from './feature_ablation.ts';
import { featurePermutation } from './feature_permutation.ts';
import { fullGrad } from './full_grad.ts';
import { deconvnet, gradient, guidedBackprop } from './gradient.ts';
import { guidedGradCam } from './guided_grad_cam.ts';
import { guidedIg } from './guided_ig.ts';
import { inputXGradient } from './input_x_gradient.ts';
import { integratedGradients } from './integrated_gradients.ts';
import { kernelShap } from './kernel_shap.ts';
import {
  conductance,
  internalInfluence,
  layerActivation,
  layerGradientXActivation,
  layerIntegratedGradients,
  neuronConductance,
} from './layers.ts';
import { lime } from './lime.ts';
import { lrp } from './lrp.ts';
import { meaningfulPerturbation } from './meaningful_perturbation.ts';
import { occlusion } from './occlusion.ts';
import { partitionShap } from './partition_shap.ts';
import { permutationShap, samplingShap } from './permutation_shap.ts';
import { rise } from './rise.ts';
import { scoreCam } from './score_cam.ts';
import { smoothGrad } from './smoothgrad.ts';
import { sumOfOutputs } from './sum_of_outputs.ts';
import { xrai } from './xrai.ts';

/** The attribution methods by name: what each says of itself, its options with defaults, and its cost. */
export const methods = {
  gradient,
  'guided-backprop': guidedBackprop,
  deconvnet,
  'sum-of-outputs': sumOfOutputs,
  'input-x-gradient': inputXGradient,
  smoothgrad: smoothGrad,
  'integrated-gradients': integratedGradients,
  'blur-ig': blurIg,
  'guided-ig': guidedIg,
  'grad-cam': gradCam,
  'grad-cam++': gradCamPlusPlus,
  'hires-cam': hiResCam,
  'layer-cam': layerCam,
  'elementwise-cam': elementwiseCam,
  'xgrad-cam': xGradCam,
  'eigen-cam': eigenCam,
  'eigengrad-cam': eigenGradCam,
  'score-cam': scoreCam,
  'ablation-cam': ablationCam,
  'guided-grad-cam': guidedGradCam,
  'full-grad': fullGrad,
  'expected-gradients': expectedGradients,
  'deep-shap': deepShap,
  'kernel-shap': kernelShap,
  'exact-shap': exactShap,
  'permutation-shap': permutationShap,
  'sampling-shap': samplingShap,
  'partition-shap': partitionShap,
  'shap-interactions': shapInteractions,
  lrp,
  lime,
  'feature-ablation': featureAblation,
  'feature-permutation': featurePermutation,
  xrai,
  'meaningful-perturbation': meaningfulPerturbation,
  'extremal-perturbation': extremalPerturbation,
  occlusion,
  rise,
  'layer-activation': layerActivation,
  'layer-gradient-x-activation': layerGradientXActivation,
  'internal-influence': internalInfluence,
  conductance,
  'layer-integrated-gradients': layerIntegratedGradients,
  'neuron-conductance': neuronConductance,
};

type Methods = typeof methods;

/** Name of an attribution method. */
export type MethodName = keyof Methods;

/** A method and the options that it knows, and no others. */
export type MethodOptions = {
  [N in MethodName]: {
    method: N;
    /** What a class target means; default 'logit'. */
    output?: ClassOutput | undefined;
  } & OptionsOf<Methods[N]['options']>;
}[MethodName];

/** All names of {@link MethodName}. */
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
