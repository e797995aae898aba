/** wgrad/explain: attribution maps. */
export { channelReduce, channelReductions, type ChannelReduction } from './channels.ts';
export { createExplainer, explain, Explainer } from './explainer.ts';
export { maskScore, pointingGame, type MaskScore } from './metrics.ts';
export { methodNames, methods, type MethodName } from './methods.ts';
export { argmax, classIndex, type Target } from '../model/target.ts';
export {
  defaults,
  type Attribution,
  type Completeness,
  type ExplainOptions,
  type Method,
  type MethodOptions,
  type Progress,
  type RunOptions,
} from './types.ts';
