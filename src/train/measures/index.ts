export { calibration, fitTemperature, type Calibration, type CalibrationOptions } from './calibration.ts';
export { classReport, confusionMatrix, topK, type ClassMeasures, type ClassReport } from './classes.ts';
export { labelReport, type LabelReport, type LabelScores } from './labels.ts';
export { precisionRecallCurve, rocCurve, type PrecisionRecallCurve, type RocCurve } from './curves.ts';
export type { Scored } from './scores.ts';
