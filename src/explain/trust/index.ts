/** Reports of how far maps are to be trusted. */
export { defaultMeasures, measureNames, measures, type Measure, type MeasureName } from './measures.ts';
export {
  asTrustResult,
  mergeTrust,
  summarizeTrust,
  type MethodTrust,
  type StageSimilarity,
  type TrustResult,
  type TrustRow,
} from './result.ts';
export { measureTrust, type Trust, type TrustOptions, type TrustSample } from './run.ts';
export { compareTrust, type Beside, type BesideMeasure, type BesideRow } from './beside.ts';
