/** All objectives. */
export { alignment, diversity, interpolated, opacity } from './batch.ts';
export { add, asObjective, objective, scale, type Objective, type ObjectiveParts } from './objective.ts';
export { blur, edges, l1, l2, lp, totalVariation, type PenaltyOptions } from './penalties.ts';
export { activationDifference, caricature, style } from './references.ts';
export {
  channel,
  cosine,
  direction,
  directionNeuron,
  layer,
  logit,
  logProbability,
  neuron,
  tensorNeuron,
} from './units.ts';
