/** Measures of maps: against a known object, against the model, against each other. */
export { muFidelity, sensitivityMax } from './fidelity.ts';
export { infidelity, type Infidelity, type InfidelityOptions } from './infidelity.ts';
export { bootstrapMean, type Interval } from './interval.ts';
export { maskScore, pointingGame, type MaskScore } from './pointing.ts';
export {
  dataRandomization,
  parameterRandomization,
  type Randomized,
  type RandomizationOptions,
} from './randomization.ts';
export { deletion, insertion, type RemovalCurve, type RemovalOptions } from './removal.ts';
export { road, type Road, type RoadOptions } from './road.ts';
export { correlation, spearman, sparseness, ssim } from './similarity.ts';
