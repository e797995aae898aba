/** wgrad/explain: attribution maps. */
export { channelReduce, channelReductions, type ChannelReduction } from './channels.ts';
export { costOf, costTable, forwardEquivalents, printForwards } from './costs.ts';
export { printError } from './errors.ts';
export {
  createExplainer,
  explain,
  Explainer,
  type ExplainOptions,
  type ExplainPictures,
  type ExplainSeveral,
} from './explainer.ts';
export * from './figures/index.ts';
export { noiseTunnel, type NoiseTunnelOptions } from './noise_tunnel.ts';
export * from './metrics/index.ts';
export { methodNames, methodOf, methods, type MethodName, type MethodOptions } from './methods/index.ts';
export {
  fgsm,
  pgd,
  type Adversarial,
  type AttackOptions,
  type FgsmOptions,
  type Prediction,
} from './robustness/attack.ts';
export { smallestPerturbation, type Smallest, type SmallestOptions } from './robustness/smallest.ts';
export { adversarialPoints, type AdversarialPoints, type Ball, type BallNorm } from './robustness/step.ts';
export type { ClassOutput } from './score.ts';
export { imageAndMask, markBoundaries } from './regions.ts';
export { segment, segmentations, type Segmentation, type SegmentOptions } from './segments/index.ts';
export { segmentBoundaries } from './segments/labels.ts';
export { argmax, classIndex, type ClassTarget } from '../model/target.ts';
export * from './trust/index.ts';
export type {
  Attribution,
  Completeness,
  Cost,
  Display,
  MapError,
  Method,
  NoError,
  Progress,
  Regions,
  RunOptions,
  Sign,
  StandardError,
  SurrogateFit,
  Target,
  Targets,
} from './types.ts';
